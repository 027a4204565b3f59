"""Joining a cluster: from a token and the hash of a key to settings, the CA and a client certificate.

1. `cluster-info` is read without knowing the server. It is believed if the token has signed it and, where hashes are
   given, the CA in it is one of them.
2. With that CA and the token, the cluster's settings are read.
3. The kubelet's client certificate is asked for; kubelet, proxy and network act with it.
"""

import json
import logging
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from msgspec.structs import asdict

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import human_duration
from pynetes.apis.core import bootstrap_token
from pynetes.apis.core.bootstrap_token import INFO_KEY, INFO_NAME, INFO_NAMESPACE, Token
from pynetes.apis.names import CONFIG_MAPS
from pynetes.cli import tokens, truststore  # noqa: F401
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings
from pynetes.client import kubeconfig, serverlist
from pynetes.client.kubeconfig import Config
from pynetes.client.transport import TransportError, reason
from pynetes.component import certificates, clock
from pynetes.component.pki import PKI

log = logging.getLogger(__name__)

#: Settings that all nodes of a cluster share, in kube-system.
SETTINGS_NAME, SETTINGS_KEY = "pynetes-settings", "settings.json"
SHARED = (
    "service_cidr",
    "cluster_cidr",
    "dns_ip",
    "service_ip",
    "domain",
    "load_balancer_pool",
    "store",
    "secure_port",
)

#: Seconds; certificates begin so long before they are made.
_CLOCKS_DIFFER = 300.0

NODE_USERS = ("kubelet", "kube-proxy", "network")


class JoinError(Exception):
    """The machine did not become a node; the message says why and what to do."""


def parse_token(text: str) -> Token:
    """JoinError for what is no token."""
    try:
        return bootstrap_token.parse(text)
    except ValueError as error:
        hint = "`pynetes token create --print-join-command` on a server makes one"
        raise JoinError(f"{error}; {hint}") from None


def check_hashes(hashes: tuple[str, ...]) -> None:
    """JoinError for what is no hash of a key."""
    for each in hashes:
        if not each.startswith("sha256:") or len(each) != len("sha256:") + 64:
            raise JoinError(f"{each} is not of the form sha256:<64 hexadecimal digits>")


def address(server: str) -> str:
    """`host:6443` or an URL → the URL."""
    return server.rstrip("/") if "://" in server else f"https://{server.rstrip('/')}"


def shared_settings(settings: Settings) -> str:
    values = asdict(settings)
    return json.dumps({key: values[key] for key in SHARED}, indent=1)


async def discover(server: str, token: Token, hashes: tuple[str, ...]) -> Config:
    """How to reach the cluster at `server`, its CA believed."""
    client = kubeconfig.client_from_config(Config(server, insecure=True), "pynetes-agent")
    try:
        answer = await client.raw("GET", "/version")
        check_clock(server, answer.headers.get("date", ""), clock.now())
        info = await client.get(CONFIG_MAPS, INFO_NAME, INFO_NAMESPACE)
    except StatusError as error:
        first = str(error).partition("\n")[0]
        raise JoinError(f"{server} is no API server of a cluster to join: it answers {error.code} ({first})") from None
    except TransportError as error:
        https = "" if server.startswith("https:") else " API servers speak https;"
        raise JoinError(
            f"{server} does not answer ({reason(error)}):{https} is this its address, does it run, "
            "and does every firewall let its port through?"
        ) from None
    finally:
        await client.close()
    authority = trusted_authority(info, server, token, hashes)
    return Config(server, ca=authority, token=str(token))


def check_clock(server: str, date: str, now: datetime) -> None:
    """JoinError if this machine's clock differs so much that certificates would not hold. `date`: the server's."""
    try:
        ahead = (now - parsedate_to_datetime(date)).total_seconds()
    except ValueError:
        return
    if abs(ahead) > _CLOCKS_DIFFER:
        how = f"{human_duration(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'}"
        raise JoinError(
            f"this machine's clock is {how} that of {server}: set both right, as with `timedatectl set-ntp true`; "
            "certificates and tokens rest on the time"
        )


