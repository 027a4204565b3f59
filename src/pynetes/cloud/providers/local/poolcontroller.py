"""address-pool-controller: brings AddressPools in force and tells in their status what became of them.

One key stands for all pools, because what one may have depends on the others. Changes of Services and nodes are
gathered for half a second, and a status is written only if it differs: a thousand Services are a few writes.
"""

from pynetes.apimachinery import meta
from pynetes.apis.names import NAMESPACES, NODES, SERVICES
from pynetes.cloud.context import CloudContext, CloudController
from pynetes.cloud.providers.local import allocation, poolstatus
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS, FINALIZER
from pynetes.cloud.providers.local.allocation import Object
from pynetes.cloud.providers.local.balancers import AddressBalancers
from pynetes.cloud.providers.local.poolstatus import Share

GATHER_SECONDS = 0.5
_ALL = "addresspools"


class AddressPoolController(CloudController):
    name = "address-pool-controller"
    account = "address-pool-controller"

    def __init__(self, context: CloudContext, balancers: AddressBalancers) -> None:
        super().__init__(context)
        self.balancers = balancers
        self.pools = self.informer(ADDRESS_POOLS)
        self.services = self.informer(SERVICES)
        self.nodes = self.informer(NODES)
        self.namespaces = self.informer(NAMESPACES)
        self.pools.add_handler(self._pool_changed, lambda _, pool: self._pool_changed(pool), self._pool_changed)
        self.services.add_handler(self._changed, self._service_updated, self._changed)
        self.nodes.add_handler(self._changed, self._node_updated, self._changed)
        self.namespaces.add_handler(self._changed, self._namespace_updated)

    def _pool_changed(self, pool: Object) -> None:
        self.queue.add(_ALL)

    def _changed(self, obj: Object) -> None:
        self.queue.add_after(_ALL, GATHER_SECONDS)

    def _service_updated(self, old: Object, new: Object) -> None:
        if allocation.assigned(old) != allocation.assigned(new) or meta.labels(old) != meta.labels(new):
            self._changed(new)

    def _node_updated(self, old: Object, new: Object) -> None:
        if allocation.of_node(old) != allocation.of_node(new):
            self._changed(new)

    def _namespace_updated(self, old: Object, new: Object) -> None:
        if meta.labels(old) != meta.labels(new):
            self._changed(new)

    async def sync(self, key: str) -> None:
        held = self.balancers.held()
        of_nodes = {address for node in self.nodes.list() for address in allocation.of_node(node)}
        pools = self.pools.list()
        for name, share in poolstatus.shares(pools, held).items():
            pool = self.pools.get(name)
            if pool is not None and await self._finalize(pool, share, held):
                await self._write_status(pool, poolstatus.status(pool, share, held, of_nodes))
        self.balancers.retry_waiting()

    async def _finalize(self, pool: Object, share: Share, held: set[str]) -> bool:
        """Whether the pool is as wanted, so that its status can be told; otherwise its change brings the next sync."""
        changed = meta.copy_object(pool)
        if not meta.is_deleting(pool):
            if not meta.add_finalizer(changed, FINALIZER):
                return True
        elif share.retained or any(address in share.ranges for address in held):
            return True
        elif not meta.remove_finalizer(changed, FINALIZER):
            return False
        await self.client.update(ADDRESS_POOLS, changed)
        return False

    async def _write_status(self, pool: Object, status: Object) -> None:
        if status == pool.get("status"):
            return
        await self.client.update_status(ADDRESS_POOLS, {**pool, "status": status})
