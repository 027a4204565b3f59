"""Joining as a further control plane, kubeadm's way.

What all control planes share (the authorities' keys, the keys of service account tokens, where the state is kept) lies
in a Secret, encrypted with a key that only whoever makes the join command knows. There is one Secret for each such
token: only the token's holder may read it, and it goes with the token, whose life is short.
"""

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core.bootstrap_token import NAME_PREFIX, NAMESPACE, Token
from pynetes.apis.names import ROLE_BINDINGS, ROLES, SECRETS
from pynetes.cli import etcd, storeurl, tokens
from pynetes.cli.join import JoinError
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError
from pynetes.cli.storeurl import StoreChoice
from pynetes.cli.tokens import Grant
from pynetes.client import kubeconfig
from pynetes.client.kubeconfig import Config
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import certificates
from pynetes.component.pki import PKI

Object = dict[str, Any]

#: As kubeadm's: seconds that a certificate key holds.
DEFAULT_TTL = 2 * 3600.0

_KEY_BYTES, _NONCE_BYTES = 32, 12
_RBAC = "rbac.authorization.k8s.io"
_STORE, _MEMBERS = "store.url", "etcd-members.json"


def secret_name(token: Token) -> str:
    return f"pynetes-certs-{token.id}"


# --- the certificate key


def new_key() -> bytes:
    return secrets.token_bytes(_KEY_BYTES)


def parse_key(text: str) -> bytes:
    """JoinError for what is no key."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise JoinError(f"--certificate-key is not of the form of {2 * _KEY_BYTES} hexadecimal digits")
    return key


def encrypt(key: bytes, data: bytes) -> bytes:
    """AES-GCM, the nonce in front."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, None)


def decrypt(key: bytes, data: bytes) -> bytes:
    """InvalidTag if it was encrypted with another key, or changed since."""
    return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None)


# --- what travels


def shared_files(pki: PKI, *, managed_etcd: bool) -> dict[str, str]:
    """Name in the Secret → path below the PKI's directory, as kubeadm names them."""
    names = ["ca.crt", "ca.key", "sa.key", "sa.pub", "front-proxy-ca.crt", "front-proxy-ca.key"]
    found = {name: name for name in names}
    if managed_etcd:
        found |= {"etcd-ca.crt": "etcd/ca.crt", "etcd-ca.key": "etcd/ca.key"}
    return found


def contents(layout: Layout, settings: Settings) -> dict[str, bytes]:
    """All that a further control plane needs, as this one has it."""
    pki, choice = PKI(layout.pki), storeurl.load(layout)
    files = shared_files(pki, managed_etcd=choice.managed)
    found = {name: (pki.directory / path).read_bytes() for name, path in files.items()}
    found[_STORE] = choice.url.encode()
    if choice.managed:
        own = etcd.member_config(layout, settings).own
        found[_MEMBERS] = etcd.members_text(etcd.load_members(layout.etcd_members) or [own]).encode()
    return found


def objects(token: Token, token_uid: str, encrypted: Mapping[str, bytes]) -> list[tuple[Any, Object]]:
    """The Secret, and the right to read it for the token's holder; all go with the token."""
    name = secret_name(token)
    owner = {"apiVersion": "v1", "kind": "Secret", "name": NAME_PREFIX + token.id, "uid": token_uid}
    metadata = {"name": name, "namespace": NAMESPACE, "ownerReferences": [owner]}
    data = {key: base64.b64encode(value).decode() for key, value in encrypted.items()}
    rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get"]}
    return [
        (SECRETS, {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}),
        (ROLES, {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]}),
        (
            ROLE_BINDINGS,
            {
                "apiVersion": f"{_RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
                "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": f"system:bootstrap:{token.id}"}],
            },
        ),
    ]


async def upload(client: Client, layout: Layout, settings: Settings, token: Token, grant: Grant) -> bytes:
    """Makes the token and the Secret that goes with it; returns the certificate key."""
    key = new_key()
    encrypted = {name: encrypt(key, data) for name, data in contents(layout, settings).items()}
    await tokens.create(client, token, grant)
    made = await client.get(SECRETS, NAME_PREFIX + token.id, NAMESPACE)
    for gvr, obj in objects(token, meta.uid(made), encrypted):
        await client.create(gvr, obj)
    return key


