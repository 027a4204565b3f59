"""How a node's network is set up: its pod network and its DNS server."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Not 53: the machine may have a resolver of its own. Pods ask the Service's port 53.
DNS_PORT = 10053


@dataclass(frozen=True, slots=True)
class NodeNetwork:
    node_name: str
    cluster_cidr: str
    cni_conf_dir: Path
    state: Path


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """`upstream`: resolvers for the world outside, host:port pairs' hosts; empty: those of /etc/resolv.conf."""

    node: NodeNetwork
    node_ip: str
    dns_ip: str = "10.96.0.10"
    domain: str = "cluster.local"
    dns_port: int = DNS_PORT
    upstream: Sequence[str] = field(default_factory=tuple)
    resolv_conf: Path = Path("/etc/resolv.conf")
