"""node-ipam-controller: a range of pod addresses for every node, cut from the cluster's.

`CIDRSet` (pure) hands out blocks in order and takes them back.
"""

import ipaddress
import logging
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES
from pynetes.client.events import NORMAL
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext

log = logging.getLogger(__name__)

Object = dict[str, Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class CIDRRangeFull(Exception):
    """No block is left."""


class CIDRSet:
    """Equal blocks of one range: which are taken, and which is next. Blocks are found round robin, as upstream does."""

    def __init__(self, cluster: str, mask_size: int) -> None:
        self.cluster = ipaddress.ip_network(cluster)
        if mask_size < self.cluster.prefixlen or mask_size > self.cluster.max_prefixlen:
            raise ValueError(f"node CIDR mask size /{mask_size} does not fit the cluster CIDR {cluster}")
        self._mask_size = mask_size
        self._size = 1 << (self.cluster.max_prefixlen - mask_size)
        self._count = self.cluster.num_addresses // self._size
        self._taken: set[int] = set()
        self._next = 0

    def allocate(self) -> str:
        if len(self._taken) >= self._count:
            raise CIDRRangeFull(
                f"CIDR allocation failed; there are no remaining CIDRs left to allocate in {self.cluster}"
            )
        index = self._next
        while index in self._taken:
            index = (index + 1) % self._count
        self._taken.add(index)
        self._next = (index + 1) % self._count
        base = int(self.cluster.network_address) + index * self._size
        return str(ipaddress.ip_network((base, self._mask_size)))

    def occupy(self, cidr: str) -> None:
        """Marks every block that overlaps `cidr`; other ranges' blocks are ignored."""
        self._taken.update(self._indexes(cidr))

    def release(self, cidr: str) -> None:
        self._taken.difference_update(self._indexes(cidr))

    def contains(self, cidr: str) -> bool:
        return bool(self._indexes(cidr))

    def _indexes(self, cidr: str) -> range:
        network = ipaddress.ip_network(cidr, strict=False)
        if network.version != self.cluster.version or not _overlap(network, self.cluster):
            return range(0)
        base = int(self.cluster.network_address)
        first = max(0, (int(network.network_address) - base) // self._size)
        last = min(self._count - 1, (int(network.broadcast_address) - base) // self._size)
        return range(first, last + 1)


def _overlap(a: Network, b: Network) -> bool:
    return int(a.network_address) <= int(b.broadcast_address) and int(b.network_address) <= int(a.broadcast_address)


class NodeIPAMController(BaseController):
    """Writes spec.podCIDR and spec.podCIDRs of nodes that have none.

    A node is given blocks once: they stay its own until the cache shows what it holds or that it is gone. A sync that
    comes before the cache has followed, or a write whose answer was lost, then asks for the same blocks again, which
    the server takes as no change; and no block goes to another node while its first may hold it.
    """

    name = "node-ipam-controller"
    account = "node-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)  # one at a time: no two nodes get one range
        config = context.config
        self.recorder = context.recorder(self.account, "cidrAllocator")
        self._given: dict[str, list[str]] = {}
        """By the node's UID, until the cache shows them."""
        self._sets = []
        for cidr in config.cluster_cidr.split(","):
            is_v4 = ipaddress.ip_network(cidr).version == 4
            mask = config.node_cidr_mask_size_ipv4 if is_v4 else config.node_cidr_mask_size_ipv6
            self._sets.append(CIDRSet(cidr, mask))
        for pool in self._sets:
            for reserved in filter(None, config.service_cluster_ip_range.split(",")):
                pool.occupy(reserved)
        self.nodes = self.informer(NODES)
        self.nodes.add_handler(self._node_seen, lambda old, new: self._node_seen(new), self._node_deleted)

    def _node_seen(self, node: Object) -> None:
        held = _pod_cidrs(node)
        if held:
            self._release(self._given.pop(meta.uid(node), []))
            self._occupy(held)
        else:
            self.enqueue(node)

    def _node_deleted(self, node: Object) -> None:
        self._release(self._given.pop(meta.uid(node), []))
        self._release(_pod_cidrs(node))

    async def sync(self, key: str) -> None:
        node = self.nodes.get(key)
        if node is None or meta.is_deleting(node) or _pod_cidrs(node):
            return
        uid = meta.uid(node)
        if uid not in self._given:
            self._given[uid] = self._allocate(node)
        cidrs = self._given[uid]
        patch = {"metadata": {"uid": uid}, "spec": {"podCIDR": cidrs[0], "podCIDRs": cidrs}}
        try:
            await self.client.patch(NODES, key, patch, type="strategic")
        except StatusError as error:
            if error.code not in (404, 409):
                self._tell(node, "CIDRAssignmentFailed")
            raise
        log.info("node %s got %s", key, ", ".join(cidrs))

    def _allocate(self, node: Object) -> list[str]:
        cidrs: list[str] = []
        try:
            for pool in self._sets:
                cidrs.append(pool.allocate())
        except CIDRRangeFull:
            self._release(cidrs)
            self._tell(node, "CIDRNotAvailable")
            raise
        return cidrs

    def _occupy(self, cidrs: list[str]) -> None:
        for pool, cidr in zip(self._sets, cidrs, strict=False):
            pool.occupy(cidr)

    def _release(self, cidrs: list[str]) -> None:
        for pool, cidr in zip(self._sets, cidrs, strict=False):
            pool.release(cidr)

    def _tell(self, node: Object, reason: str) -> None:
        name = meta.name(node)
        reference = {"kind": "Node", "apiVersion": "v1", "name": name, "uid": meta.uid(node)}
        self.recorder.event(reference, NORMAL, reason, f"Node {name} status is now: {reason}")


def _pod_cidrs(node: Object) -> list[str]:
    spec = node.get("spec") or {}
    if spec.get("podCIDRs"):
        return list(spec["podCIDRs"])
    return [spec["podCIDR"]] if spec.get("podCIDR") else []
