"""Keeps a node's pod network in force: follows the Nodes' pod CIDRs, configures CNI, routes, masquerades.

Another plugin's configuration in the directory takes over, whenever it comes: then all of this is taken away, and put
back in force when that file goes.
"""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

from pyroute2.netlink.exceptions import NetlinkError

from pynetes.apis.names import NODES
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.nftables import Nftables, NftablesError
from pynetes.component.sysctl import set_sysctl
from pynetes.component.tasks import Tasks
from pynetes.network import cni, forwarding, masquerade, routes, tunnel
from pynetes.network.config import NodeNetwork

log = logging.getLogger(__name__)

#: Seconds between looks at links and routes, at the CNI directory, and after something failed.
_LOOK_AGAIN, _LOOK_AT_DIRECTORY, _RETRY = 10.0, 1.0, 1.0


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
        self._left_to: Path | None = None
        self._bridge_stays = False

    async def run(self) -> None:
        """Until cancelled. What is configured stays, so that pods keep their network."""
        try:
            async with Tasks("pod-network") as tasks:
                tasks.start(self._nodes.run(), name="nodes")
                await self._nodes.wait_for_sync()
                tasks.start(self._watch_directory(), name="cni-directory")
                while True:
                    self._changed.clear()
                    settled = await self._reconciled() and not self._bridge_stays
                    again = _LOOK_AGAIN if settled else _RETRY
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(again):
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

    async def _watch_directory(self) -> None:
        """Another plugin's file is not to wait: until it is heeded, the runtime may take either."""
        while True:
            await clock.sleep(_LOOK_AT_DIRECTORY)
            if cni.foreign_configuration(self._config.cni_conf_dir) != self._left_to:
                self._changed.set()

    async def _reconciled(self) -> bool:
        """False if a link or the kernel does not do as it should: it may later."""
        try:
            await self._reconcile(self._nodes.get(self._config.node_name))
        except (NetlinkError, NftablesError, OSError) as error:
            log.warning("the pod network is not as it should be yet: %s", error)
            return False
        return True

    async def _reconcile(self, node: dict[str, Any] | None) -> None:
        other = cni.foreign_configuration(self._config.cni_conf_dir)
        if other is not None:
            await self._step_aside(other)
            return
        pod_cidr = (node or {}).get("spec", {}).get("podCIDR", "")
        if not pod_cidr or ":" in pod_cidr:
            return
        if self._applied != pod_cidr:
            set_sysctl("net.ipv4.ip_forward", "1")
            set_sysctl("net.bridge.bridge-nf-call-iptables", "1")
            await self._nftables.run(masquerade.ruleset(pod_cidr, self._config.cluster_cidr))
        if await asyncio.to_thread(forwarding.allow, self._nftables, self._config.cluster_cidr):
            log.info("this machine's firewall forwards nothing by itself: pods are an exception now")
        made = routes.plan(self._config.node_name, self._nodes.list(), await asyncio.to_thread(tunnel.links))
        await asyncio.to_thread(tunnel.apply, made)
        wanted = cni.PodNetworkConfig(pod_cidr, made.mtu, self._config.state)
        if cni.install(wanted, self._config.cni_conf_dir):
            log.info("pods of this node get addresses of %s", pod_cidr)
        self._applied, self._left_to, self._bridge_stays = pod_cidr, None, False

    async def _step_aside(self, other: Path) -> None:
        """Takes everything away; the bridge with its last pod, because the other may use the same addresses."""
        if self._left_to != other:
            log.info("the pod network is left to %s", other)
            (self._config.cni_conf_dir / cni.FILE_NAME).unlink(missing_ok=True)
            await self._nftables.run(masquerade.DELETE)
            await asyncio.to_thread(tunnel.remove)
            await asyncio.to_thread(forwarding.forget)
            self._left_to, self._applied = other, ""
        self._bridge_stays = not await asyncio.to_thread(tunnel.remove_bridge)
