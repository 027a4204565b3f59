"""The rules in the kernel: what a client meets at a Service's addresses. A node, its pods and a client outside."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest
from msgspec.structs import replace
from pyroute2.netlink.nfnetlink.nfctsocket import NFCTSocket, nfct_msg

from pynetes.component.nftables import Nftables
from pynetes.component.sysctl import set_sysctl
from pynetes.proxy import conntrack
from pynetes.proxy.elements import elements
from pynetes.proxy.endpoints import Endpoint
from pynetes.proxy.ruleset import Change, State, full
from pynetes.proxy.services import ServicePort
from pynetes.testing.netns import NetworkNamespace, connect
from tests.proxy.peers import ask_tcp

pytestmark = pytest.mark.root

NODE_IP, VIP = "203.0.113.1", "10.96.0.10"


@dataclass
class Topology:
    node: NetworkNamespace
    pods: dict[str, NetworkNamespace]
    outside: NetworkNamespace
    nft: Nftables
    state: State

    def serve(self, *ports: ServicePort) -> None:
        text, self.state = full([elements(port) for port in ports])
        self.node.call(self.nft.run_blocking, text)

    def change(self, old: ServicePort | None, new: ServicePort | None) -> None:
        transaction = Change(self.state)
        transaction.replace(elements(old) if old else None, elements(new) if new else None)
        self.node.call(self.nft.run_blocking, transaction.text())

    def table(self) -> str:
        return self.node.run("nft list table ip pynetes-proxy").stdout


def _echo(kind: socket.SocketKind, name: str, ip: str, stop: threading.Event) -> socket.socket:
    """Answers `<its name> <the client's address>`."""
    server = socket.socket(socket.AF_INET, kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((ip, 8080))

    def tcp() -> None:
        server.listen(64)
        while not stop.is_set():
            with suppress(OSError):
                connection, peer = server.accept()
                with connection:
                    connection.sendall(f"{name} {peer[0]}".encode())

    def udp() -> None:
        while not stop.is_set():
            with suppress(OSError):
                _, peer = server.recvfrom(64)
                server.sendto(f"{name} {peer[0]}".encode(), peer)

    server.settimeout(0.2)
    threading.Thread(target=tcp if kind == socket.SOCK_STREAM else udp, daemon=True).start()
    return server


@pytest.fixture(scope="module")
def topology() -> Iterator[Topology]:
    stop = threading.Event()
    with ExitStack() as stack:
        node = stack.enter_context(NetworkNamespace("node"))
        node.run("ip link add br0 type bridge")
        node.run("ip addr add 10.244.0.1/24 dev br0")
        node.run("ip link set br0 up")
        node.call(set_sysctl, "net.ipv4.ip_forward", "1")
        node.call(set_sysctl, "net.bridge.bridge-nf-call-iptables", "1")
        pods = {}
        for name, ip in (("a", "10.244.0.2"), ("b", "10.244.0.3")):
            pod = pods[name] = stack.enter_context(NetworkNamespace(name))
            port, _ = connect(node, "", pod, f"{ip}/24")
            node.run(f"ip link set {port} master br0")
            node.run(f"ip link set {port} type bridge_slave hairpin on")
            pod.run("ip route add default via 10.244.0.1")
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                stack.callback(pod.call(_echo, kind, name, ip, stop).close)
        outside = stack.enter_context(NetworkNamespace("outside"))
        connect(node, f"{NODE_IP}/24", outside, "203.0.113.2/24")
        # a way out that is not the client's: what no rule catches is lost there
        router = stack.enter_context(NetworkNamespace("router"))
        connect(node, "198.51.100.2/24", router, "198.51.100.1/24")
        node.run("ip route add default via 198.51.100.1")
        outside.run(f"ip route add 10.96.0.0/12 via {NODE_IP}")
        stack.callback(stop.set)
        nft = node.call(Nftables)
        stack.callback(nft.close)
        yield Topology(node, pods, outside, nft, State())


A, B = Endpoint("10.244.0.2", 8080, local=True), Endpoint("10.244.0.3", 8080, local=True)
TCP = ServicePort("ns/svc", "web", "tcp", VIP, 80, node_port=30080, cluster=(A, B))
UDP = replace(TCP, protocol="udp", port_name="dgram")


def _ask_tcp(ip: str, port: int) -> str:
    return ask_tcp(ip, port, 30)


def _ask_udp(ip: str, port: int, source: int = 0, timeout: float = 30) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(timeout)
        client.bind(("", source))
        client.connect((ip, port))
        client.send(b"?")
        return client.recv(64).decode()


def test_every_client_reaches_all_endpoints_at_the_cluster_ip(topology: Topology) -> None:
    topology.serve(TCP, UDP)
    for client in (topology.pods["a"], topology.node, topology.outside):
        for ask in (_ask_tcp, _ask_udp):
            answers = Counter(client.call(ask, VIP, 80).split()[0] for _ in range(40))
            assert set(answers) == {"a", "b"}, f"{client.name} by {ask.__name__}: {answers}"


def test_a_node_port_is_reached_from_outside_and_masqueraded(topology: Topology) -> None:
    topology.serve(TCP, UDP)
    for ask in (_ask_tcp, _ask_udp):
        answers = {topology.outside.call(ask, NODE_IP, 30080) for _ in range(40)}
        assert answers == {"a 10.244.0.1", "b 10.244.0.1"}


def test_policy_local_keeps_the_clients_address(topology: Topology) -> None:
    topology.serve(replace(TCP, local=(A,), external_local=True))
    assert {topology.outside.call(_ask_tcp, NODE_IP, 30080) for _ in range(10)} == {"a 203.0.113.2"}


def test_a_pod_reaches_itself_through_its_service(topology: Topology) -> None:
    topology.serve(replace(TCP, cluster=(A,)))
    assert topology.pods["a"].call(_ask_tcp, VIP, 80) == "a 10.244.0.1"


@pytest.mark.parametrize("client", ["node", "pod", "outside"])
def test_without_endpoints_a_connection_is_refused_at_once(topology: Topology, client: str) -> None:
    topology.serve(replace(TCP, cluster=()))
    host = {"node": topology.node, "pod": topology.pods["b"], "outside": topology.outside}[client]
    with pytest.raises(ConnectionRefusedError):
        host.call(_ask_tcp, VIP, 80)
    with pytest.raises(ConnectionRefusedError):
        host.call(_ask_tcp, VIP, 4711)  # the address serves, but not this port
    if client == "outside":
        with pytest.raises(ConnectionRefusedError):
            host.call(_ask_tcp, NODE_IP, 30080)


def test_a_changed_endpoint_is_in_force_at_once(topology: Topology) -> None:
    only_a, only_b = replace(TCP, cluster=(A,)), replace(TCP, cluster=(B,))
    topology.serve(only_a)
    topology.change(only_a, only_b)
    assert {topology.node.call(_ask_tcp, VIP, 80).split()[0] for _ in range(10)} == {"b"}
    topology.change(only_b, TCP)
    assert {topology.node.call(_ask_tcp, VIP, 80).split()[0] for _ in range(40)} == {"a", "b"}
    topology.change(TCP, None)
    assert "10.244" not in topology.table()


def test_affinity_holds_a_client_at_its_endpoint(topology: Topology) -> None:
    sticky = replace(TCP, affinity_seconds=60)
    topology.serve(sticky)
    first = {topology.outside.call(_ask_tcp, VIP, 80).split()[0] for _ in range(20)}
    assert len(first) == 1
    survivor = A if first == {"a"} else B
    shrunk = replace(sticky, cluster=(survivor,))
    topology.change(sticky, shrunk)
    topology.change(shrunk, sticky)
    assert {topology.outside.call(_ask_tcp, VIP, 80).split()[0] for _ in range(20)} == first


def test_a_udp_flow_moves_when_its_endpoint_is_gone(topology: Topology) -> None:
    only_a = replace(UDP, cluster=(A,), serving=frozenset({(A.ip, A.port)}))
    only_b = replace(UDP, cluster=(B,), serving=frozenset({(B.ip, B.port)}))
    topology.serve(only_a)
    topology.node.run("conntrack -F")
    assert topology.outside.call(_ask_udp, VIP, 80, 40000).startswith("a")
    assert topology.outside.call(_ask_udp, NODE_IP, 30080, 40001).startswith("a")
    topology.change(only_a, only_b)
    assert topology.outside.call(_ask_udp, VIP, 80, 40000).startswith("a"), "the kernel remembers the flow"
    ending = replace(only_b, serving=only_a.serving | only_b.serving)
    assert topology.node.call(conntrack.reconcile, conntrack.expected([ending])) == 0, "what still serves goes on"
    assert topology.node.call(conntrack.reconcile, conntrack.expected([only_b])) == 2
    assert topology.outside.call(_ask_udp, VIP, 80, 40000).startswith("b")
    assert topology.outside.call(_ask_udp, NODE_IP, 30080, 40001).startswith("b")


def test_a_flow_that_expires_before_it_is_ended_is_none_to_end(
    topology: Topology, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(NFCTSocket):  # type: ignore[misc]
        def dump(self) -> list[nfct_msg]:
            found = list(super().dump())
            self.flush()
            return found

    topology.serve(replace(UDP, cluster=(A,)))
    assert topology.outside.call(_ask_udp, VIP, 80, 40003).startswith("a")
    monkeypatch.setattr("pyroute2.netlink.nfnetlink.nfctsocket.NFCTSocket", Late)
    moved = conntrack.expected([replace(UDP, cluster=(B,), serving=frozenset({(B.ip, B.port)}))])
    assert topology.node.call(conntrack.reconcile, moved) == 0
    monkeypatch.undo()
    assert topology.node.call(conntrack.reconcile, moved) == 0, "there was one, and it is gone"


def test_a_udp_flow_that_began_before_its_service_reaches_it(topology: Topology) -> None:
    topology.serve()
    topology.node.run("conntrack -F")
    with pytest.raises(TimeoutError):
        topology.outside.call(_ask_udp, VIP, 80, 40002, 0.2)
    late = replace(UDP, cluster=(A,), serving=frozenset({(A.ip, A.port)}))
    topology.change(None, late)
    with pytest.raises(ConnectionRefusedError):
        topology.outside.call(_ask_udp, VIP, 80, 40002)  # the kernel does not look for a translation twice
    assert topology.node.call(conntrack.reconcile, conntrack.expected([late])) == 1
    assert topology.outside.call(_ask_udp, VIP, 80, 40002).startswith("a")


def test_a_refused_transaction_changes_nothing(topology: Topology) -> None:
    topology.serve(TCP)
    before = topology.table()
    with pytest.raises(Exception, match="Error"):
        topology.node.call(topology.nft.run_blocking, "delete element ip pynetes-proxy cluster-ips { 1.2.3.4 }\n")
    assert topology.table() == before


def test_runs_beside_an_event_loop(topology: Topology) -> None:
    async def main() -> str:
        nft = Nftables()
        try:
            return await nft.run("list tables")
        finally:
            nft.close()

    assert isinstance(topology.node.call(asyncio.run, main()), str)
