"""The etcd that Pynetes runs itself: one member on every control plane's machine, Debian's `etcd` with TLS throughout.

Here is what a member is told; `etcdmember` is how it comes into the cluster and goes, `etcdkeeper` looks after it.

What the members were when last asked lies in `etcd-members.json`. Whoever has no such file was the first: so a member
whose data are gone never makes a second cluster beside the first.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError
from pynetes.component import certificates
from pynetes.component.pki import PKI

CLIENT_PORT, PEER_PORT, METRICS_PORT = 2379, 2380, 2381

#: etcd's documentation calls it the suggested maximum; its default of 2 GiB is soon full of events.
QUOTA_BYTES = 8 * 2**30


class EtcdError(SettingsError):
    """The member cannot start; the message says why and what to do."""


class KnownMember(Struct, frozen=True):
    """A member as it is written down. One that was added and never started has no name, no client URLs."""

    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]

    @property
    def addresses(self) -> list[str]:
        """host:port where it serves clients."""
        return [url.partition("://")[2] for url in self.client_urls]


class MemberConfig(Struct, frozen=True):
    """This machine's member. Ports are for tests that run several on one address."""

    name: str
    address: str
    data: Path
    pki: PKI
    members_file: Path
    client_port: int = CLIENT_PORT
    peer_port: int = PEER_PORT
    metrics_port: int = METRICS_PORT
    quota: int = QUOTA_BYTES

    @property
    def client(self) -> str:
        """host:port for its clients."""
        return f"{self.address}:{self.client_port}"

    @property
    def peer_url(self) -> str:
        return f"https://{self.address}:{self.peer_port}"

    @property
    def own(self) -> KnownMember:
        return KnownMember(self.name, (self.peer_url,), (f"https://{self.client}",))

    @property
    def has_data(self) -> bool:
        return any((self.data / "member" / "wal").glob("*.wal"))


def member_config(layout: Layout, settings: Settings) -> MemberConfig:
    return MemberConfig(settings.node_name, settings.node_ip, layout.etcd, PKI(layout.pki), layout.etcd_members)


def url(config: MemberConfig) -> str:
    """The store's URL for the API server on this machine: its own member first, then the others that it knows."""
    addresses = ",".join([config.client, *others(config)])
    pki, pair = config.pki, config.pki.apiserver_etcd_client
    return f"etcd://{addresses}?cacert={pki.etcd_ca.certificate}&cert={pair.certificate}&key={pair.key}&sync=true"


def load_members(path: Path) -> list[KnownMember] | None:
    """None if this machine has never known any."""
    try:
        return parse_members(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise EtcdError(f"{path} is damaged ({error}): restore it from another control plane's machine") from None


def parse_members(text: str) -> list[KnownMember]:
    """ValueError for what `members_text` has not written."""
    try:
        return [
            KnownMember(each["name"], tuple(each["peer_urls"]), tuple(each["client_urls"])) for each in json.loads(text)
        ]
    except (LookupError, TypeError) as error:
        raise ValueError(f"not a list of members: {error}") from None


def save_members(path: Path, members: Iterable[KnownMember]) -> None:
    certificates.write_file(path, members_text(members).encode(), mode=0o600)


def members_text(members: Iterable[KnownMember]) -> str:
    return json.dumps([asdict(member) for member in members], indent=1)


def others(config: MemberConfig) -> list[str]:
    """host:port of the other members, as far as this machine knows."""
    known = load_members(config.members_file) or []
    found = [address for member in known if config.peer_url not in member.peer_urls for address in member.addresses[:1]]
    return sorted(found)


def command(config: MemberConfig, cluster: str, state: str) -> list[str]:
    """`cluster` and `state` (new, existing) count at the first start only."""
    pki = config.pki
    local = f"https://127.0.0.1:{config.client_port}"
    return [
        "etcd",
        f"--name={config.name}",
        f"--data-dir={config.data}",
        f"--initial-cluster={cluster}",
        f"--initial-cluster-state={state}",
        f"--initial-advertise-peer-urls={config.peer_url}",
        f"--listen-peer-urls={config.peer_url}",
        f"--advertise-client-urls=https://{config.client}",
        f"--listen-client-urls={local},https://{config.client}",
        f"--listen-metrics-urls=http://127.0.0.1:{config.metrics_port}",
        f"--cert-file={pki.etcd_server.certificate}",
        f"--key-file={pki.etcd_server.key}",
        f"--trusted-ca-file={pki.etcd_ca.certificate}",
        "--client-cert-auth=true",
        f"--peer-cert-file={pki.etcd_peer.certificate}",
        f"--peer-key-file={pki.etcd_peer.key}",
        f"--peer-trusted-ca-file={pki.etcd_ca.certificate}",
        "--peer-client-cert-auth=true",
        # A candidate that was cut off must not unseat the leader when it comes back.
        "--pre-vote=true",
        f"--quota-backend-bytes={config.quota}",
        "--max-request-bytes=8388608",
        "--snapshot-count=10000",
        "--logger=zap",
        "--log-level=warn",
    ]
