"""The way from pod to pod, and through a Service: throughput, round trips, connections.

Two nodes in network namespaces, pods connected by the CNI plugins with our configuration, our routes, tunnel,
masquerade and proxy rules. Anchor in the same run: two namespaces joined by a bare veth pair, and the same peers.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import Any

from bench.frame import Options, Table, median, percentile, progress, rate, ratio
from bench.peer import ECHO_PORT, STREAM_PORT
from bench.proxy import service
from pynetes.component.nftables import Nftables
from pynetes.component.sysctl import set_sysctl
from pynetes.network import masquerade, routes, tunnel
from pynetes.network.cni import PodNetworkConfig, install
from pynetes.proxy.elements import elements
from pynetes.proxy.endpoints import Endpoint
from pynetes.proxy.frame import Frame
from pynetes.proxy.ruleset import full
from pynetes.proxy.services import ServicePort
from pynetes.testing import cni
from pynetes.testing.netns import NetworkNamespace, connect

CLUSTER_CIDR, CLUSTER_IP = "10.244.0.0/16", "10.96.255.1"
BARE = "bare veth"
SERVICES = (1, 10_000)

Object = dict[str, Any]


@dataclass(frozen=True)
class Way:
    """From where to where a measurement goes."""

    client: NetworkNamespace
    address: str


@dataclass
class Found:
    """`bytes` a second, one for each round; seconds of all round trips and connections."""

    bytes: list[float] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    connections: list[float] = field(default_factory=list)


class Node:
    """A host on a link, with the pod network that `follow` sets up."""

    def __init__(self, number: int, address: str, place: Path) -> None:
        self.name, self.address, self.cidr = f"n{number}", address, f"10.244.{number}.0/24"
        self.host = NetworkNamespace(self.name)
        self._place = place / self.name
        self._pods: list[NetworkNamespace] = []
        self.host.call(set_sysctl, "net.ipv4.ip_forward", "1")
        self.host.call(set_sysctl, "net.bridge.bridge-nf-call-iptables", "1")

    @property
    def object(self) -> Object:
        addresses = [{"type": "InternalIP", "address": self.address}]
        return {"metadata": {"name": self.name}, "spec": {"podCIDR": self.cidr}, "status": {"addresses": addresses}}

    def follow(self, nodes: list[Object]) -> None:
        made = routes.plan(self.name, nodes, self.host.call(tunnel.links))
        self.host.call(tunnel.apply, made)
        install(PodNetworkConfig(self.cidr, made.mtu, self._place / "state"), self._place / "net.d")
        self.rules(masquerade.ruleset(self.cidr, CLUSTER_CIDR))

    def rules(self, text: str) -> None:
        nftables = self.host.call(Nftables)
        try:
            self.host.call(nftables.run_blocking, text)
        finally:
            nftables.close()

    def serve(self, backend: str, services: int) -> None:
        """Proxy rules for so many Services; the one that is measured leads to `backend`."""
        measured = [
            ServicePort("ns/measured", str(port), "tcp", CLUSTER_IP, port, cluster=(Endpoint(backend, port),))
            for port in (STREAM_PORT, ECHO_PORT)
        ]
        others = [service(number) for number in range(services - 1)]
        frame = Frame(f"ip saddr {CLUSTER_CIDR}", f"ip saddr != {CLUSTER_CIDR}", service_ranges=("10.96.0.0/12",))
        self.rules(full([elements(port) for port in (*measured, *others)], frame)[0])

    def pod(self, name: str) -> tuple[NetworkNamespace, str]:
        pod = NetworkNamespace(name)
        self._pods.append(pod)
        return pod, cni.attach(self.host, self._place / "net.d", pod)

    def close(self) -> None:
        for host in (*self._pods, self.host):
            host.close()


def run(options: Options) -> list[Table]:
    found: dict[str, Found] = {}
    with TemporaryDirectory() as place, _bare() as bare, _nodes(Path(place)) as (one, two, far):
        client, _ = one.pod("client")
        neighbour, other, distant = (node.pod(f"server-{node.name}") for node in (one, two, far))
        ways = {
            BARE: bare,
            "pod to pod, one node": Way(client, neighbour[1]),
            "pod to pod, nodes on one link": Way(client, other[1]),
            "pod to pod, through the tunnel": Way(client, distant[1]),
        }
        for host, address in ((bare.server, bare.address), neighbour, other, distant):
            _serve(host, address)
        for number in range(options.rounds):
            progress(f"network: round {number + 1}")
            for name, way in ways.items():
                _measure(way, found.setdefault(name, Found()), options.seconds)
            for services in SERVICES:
                one.serve(other[1], services)
                name = f"nodes on one link, by a Service, one of {services:,}"
                _measure(Way(client, CLUSTER_IP), found.setdefault(name, Found()), options.seconds)
    return [_table(found)]


def _measure(way: Way, found: Found, seconds: float) -> None:
    found.bytes += _ask(way, "stream", STREAM_PORT, seconds)
    found.round_trips += _ask(way, "pingpong", ECHO_PORT, seconds / 2)
    found.connections += _ask(way, "connect", ECHO_PORT, seconds / 2)


def _ask(way: Way, what: str, port: int, seconds: float) -> list[float]:
    command = f"{sys.executable} -m bench.peer {what} {way.address} {port} {seconds}"
    times: list[float] = json.loads(way.client.run(command).stdout)
    return times


def _serve(host: NetworkNamespace, address: str) -> None:
    """A server that ends with its host."""
    process = host.start(sys.executable, "-m", "bench.peer", "serve", address, stdout=PIPE)
    assert process.stdout is not None
    process.stdout.readline()


@dataclass(frozen=True)
class Bare(Way):
    server: NetworkNamespace


@contextmanager
def _bare() -> Iterator[Bare]:
    with NetworkNamespace("bare-client") as client, NetworkNamespace("bare-server") as server:
        connect(client, "192.0.2.1/24", server, "192.0.2.2/24")
        yield Bare(client, "192.0.2.2", server)


@contextmanager
def _nodes(place: Path) -> Iterator[tuple[Node, Node, Node]]:
    """Two that share a link, and one behind a router."""
    one, two, far = (
        Node(number, address, place) for number, address in ((1, "192.0.2.1"), (2, "192.0.2.2"), (3, "198.18.0.2"))
    )
    with NetworkNamespace("router") as router:
        try:
            connect(one.host, "192.0.2.1/24", two.host, "192.0.2.2/24")
            router.call(set_sysctl, "net.ipv4.ip_forward", "1")
            connect(one.host, "203.0.113.2/24", router, "203.0.113.1/24")
            connect(far.host, "198.18.0.2/24", router, "198.18.0.1/24")
            one.host.run("ip route add default via 203.0.113.1")
            far.host.run("ip route add default via 198.18.0.1")
            router.run("ip route add 192.0.2.0/24 via 203.0.113.2")
            nodes = [node.object for node in (one, two, far)]
            one.follow(nodes)
            two.follow(nodes[:2])
            far.follow([nodes[0], nodes[2]])
            yield one, two, far
        finally:
            for node in (one, two, far):
                node.close()


def _table(found: dict[str, Found]) -> Table:
    trips = ["round trip p50 µs", "p99 µs", "÷ bare"]
    columns = ["", "Gbit/s", "÷ bare", *trips, "new connection p50 µs", "÷ bare"]
    table = Table("From client to server", columns)
    bare = found[BARE]
    for name, one in found.items():
        trip, opened = median(one.round_trips), median(one.connections)
        table.rows.append(
            [
                name,
                f"{median(one.bytes) * 8 / 1e9:.1f}",
                ratio(median(one.bytes), median(bare.bytes)),
                rate(trip * 1e6),
                rate(percentile(one.round_trips, 0.99) * 1e6),
                ratio(trip, median(bare.round_trips)),
                rate(opened * 1e6),
                ratio(opened, median(bare.connections)),
            ]
        )
    return table
