"""How a node's network is set up: its pod network and its DNS server."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct, field

#: Not 53: the machine may have a resolver of its own. Pods ask the Service's port 53.
DNS_PORT = 10053


class NodeNetwork(Struct, frozen=True):
    node_name: str
    cluster_cidr: str
    cni_conf_dir: Path
    state: Path


class NetworkConfig(Struct, frozen=True):
    """`upstream`: resolvers for the world outside, host:port pairs' hosts; empty: those of /etc/resolv.conf."""

    node: NodeNetwork
    node_ip: str
    dns_ip: str = "10.96.0.10"
    domain: str = "cluster.local"
    dns_port: int = DNS_PORT
    upstream: Sequence[str] = field(default_factory=tuple)
    resolv_conf: Path = Path("/etc/resolv.conf")