def join_command(agent_command: str, key: bytes) -> str:
    """Out of the command that joins a node."""
    return f"{agent_command.replace('pynetes agent', 'pynetes server', 1)} --certificate-key {key.hex()}"


# --- the joining machine's side


class Bundle(Struct, frozen=True):
    """What the cluster gave; nothing of it is on disk yet."""

    files: Mapping[str, bytes]
    store: StoreChoice

    @property
    def members(self) -> list[etcd.KnownMember]:
        return etcd.parse_members(self.files[_MEMBERS].decode()) if self.store.managed else []

    def check(self, settings: Settings) -> None:
        """JoinError if this machine cannot be one of the cluster's."""
        refuse_known_name(self.members, settings)

    def write(self, layout: Layout) -> None:
        pki = PKI(layout.pki)
        for name, path in shared_files(pki, managed_etcd=self.store.managed).items():
            mode = 0o600 if name.endswith(".key") else 0o644
            certificates.write_file(pki.directory / path, self.files[name], mode=mode)
        storeurl.save(layout, self.store)
        if self.store.managed:
            etcd.save_members(layout.etcd_members, self.members)


def refuse_unshared(identity: str, server: str) -> None:
    """JoinError where the state is one machine's own."""
    if identity.startswith(storeurl.SQLITE):
        raise JoinError(
            f"the cluster at {server} keeps its state in SQLite, a file that one API server has to itself, so it can "
            "have one control plane only: make a cluster with --store etcd: (or an external store) for several, or "
            "join this machine as a node with `pynetes agent`"
        )


_FLAGS = {"service_cidr": "service-cluster-ip-range"}


def refuse_others(given: Mapping[str, Any], shared: Mapping[str, Any]) -> None:
    """JoinError for a setting that the whole cluster shares and that is given as another."""
    for name, value in shared.items():
        if given.get(name) not in (None, value):
            flag = _FLAGS.get(name, name.replace("_", "-"))
            raise JoinError(f"--{flag} {given[name]}: in this cluster it is {value}: leave it out")


async def fetch(config: Config, token: Token, key: bytes) -> Bundle:
    """Reads and decrypts the Secret, as the token's holder. JoinError."""
    client = kubeconfig.client_from_config(config, "pynetes-server")
    try:
        found = await client.get(SECRETS, secret_name(token), NAMESPACE)
    except StatusError as error:
        if error.code in (401, 403, 404):
            raise JoinError(
                f'the token "{token.id}" is not one for control planes, or it has expired: '
                "`pynetes token create --control-plane` on a control plane makes one"
            ) from None
        raise JoinError(f"{config.server} does not give the cluster's certificates: {error}") from None
    except TransportError as error:
        raise JoinError(str(error)) from None
    finally:
        await client.close()
    return opened(found, key)


def opened(secret: Object, key: bytes) -> Bundle:
    """JoinError for another key's Secret, or one that lacks something."""
    try:
        files = {name: decrypt(key, base64.b64decode(text)) for name, text in (secret.get("data") or {}).items()}
        store = storeurl.parse(files[_STORE].decode())
        needed = {*shared_files(PKI(Layout().pki), managed_etcd=store.managed), *([_MEMBERS] if store.managed else [])}
    except InvalidTag:
        raise JoinError("the certificate key is wrong: it is not the one that was printed with this token") from None
    except (ValueError, LookupError, SettingsError) as error:
        raise JoinError(f"the cluster's certificates cannot be used: {error}") from None
    if missing := sorted(needed - files.keys()):
        raise JoinError(f"the cluster's certificates cannot be used: {', '.join(missing)} is missing")
    return Bundle(files, store)


def refuse_known_name(members: list[etcd.KnownMember], settings: Settings) -> None:
    """JoinError if another machine has this one's name in etcd."""
    own = f"https://{settings.node_ip}:{etcd.PEER_PORT}"
    for member in members:
        if member.name == settings.node_name and own not in member.peer_urls:
            raise JoinError(
                f"the cluster has a control plane named {member.name} already, at {', '.join(member.addresses)}: "
                "choose another --node-name; if that machine is gone for good, take its member out first with "
                f"`pynetes member remove {member.name}` on one that is left"
            )
