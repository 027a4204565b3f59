"""Announcers in namespaces of their own on one link: a client outside resolves addresses, take-over works."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cloud_cluster import Cluster, managing, serving

from pynetes.apis.names import SERVICES
from pynetes.cloud.providers import load
from pynetes.cloud.providers.local import announcer, arp, placement
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS
from pynetes.cloud.providers.local.announcer import AnnouncerConfig
from pynetes.component.tasks import Tasks
from pynetes.testing.netns import NetworkNamespace, connect

ADDRESS = "192.0.2.100"
HERE, THERE = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02"


def test_a_request_is_answered_to_the_one_who_asked() -> None:
    request = arp.Packet(arp.REQUEST, THERE, "192.0.2.1", b"\0" * 6, ADDRESS)
    received = arp.parse(arp.frame(request, arp.BROADCAST))
    assert received == request
    reply = arp.answer(request, HERE)
    assert reply[:12] == THERE + HERE
    assert arp.parse(reply) == arp.Packet(arp.REPLY, HERE, ADDRESS, THERE, "192.0.2.1")


def test_what_is_no_arp_is_no_packet() -> None:
    whole = arp.frame(arp.Packet(arp.REQUEST, THERE, "192.0.2.1", b"\0" * 6, ADDRESS), arp.BROADCAST)
    assert arp.parse(whole[:-1]) is None
    assert arp.parse(whole[:12] + b"\x08\x00" + whole[14:]) is None
    assert arp.parse(whole[:14] + b"\0\x06" + whole[16:]) is None


def test_an_address_is_told_to_everyone_in_both_ways() -> None:
    packets = [arp.parse(frame) for frame in arp.gratuitous(ADDRESS, HERE)]
    assert [packet.operation for packet in packets if packet] == [arp.REQUEST, arp.REPLY]
    assert all(packet and packet.sender == packet.target == ADDRESS for packet in packets)
    assert all(frame[:6] == arp.BROADCAST for frame in arp.gratuitous(ADDRESS, HERE))


class Link:
    """Two nodes and a client on one bridge."""

    def __init__(self) -> None:
        self.switch = NetworkNamespace("switch")
        self.client = NetworkNamespace("client")
        self.nodes = {name: NetworkNamespace(name) for name in ("a", "b")}
        self.switch.run("ip link add br0 type bridge")
        self.switch.run("ip link set br0 up")
        self.interfaces: dict[str, str] = {}
        for number, host in enumerate((self.client, *self.nodes.values()), 1):
            port, self.interfaces[host.name] = connect(self.switch, "", host, f"192.0.2.{number}/24")
            self.switch.run(f"ip link set {port} master br0")

    def hardware(self, name: str) -> str:
        shown = self.nodes[name].run(f"ip -j link show {self.interfaces[name]}").stdout
        return str(json.loads(shown)[0]["address"])

    def neighbour(self) -> str:
        """Where the client's kernel believes the address to be, after it had to ask if it did not know."""
        self.client.call(_knock)
        shown = json.loads(self.client.run(f"ip -j neigh show {ADDRESS}").stdout)
        return str(shown[0].get("lladdr", "")) if shown else ""

    def is_unanswered(self) -> bool:
        """Whether the kernel has given up: nobody answered its requests."""
        self.client.run("ip neigh flush all")
        self.client.call(_knock)
        time.sleep(0.3)
        return "lladdr" not in self.client.run(f"ip -j neigh show {ADDRESS}").stdout

    def close(self) -> None:
        for host in (*self.nodes.values(), self.client, self.switch):
            host.close()


def _knock() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"?", (ADDRESS, 9))


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.05)


@pytest.fixture
def link() -> Iterator[Link]:
    made = Link()
    try:
        yield made
    finally:
        made.close()


@pytest.mark.root
def test_the_interface_is_the_one_that_has_the_nodes_address(link: Link) -> None:
    assert link.nodes["a"].call(announcer.interface_of, "192.0.2.2") == link.interfaces["a"]
    with pytest.raises(LookupError, match=r"no interface of this machine has the address 10\.9\.9\.9"):
        link.nodes["a"].call(announcer.interface_of, "10.9.9.9")


@pytest.mark.root
async def test_a_client_resolves_the_address_and_another_node_takes_it_over(link: Link, tmp_path: Path) -> None:
    async with serving(tmp_path) as cluster, managing(cluster, load("local")):
        for name in ("a", "b"):
            await cluster.create_node(name)
        await cluster.create_pool("main", f"{ADDRESS}-192.0.2.110")
        await cluster.create_service()
        assert await cluster.has_address() == ADDRESS
        first, second = placement.ranking(ADDRESS, ["a", "b"])
        async with Tasks("announcers") as tasks:
            for name, host in link.nodes.items():
                settings = AnnouncerConfig(name, interface=link.interfaces[name])
                responder = host.call(announcer.Responder, settings.interface)  # its socket stays in the namespace
                tasks.start(announcer.follow(cluster.client, settings, responder), name=name)
            await _seen_at(link, link.hardware(first))
            link.client.run("ip neigh flush all")
            await _seen_at(link, link.hardware(first))  # by an answer now, before by the announcement
            await cluster.set_ready(first, False)
            await _seen_at(link, link.hardware(second))
            await cluster.set_ready(first, True)
            await _seen_at(link, link.hardware(first))
            await _leaves_the_pool(cluster)
            link.client.run("ip neigh flush all")
            await _seen_at(link, link.hardware(first))  # it is still the Service's
            await _withdraw(cluster)
            await asyncio.to_thread(_until, link.is_unanswered)


async def _seen_at(link: Link, hardware: str) -> None:
    await asyncio.to_thread(_until, lambda: link.neighbour() == hardware)


async def _leaves_the_pool(cluster: Cluster) -> None:
    await cluster.client.patch(ADDRESS_POOLS, "main", {"spec": {"addresses": ["192.0.2.110"]}})

    async def is_retained() -> bool:
        return (await cluster.pool("main"))["status"].get("retained") == [ADDRESS]

    await cluster.eventually(is_retained)


async def _withdraw(cluster: Cluster) -> None:
    await cluster.client.patch(SERVICES, "web", {"spec": {"type": "ClusterIP"}}, "default")
