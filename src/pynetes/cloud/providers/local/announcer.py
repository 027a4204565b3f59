"""The announcer: on every node, answers on the link for the load balancers' addresses that fall to this node.

All announcers see the same Services, Nodes and AddressPools and choose by the same rule (`placement`), so one of them
answers for an address. When its node is no longer ready, or does not answer on the link for three seconds
(`neighbours`), the next one takes the address up and tells the link of it.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from pyroute2 import IPRoute

from pynetes.apimachinery import meta
from pynetes.apis.names import ENDPOINT_SLICES, NODES, SERVICES
from pynetes.client.informer import InformerFactory
from pynetes.client.rest import Client
from pynetes.cloud.providers.local import arp, neighbours, placement
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS, in_force
from pynetes.cloud.providers.local.neighbours import Neighbours
from pynetes.component import clock
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

Object = dict[str, Any]

#: How often, and how many seconds apart, an address that was taken up is told: frames are lost, switches are slow.
ANNOUNCEMENTS, APART = 5, 1.0
_MAX_FRAMES = 64
_BATCH = 0.05
_BY_SERVICE = "service"


class AnnouncerConfig(Struct, frozen=True):
    """`interface` empty: the one that has the address `node_ip`."""

    node_name: str
    node_ip: str = ""
    interface: str = ""


def interface_of(address: str) -> str:
    """The interface that has this address; LookupError if none has."""
    with IPRoute() as netlink:
        for message in netlink.get_addr(family=socket.AF_INET, address=address):
            return str(netlink.get_links(message["index"])[0].get_attr("IFLA_IFNAME"))
    raise LookupError(f"no interface of this machine has the address {address}")


class Responder:
    """Answers ARP requests for `addresses`; of an address that is new it tells the whole link.

    `silent` are the nodes' addresses among those of `neighbours` that answer no more; `on_silence` is called when
    others are.
    """

    def __init__(self, interface: str) -> None:
        self.addresses: frozenset[str] = frozenset()
        self.neighbours = Neighbours()
        self.silent: frozenset[str] = frozenset()
        self.on_silence: Callable[[], None] = lambda: None
        self._socket = arp.ArpSocket(interface)
        self._tell = asyncio.Event()
        self._untold: dict[str, int] = {}  # address → announcements left

    def replace(self, addresses: set[str]) -> None:
        new = addresses - self.addresses
        self.addresses = frozenset(addresses)
        self._untold = {ip: left for ip, left in self._untold.items() if ip in addresses}
        self._untold |= dict.fromkeys(new, ANNOUNCEMENTS)
        if new:
            self._tell.set()

    async def run(self) -> None:
        """Until cancelled; OSError when the interface is gone."""
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._socket.fileno(), self._readable, failed)
        try:
            async with Tasks("arp") as tasks:
                telling = tasks.start(self._announce(), name="announce")
                asking = tasks.start(self._ask_neighbours(), name="neighbours")
                await asyncio.wait((failed, telling, asking), return_when=asyncio.FIRST_COMPLETED)
                if failed.done():
                    failed.result()
        finally:
            failed.cancel()
            loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _readable(self, failed: "asyncio.Future[None]") -> None:
        try:
            with contextlib.suppress(BlockingIOError):
                for _ in range(_MAX_FRAMES):
                    self._take(self._socket.receive())
        except OSError as error:
            if not failed.done():
                failed.set_exception(error)

    def _take(self, packet: arp.Packet | None) -> None:
        if packet is None:
            return
        hardware = self._socket.hardware
        self.neighbours.heard(packet.sender, packet.sender_hardware, clock.monotonic())
        if packet.operation == arp.REQUEST and packet.target in self.addresses and packet.sender != packet.target:
            self._socket.send(arp.answer(packet, hardware))
        if packet.sender in self.addresses and packet.sender_hardware != hardware:
            other = packet.sender_hardware.hex(":")
            log.warning("%s is announced here, and by another machine too: %s", packet.sender, other)

    async def _announce(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(APART if self._untold else None):
                    await self._tell.wait()
            self._tell.clear()
            for address in self._untold:
                for frame in arp.gratuitous(address, self._socket.hardware):
                    with contextlib.suppress(BlockingIOError):
                        self._socket.send(frame)
            self._untold = {address: left - 1 for address, left in self._untold.items() if left > 1}

    async def _ask_neighbours(self) -> None:
        while True:
            await clock.sleep(neighbours.PERIOD)
            for address, hardware in self.neighbours.questions(clock.monotonic()):
                with contextlib.suppress(BlockingIOError):
                    self._socket.send(arp.probe(address, self._socket.hardware, hardware or arp.BROADCAST))
            silent = self.neighbours.silent(clock.monotonic())
            if silent != self.silent:
                self.silent = silent
                self.on_silence()


async def run(client: Client, config: AnnouncerConfig) -> None:
    """Until cancelled. Run in the node's network namespace."""
    # In a thread, because pyroute2 runs an event loop of its own.
    interface = config.interface or await asyncio.to_thread(interface_of, config.node_ip)
    await follow(client, config, Responder(interface))


async def follow(client: Client, config: AnnouncerConfig, responder: Responder) -> None:
    """Lets `responder` answer for what falls to this node, until cancelled; closes it."""
    informers = InformerFactory(client)
    services, nodes = informers.informer(SERVICES), informers.informer(NODES)
    slices = informers.informer(ENDPOINT_SLICES)
    pools = informers.informer(ADDRESS_POOLS)
    slices.add_index(_BY_SERVICE, placement.service_of)
    changed = asyncio.Event()
    for informer in (services, nodes, slices, pools):
        informer.add_handler(lambda _: changed.set(), lambda *_: changed.set(), lambda _: changed.set())
    responder.on_silence = changed.set
    async with Tasks("announcer") as tasks:
        tasks.start(responder.run(), name="arp")
        informers.start(tasks)
        await informers.wait_for_sync()
        while True:
            changed.clear()
            balanced = [service for service in services.list() if service["spec"].get("type") == "LoadBalancer"]
            slices_of = {key: slices.by_index(_BY_SERVICE, key) for key in map(meta.key, balanced)}
            ranked = placement.rankings(balanced, slices_of, nodes.list(), in_force(pools.list()))
            addresses = placement.node_addresses(nodes.list())
            silent = {name for name, address in addresses.items() if address in responder.silent}
            watched = placement.watched_by(config.node_name, ranked)
            responder.neighbours.watch(frozenset(addresses[name] for name in watched if name in addresses))
            own = placement.announced_by(config.node_name, ranked, silent)
            if own != responder.addresses:
                log.info("announcing %s", ", ".join(sorted(own)) or "no address")
                responder.replace(own)
            await changed.wait()
            await clock.sleep(_BATCH)
