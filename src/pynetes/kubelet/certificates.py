"""The kubelet's certificates: asked for with a CertificateSigningRequest, kept in files, renewed before they expire.

Files are upstream's: each certificate with its key in `<pair>-<time>.pem`, and `<pair>-current.pem`, a link to the
newest. Whoever uses the link sees the renewed certificate.
"""

import asyncio
import base64
import contextlib
import ipaddress
import logging
import os
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import certificates, clock
from pynetes.component.certificates import CertificateFileError, KeyPair, PrivateKey

log = logging.getLogger(__name__)

CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet"
SERVING_SIGNER = "kubernetes.io/kubelet-serving"
CLIENT_PAIR, SERVING_PAIR = "kubelet-client", "kubelet-server"

WAIT_SECONDS = 15 * 60.0
_RETRY_FIRST, _RETRY_MAX = 2.0, 120.0
_POLL = 5.0


class CertificateRefused(Exception):
    """The request was denied or its signer refuses it; the message says why."""


class Wanted(Struct, frozen=True):
    """A certificate for this node. `names` and `addresses` are what a serving certificate vouches for."""

    node_name: str
    signer: str = CLIENT_SIGNER
    usage: str = "client auth"
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def request(self, key: PrivateKey) -> bytes:
        """PKCS #10, PEM."""
        organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes")
        common_name = x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{self.node_name}")
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([organization, common_name]))
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in self.names]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in self.addresses]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class CertificateStore:
    """The files of one pair in a directory."""

    def __init__(self, directory: Path, pair: str) -> None:
        self._directory, self._pair = directory, pair

    @property
    def current(self) -> Path:
        return self._directory / f"{self._pair}-current.pem"

    def load(self) -> KeyPair | None:
        """The newest pair; None if there is none that can be read."""
        if not self.current.exists():
            return None
        try:
            return certificates.load(self.current, self.current)
        except CertificateFileError as error:
            log.warning("%s", error)
            return None

    def save(self, chain: bytes, key: PrivateKey) -> None:
        """Keeps a new pair and makes it the current one; the one before stays until the next."""
        now = clock.now().strftime("%Y-%m-%d-%H-%M-%S-%f")
        target = self._directory / f"{self._pair}-{now}.pem"
        before = Path(os.path.realpath(self.current))
        certificates.write_file(target, chain + certificates.private_key_pem(key), mode=0o600)
        link = self._directory / f".{self._pair}-current.pem"
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
        link.replace(self.current)
        for old in self._directory.glob(f"{self._pair}-[0-9]*.pem"):
            if old not in (target, before):
                old.unlink(missing_ok=True)


async def obtain(client: Client, wanted: Wanted, store: CertificateStore, *, seconds: float = WAIT_SECONDS) -> None:
    """Asks for a certificate, waits until it is issued and stores it. CertificateRefused, StatusError, TimeoutError."""
    key = certificates.new_key()
    pem = wanted.request(key)
    request = {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"generateName": "csr-"},
        "spec": {
            "request": base64.b64encode(pem).decode(),
            "signerName": wanted.signer,
            "usages": ["digital signature", wanted.usage],
        },
    }
    created = await client.create(CERTIFICATE_SIGNING_REQUESTS, request)
    async with asyncio.timeout(seconds):
        store.save(await _issued(client, meta.name(created)), key)


async def _issued(client: Client, name: str) -> bytes:
    """The certificate of a request, as soon as there is one."""
    while True:
        found = await client.get(CERTIFICATE_SIGNING_REQUESTS, name)
        if (chain := answer(found)) is not None:
            return chain
        events = client.watch(
            CERTIFICATE_SIGNING_REQUESTS,
            field_selector=f"metadata.name={name}",
            resource_version=found["metadata"]["resourceVersion"],
        )
        try:
            async with contextlib.aclosing(events):
                async for event in events:
                    if event.type == "DELETED":
                        raise CertificateRefused(f"certificate signing request {name} was deleted before it was issued")
                    if event.type == "MODIFIED" and (chain := answer(event.object)) is not None:
                        return chain
        except (StatusError, TransportError) as error:
            log.debug("watching %s: %s", name, error)
            await clock.sleep(_POLL)