def trusted_authority(info: dict[str, Any], server: str, token: Token, hashes: tuple[str, ...]) -> bytes:
    """The CA (PEM) in `cluster-info`; JoinError if it is not to be believed."""
    if bootstrap_token.SIGNATURE_PREFIX + token.id not in (info.get("data") or {}):
        raise JoinError(
            f'the cluster at {server} knows no token "{token.id}", or it has expired: '
            "make a new one there with `pynetes token create --print-join-command`"
        )
    if not bootstrap_token.is_signed(info, token):
        raise JoinError(f'the token "{token.id}" is wrong, or {server} is not the cluster that it belongs to')
    try:
        authority = kubeconfig.choose(yaml.safe_load(info["data"][INFO_KEY]) | {"current-context": "join"}).ca or b""
        found = x509.load_pem_x509_certificates(authority)
    except (kubeconfig.ConfigError, ValueError, yaml.YAMLError) as error:
        raise JoinError(f"{server} tells no usable CA: {error}") from None
    unknown = [tokens.pin(certificate) for certificate in found if tokens.pin(certificate) not in hashes]
    if hashes and unknown:
        raise JoinError(
            f"the CA at {server} is {unknown[0]}, not {' or '.join(hashes)}: "
            "this is another cluster, or somebody in between"
        )
    return authority


def cluster_info(server: str, authority: bytes) -> str:
    """The kubeconfig in `cluster-info`: the cluster without a user."""
    made = kubeconfig.document("join", Config(server, ca=authority))
    made["contexts"], made["users"] = [{"name": "join", "context": {"cluster": "join", "user": ""}}], []
    return yaml.safe_dump(made, sort_keys=True)


async def read_settings(config: Config) -> dict[str, Any]:
    """What all nodes share, read with the token."""
    client = kubeconfig.client_from_config(config, "pynetes-agent")
    try:
        found = await client.get(CONFIG_MAPS, SETTINGS_NAME, bootstrap_token.NAMESPACE)
    except StatusError as error:
        if error.code in (401, 403):
            raise JoinError(f"the token is refused ({error}): it has expired or is not one for nodes") from None
        raise JoinError(f"{config.server} does not give the cluster's settings: {error}") from None
    except TransportError as error:
        raise JoinError(f"{config.server} does not answer ({reason(error)})") from None
    finally:
        await client.close()
    values: dict[str, Any] = json.loads(found["data"][SETTINGS_KEY])
    return {key: values[key] for key in SHARED if key in values}


async def read_servers(config: Config) -> tuple[str, ...]:
    """All API servers, read with the token; none if the cluster does not tell: it tells later, to who has joined."""
    client = kubeconfig.client_from_config(config, "pynetes-agent")
    try:
        found = await client.get(serverlist.ENDPOINT_SLICES, serverlist.NAME, serverlist.NAMESPACE)
    except (StatusError, TransportError) as error:
        log.info("the cluster's other API servers are not known yet: %s", error)
        return ()
    finally:
        await client.close()
    return tuple(serverlist.addresses(found))


async def obtain_certificate(layout: Layout, settings: Settings, config: Config) -> None:
    """The node's client certificate, and kubeconfigs that use it."""
    from pynetes.kubelet import certificates as node_certificates

    store = node_certificates.CertificateStore(layout.kubelet_pki, node_certificates.CLIENT_PAIR)
    client = kubeconfig.client_from_config(config, "pynetes-agent")
    try:
        await node_certificates.obtain(client, node_certificates.Wanted(settings.node_name), store, seconds=60.0)
    except (StatusError, TransportError, node_certificates.CertificateRefused) as error:
        raise JoinError(f"no certificate for node {settings.node_name}: {error}") from None
    except TimeoutError:
        raise JoinError(
            f"nobody approved the certificate of node {settings.node_name} within a minute: "
            "see `kubectl get csr` on the server"
        ) from None
    finally:
        await client.close()
    assert config.ca is not None
    certificates.write_file(PKI(layout.pki).ca.certificate, config.ca, mode=0o644)
    document = node_certificates.client_document(config, store.current)
    for user in NODE_USERS:
        kubeconfig.write(layout.kubeconfig(user), document)


def has_joined(layout: Layout, node_name: str) -> bool:
    """Whether this machine has what a node needs, from an earlier time."""
    from pynetes.component import clock
    from pynetes.kubelet import certificates as node_certificates

    store = node_certificates.CertificateStore(layout.kubelet_pki, node_certificates.CLIENT_PAIR)
    needed = [PKI(layout.pki).ca.certificate, *(layout.kubeconfig(user) for user in NODE_USERS)]
    valid = node_certificates.is_valid(store.load(), node_certificates.Wanted(node_name), clock.now())
    return valid and all(Path(path).exists() for path in needed)
