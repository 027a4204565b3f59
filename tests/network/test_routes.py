"""Routes to pods of other nodes: what is planned, and packets that take them."""

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

import pytest

from pynetes.network import tunnel
from pynetes.network.routes import Direct, Link, Plan, Tunnel, plan, reach
from pynetes.testing.netns import NetworkNamespace, connect


def node(name: str, address: str = "", cidr: str = "") -> dict[str, Any]:
    addresses = [{"type": "InternalIP", "address": address}] if address else []
    return {"metadata": {"name": name}, "spec": {"podCIDR": cidr}, "status": {"addresses": addresses}}


LINKS = [Link(2, IPv4Interface("192.0.2.1/24")), Link(3, IPv4Interface("198.51.100.1/25"))]
A = node("a", "192.0.2.1", "10.244.0.0/24")
FAR = Tunnel(IPv4Address("198.51.100.200"), IPv4Address("10.244.1.0"))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (node("b", "192.0.2.2", "10.244.1.0/24"), Direct(IPv4Address("192.0.2.2"), 2)),
        (node("b", "198.51.100.9", "10.244.1.0/24"), Direct(IPv4Address("198.51.100.9"), 3)),
        (
            node("b", "198.51.100.200", "10.244.1.0/24"),
            Tunnel(IPv4Address("198.51.100.200"), IPv4Address("10.244.1.0")),
        ),
        (node("b", "192.0.2.2"), None),
        (node("b", "", "10.244.1.0/24"), None),
    ],
)
def test_a_node_on_a_link_is_a_gateway_any_other_is_behind_the_tunnel(other: dict[str, Any], expected: Any) -> None:
    made = plan("a", [A, other], LINKS)
    found = made.direct | made.tunnels  # type: ignore[operator]
    assert found == ({IPv4Network("10.244.1.0/24"): expected} if expected else {})
    needs_tunnel = isinstance(expected, Tunnel)
    assert (made.own is not None) == needs_tunnel
    assert made.mtu == (1450 if needs_tunnel else 1500)


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        pytest.param(2, "192.0.2.2", (1400, 0), id="the narrowest of the link to the node and the way out"),
        pytest.param(3, "198.51.100.2", (1500, 0), id="the way out is narrower than a link of jumbo frames"),
        pytest.param(2, "203.0.113.2", (1350, 1350), id="tunnels go by the link with the node's address"),
        pytest.param(3, "203.0.113.2", (1500, 8950), id="and pods also leave by the way out"),
    ],
)
def test_pods_send_what_every_way_carries(own: int, other: str, expected: tuple[int, int]) -> None:
    links = [
        Link(1, IPv4Interface("10.9.9.1/24"), 1500, is_uplink=True),
        Link(2, IPv4Interface("192.0.2.1/24"), 1400),
        Link(3, IPv4Interface("198.51.100.1/24"), 9000),
    ]
    address = str(links[own - 1].address.ip)
    made = plan("a", [node("a", address, "10.244.0.0/24"), node("b", other, "10.244.1.0/24")], links)
    assert (made.mtu, made.tunnel_mtu) == expected


def test_a_machine_that_is_no_node_reaches_pods_of_nodes_on_its_links() -> None:
    nodes = [A, node("b", "198.51.100.9", "10.244.1.0/24"), node("far", "203.0.113.2", "10.244.2.0/24"), node("new")]
    assert reach(nodes, [Link(2, IPv4Interface("192.0.2.7/24")), LINKS[1]]) == Plan(
        {
            IPv4Network("10.244.0.0/24"): Direct(IPv4Address("192.0.2.1"), 2),
            IPv4Network("10.244.1.0/24"): Direct(IPv4Address("198.51.100.9"), 3),
        }
    )


def test_nothing_is_planned_before_the_node_has_its_range() -> None:
    assert plan("a", [node("a"), node("b", "192.0.2.2", "10.244.1.0/24")], LINKS) == Plan()


_HEADERS = 28
_IP_MTU_DISCOVER, _NEVER_FRAGMENT = 10, 2


def udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _NEVER_FRAGMENT)
    return made


class Node:
    """A host with one pod behind it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.host, self.pod = NetworkNamespace(f"node{number}"), NetworkNamespace(f"pod{number}")
        connect(self.host, f"10.244.{number}.1/24", self.pod, f"10.244.{number}.2/24")
        self.pod.run(f"ip route add default via 10.244.{number}.1")
        self.host.run("sysctl -qw net.ipv4.ip_forward=1")

    def follow(self, nodes: list[dict[str, Any]]) -> None:
        made = plan(f"n{self.number}", nodes, self.host.call(tunnel.links))
        self.host.call(tunnel.apply, made)

    def reaches(self, other: "Node", size: int = 64, patience: float = 30.0) -> bool:
        """Whether a packet of that size arrives whole."""
        with other.pod.call(udp_socket) as receiver, self.pod.call(udp_socket) as sender:
            receiver.bind((f"10.244.{other.number}.2", 9999))
            receiver.settimeout(patience)
            try:
                sender.sendto(bytes(size - _HEADERS), receiver.getsockname())
                return len(receiver.recv(9000)) == size - _HEADERS
            except OSError:
                return False

    def close(self) -> None:
        self.pod.close()
        self.host.close()


@pytest.fixture
def hosts() -> Iterator[tuple[Node, Node]]:
    one, two = Node(1), Node(2)
    yield one, two
    one.close()
    two.close()


@pytest.mark.root
def test_pods_of_nodes_on_one_link_reach_each_other(hosts: tuple[Node, Node]) -> None:
    one, two = hosts
    connect(one.host, "192.0.2.1/24", two.host, "192.0.2.2/24")
    nodes = [node("n1", "192.0.2.1", "10.244.1.0/24"), node("n2", "192.0.2.2", "10.244.2.0/24")]
    for _ in range(2):  # the second time changes nothing
        for each in hosts:
            each.follow(nodes)
    assert one.reaches(two, 1500)
    assert two.reaches(one)
    assert "pynetes-vxlan" not in one.host.run("ip link").stdout
    for each in hosts:
        each.follow(nodes[:1] if each is one else nodes[1:])
    assert not one.reaches(two, patience=1)
    assert "10.244.2.0" not in one.host.run("ip route").stdout


@pytest.mark.root
def test_pods_of_nodes_behind_a_router_reach_each_other_through_the_tunnel(hosts: tuple[Node, Node]) -> None:
    one, two = hosts
    with NetworkNamespace("router") as router:
        router.run("sysctl -qw net.ipv4.ip_forward=1")
        connect(one.host, "192.0.2.2/24", router, "192.0.2.1/24")
        connect(two.host, "198.51.100.2/24", router, "198.51.100.1/24")
        one.host.run("ip route add default via 192.0.2.1")
        two.host.run("ip route add default via 198.51.100.1")
        nodes = [node("n1", "192.0.2.2", "10.244.1.0/24"), node("n2", "198.51.100.2", "10.244.2.0/24")]
        for _ in range(2):
            for each in hosts:
                each.follow(nodes)
        assert one.reaches(two, 1450)
        assert two.reaches(one)
        assert "mtu 1450" in one.host.run("ip link show pynetes-vxlan").stdout
        one.host.call(tunnel.remove)
        assert "pynetes-vxlan" not in one.host.run("ip link").stdout
        assert "10.244.2.0" not in one.host.run("ip route").stdout
