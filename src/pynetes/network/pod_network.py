"""Keeps a node's pod network in force: follows the Nodes' pod CIDRs, configures CNI, routes,
masquerades."""

import asyncio
import contextlib
import fcntl
import logging
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynetes.apis.names import NODES
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component.nftables import Nftables
from pynetes.component.sysctl import set_sysctl
from pynetes.component.tasks import Tasks
from pynetes.network import cni, masquerade, routes, tunnel

log = logging.getLogger(__name__)

DEFAULT_MTU = 1500
_SIOCGIFMTU = 0x8921
_LOOK_AGAIN = 10.0


@dataclass(frozen=True, slots=True)
class NodeNetwork:
    node_name: str
    cluster_cidr: str
    cni_conf_dir: Path
    state: Path


class PodNetwork:
    """Runs in the node's network namespace."""

    def __init__(self, client: Client, config: NodeNetwork) -> None:
        self._config = config
        self._nodes = Informer(client, NODES)
        self._nodes.add_handler(self._seen, lambda old, new: self._seen(new), self._seen)
        self._changed = asyncio.Event()
        self._places: dict[str, object] = {}
        self._nftables = Nftables()
        self._applied = ""

    async def run(self) -> None:
        """Until cancelled. What is configured stays, so that pods keep their network."""
        try:
            async with Tasks("pod-network") as tasks:
                tasks.start(self._nodes.run(), name="nodes")
                await self._nodes.wait_for_sync()
                while True:
                    self._changed.clear()
                    await self._reconcile(self._nodes.get(self._config.node_name))
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_AGAIN):
                            await self._changed.wait()
        finally:
            self._nftables.close()

    def _seen(self, node: dict[str, Any]) -> None:
        """Nodes report every few seconds: only one that comes, goes or moves makes work."""
        name = node["metadata"]["name"]
        place = routes.place_of(node) if self._nodes.get(name) is not None else None
        if self._places.get(name) != place:
            self._places[name] = place
            self._changed.set()

    async def _reconcile(self, node: dict[str, Any] | None) -> None:
        pod_cidr = (node or {}).get("spec", {}).get("podCIDR", "")
        if not pod_cidr:
            return
        directory = self._config.cni_conf_dir
        other = cni.foreign_configuration(directory)
        if other is not None:
            if self._applied != str(other):
                log.info("the pod network is left to %s", other)
                (directory / cni.FILE_NAME).unlink(missing_ok=True)
                await self._nftables.run(masquerade.DELETE)
                await asyncio.to_thread(tunnel.remove)
                self._applied = str(other)
            return
        if self._applied != pod_cidr:
            set_sysctl("net.ipv4.ip_forward", "1")
            set_sysctl("net.bridge.bridge-nf-call-iptables", "1")
            await self._nftables.run(masquerade.ruleset(pod_cidr, self._config.cluster_cidr))
        mtu = await self._follow_nodes()
        if cni.install(cni.PodNetworkConfig(pod_cidr, mtu, self._config.state), directory):
            log.info("pods of this node get addresses of %s", pod_cidr)
        self._applied = pod_cidr

    async def _follow_nodes(self) -> int:
        """Routes to the other nodes' pods; what pods may send in one packet."""
        uplink = uplink_mtu()
        made = routes.plan(self._config.node_name, self._nodes.list(), await asyncio.to_thread(tunnel.links))
        await asyncio.to_thread(tunnel.apply, made, uplink)
        return routes.pod_mtu(uplink, made)


def uplink_mtu(routes: Path = Path("/proc/net/route")) -> int:
    """The MTU of the interface that the default route leaves by."""
    for line in routes.read_text().splitlines()[1:]:
        interface, destination = line.split()[:2]
        if destination == "00000000":
            return _mtu(interface)
    return DEFAULT_MTU


def _mtu(interface: str) -> int:
    """Asked of a socket, not of /sys, which may show another network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, _SIOCGIFMTU, struct.pack("16sI12x", interface.encode(), 0))
    return int(struct.unpack("16sI12x", answer)[1])