def answer(request: dict[str, Any]) -> bytes | None:
    """The issued chain (PEM), None if nobody has decided yet."""
    status = request.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["type"] in ("Denied", "Failed"):
            why = condition.get("message") or condition.get("reason") or ""
            name = meta.name(request)
            raise CertificateRefused(f"certificate signing request {name} is {condition['type'].lower()}: {why}")
    issued = status.get("certificate")
    return base64.b64decode(issued) if issued else None


def rotation_time(certificate: x509.Certificate, part: float) -> datetime:
    """When to renew: after `part` of its life."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begin + (end - begin) * part


def is_valid(pair: KeyPair | None, wanted: Wanted, now: datetime) -> bool:
    """Whether a stored pair can be used for what is wanted."""
    if pair is None or not pair.certificate.not_valid_before_utc <= now < pair.certificate.not_valid_after_utc:
        return False
    names = pair.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return [name.value for name in names] == [f"system:node:{wanted.node_name}"] and _stated(pair) >= (
        set(wanted.names) | set(wanted.addresses)
    )


def _stated(pair: KeyPair) -> set[str]:
    try:
        names = pair.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return set(names.get_values_for_type(x509.DNSName)) | {
        str(address) for address in names.get_values_for_type(x509.IPAddress)
    }


class CertificateManager:
    """Keeps one certificate: obtains it if there is none, renews it when 70 to 90 % of its life are over."""

    def __init__(
        self, client: Client, wanted: Callable[[], Wanted], store: CertificateStore, on_change: Callable[[], None]
    ) -> None:
        self._client, self._wanted, self._store, self._on_change = client, wanted, store, on_change
        self._part = random.uniform(0.7, 0.9)

    async def run(self) -> None:
        """Until cancelled."""
        retry = _RETRY_FIRST
        while True:
            delay = self._seconds_left()
            if delay > 0:
                # No longer than this, because the clock may be set or the node get another address.
                await clock.sleep(min(delay, 60.0))
                continue
            try:
                await obtain(self._client, self._wanted(), self._store)
            except (CertificateRefused, StatusError, TransportError, TimeoutError) as error:
                log.warning("no new certificate for %s: %s", self._store.current.name, error or "nobody decided")
                await clock.sleep(retry)
                retry = min(retry * 2, _RETRY_MAX)
                continue
            retry = _RETRY_FIRST
            log.info("%s is a new certificate", self._store.current)
            self._on_change()

    def _seconds_left(self) -> float:
        pair = self._store.load()
        if pair is None or not is_valid(pair, self._wanted(), clock.now()):
            return 0.0
        return (rotation_time(pair.certificate, self._part) - clock.now()).total_seconds()


async def bootstrap(bootstrap_kubeconfig: Path, path: Path, directory: Path, node_name: str) -> None:
    """Turns a bootstrap kubeconfig's token into a client certificate and a kubeconfig at `path` that uses it.

    Does nothing where there is a valid certificate already, so that a node that was restarted needs no token.
    """
    wanted, store = Wanted(node_name), CertificateStore(directory, CLIENT_PAIR)
    if is_valid(store.load(), wanted, clock.now()) and os.path.exists(path):  # noqa: ASYNC240 (a local disk)
        return
    config = kubeconfig.load(bootstrap_kubeconfig)
    client = kubeconfig.client_from_config(config, "kubelet")
    try:
        await obtain(client, wanted, store)
    finally:
        await client.close()
    kubeconfig.write(path, client_document(config, store.current))


def client_document(config: kubeconfig.Config, certificate: Path) -> dict[str, Any]:
    """A kubeconfig for the same cluster whose user is the certificate in a file."""
    plain = kubeconfig.Config(
        config.server, ca=config.ca, tls_server_name=config.tls_server_name, servers=config.servers
    )
    made = kubeconfig.document("pynetes", plain, user="default-auth")
    made["users"][0]["user"] = {"client-certificate": str(certificate), "client-key": str(certificate)}
    return made


def serving(node_name: str, addresses: Sequence[str]) -> Wanted:
    return Wanted(node_name, SERVING_SIGNER, "server auth", (node_name,), tuple(addresses))
