"""Load balancers of the provider `local`: an address each; the rest is the nodes' work."""

from collections.abc import Sequence

from pynetes.apimachinery import meta
from pynetes.apis.names import NAMESPACES, NODES, SERVICES
from pynetes.client.informer import InformerFactory
from pynetes.cloud.interface import LoadBalancers
from pynetes.cloud.providers.local import allocation
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS, Pool, in_force, pool_of
from pynetes.cloud.providers.local.allocation import AllocationError, Object

#: Services of this class are served as those without one.
LOAD_BALANCER_CLASS = "pynetes.io/local"


class AddressBalancers(LoadBalancers):
    """Hands addresses out. What Services' statuses say is the record; `_fresh` bridges the time until they say it."""

    load_balancer_class = LOAD_BALANCER_CLASS

    def __init__(self) -> None:
        self._fresh: dict[str, tuple[str, str]] = {}  # address → key and uid of a Service just given it
        self._waiting: set[str] = set()  # keys of Services that could not be given an address

    def follow(self, informers: InformerFactory) -> None:
        self._services = informers.informer(SERVICES)
        self._nodes = informers.informer(NODES)
        self._namespaces = informers.informer(NAMESPACES)
        self._pools = informers.informer(ADDRESS_POOLS)

    async def get(self, cluster: str, service: Object) -> Object | None:
        pools, key = in_force(self._pools.list()), meta.key(service)
        addresses = [address for address in allocation.assigned(service) if address in pools]
        addresses += [ip for ip, (holder, _) in self._fresh.items() if holder == key and ip not in addresses]
        return _status(addresses[0]) if addresses else None

    async def ensure(self, cluster: str, service: Object, nodes: Sequence[Object]) -> Object:
        for informer in (self._nodes, self._namespaces, self._pools):
            await informer.wait_for_sync()
        # No await between looking and writing down: two Services never see one address free.
        key = meta.key(service)
        try:
            address = allocation.choose(service, self._ordered(), self._all_holders(), self._namespace_labels())
        except AllocationError:
            self._waiting.add(key)
            raise
        self._forget(key)
        self._fresh[address] = (key, meta.uid(service))
        return _status(address)

    async def update(self, cluster: str, service: Object, nodes: Sequence[Object]) -> None:
        """Nodes find out by themselves."""

    async def ensure_deleted(self, cluster: str, service: Object) -> None:
        self._forget(meta.key(service))

    def _forget(self, key: str) -> None:
        self._waiting.discard(key)
        for address in [ip for ip, (holder, _) in self._fresh.items() if holder == key]:
            del self._fresh[address]

    def retry_waiting(self) -> None:
        """Has those Services looked at again that can be given an address now."""
        waiting = [service for key in self._waiting if (service := self._services.get(key)) is not None]
        self._waiting = {meta.key(service) for service in waiting}
        if waiting:
            labels = self._namespace_labels()
            for key in allocation.servable(waiting, self._ordered(), self._all_holders(), labels):
                self._waiting.discard(key)
                self.retry(key)

    def holders(self) -> dict[str, str]:
        """Address → key of the Service that has it or is just given it."""
        found = allocation.taken(self._services.list())
        for address, (key, uid) in list(self._fresh.items()):
            service = self._services.get(key)
            if service is None or meta.uid(service) != uid:
                del self._fresh[address]  # it went without a trace
            else:
                found.setdefault(address, key)
        return found

    def _all_holders(self) -> dict[str, str]:
        return self.holders() | allocation.of_nodes(self._nodes.list())

    def _ordered(self) -> list[Pool]:
        """In the order in which they are tried."""
        return [pool_of(pool) for pool in sorted(self._pools.list(), key=meta.name)]

    def _namespace_labels(self) -> dict[str, dict[str, str]]:
        return {meta.name(namespace): meta.labels(namespace) for namespace in self._namespaces.list()}


def _status(address: str) -> Object:
    return {"ingress": [{"ip": address, "ipMode": "VIP"}]}
