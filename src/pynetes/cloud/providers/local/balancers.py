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
_BY_ADDRESS = "address"


class AddressBalancers(LoadBalancers):
    """Hands addresses out. What Services' statuses say is the record; `_given` bridges the time until they say it."""

    load_balancer_class = LOAD_BALANCER_CLASS

    def __init__(self) -> None:
        self._given: dict[str, tuple[str, str]] = {}  # key of a Service → its uid, the address it was given last
        self._given_to: dict[str, str] = {}  # the same by address → key
        self._waiting: set[str] = set()  # keys of Services that could not be given an address

    def follow(self, informers: InformerFactory) -> None:
        self._services = informers.informer(SERVICES)
        self._nodes = informers.informer(NODES)
        self._namespaces = informers.informer(NAMESPACES)
        self._pools = informers.informer(ADDRESS_POOLS)
        self._services.add_index(_BY_ADDRESS, allocation.assigned)
        self._nodes.add_index(_BY_ADDRESS, allocation.of_node)

    async def get(self, cluster: str, service: Object) -> Object | None:
        pools = in_force(self._pools.list())
        addresses = [address for address in allocation.assigned(service) if address in pools]
        address = addresses[0] if addresses else self._given_address(meta.key(service))
        return _status(address) if address else None

    async def ensure(self, cluster: str, service: Object, nodes: Sequence[Object]) -> Object:
        for informer in (self._nodes, self._namespaces, self._pools):
            await informer.wait_for_sync()
        # No await between looking and writing down: two Services never see one address free.
        key = meta.key(service)
        labels, given = self._labels_of(meta.namespace(service)), self._given_address(key)
        try:
            address = allocation.choose(service, self._ordered(), self._holder_of, labels, given)
        except AllocationError:
            self._waiting.add(key)
            raise
        self._forget(key)
        self._given[key], self._given_to[address] = (meta.uid(service), address), key
        return _status(address)

    async def update(self, cluster: str, service: Object, nodes: Sequence[Object]) -> None:
        """Nodes find out by themselves."""

    async def ensure_deleted(self, cluster: str, service: Object) -> None:
        self._forget(meta.key(service))

    def held(self) -> set[str]:
        """The addresses that Services have, or were just given."""
        given = {address for key in list(self._given) if (address := self._given_address(key))}
        return given.union(*map(allocation.assigned, self._services.list()))

    def retry_waiting(self) -> None:
        """Has those Services looked at again that can be given an address now."""
        waiting = [service for key in self._waiting if (service := self._services.get(key)) is not None]
        self._waiting = {meta.key(service) for service in waiting}
        for key in allocation.servable(waiting, self._ordered(), self._holder_of, self._labels_of) if waiting else ():
            self._waiting.discard(key)
            self.retry(key)

    def _holder_of(self, address: str) -> str | None:
        for node in self._nodes.by_index(_BY_ADDRESS, address):
            return f"node {meta.name(node)}"
        if services := self._services.by_index(_BY_ADDRESS, address):
            oldest: Object = min(services, key=allocation.by_age)
            return meta.key(oldest)
        key = self._given_to.get(address, "")
        return key if self._given_address(key) == address else None

    def _given_address(self, key: str) -> str:
        """Empty if it was given none, or is gone without a trace."""
        uid, address = self._given.get(key, ("", ""))
        if address and ((service := self._services.get(key)) is None or meta.uid(service) != uid):
            self._forget(key)
            return ""
        return address

    def _forget(self, key: str) -> None:
        self._waiting.discard(key)
        _, address = self._given.pop(key, ("", ""))
        self._given_to.pop(address, None)

    def _ordered(self) -> list[Pool]:
        """In the order in which they are tried."""
        return [pool_of(pool) for pool in sorted(self._pools.list(), key=meta.name)]

    def _labels_of(self, namespace: str) -> dict[str, str]:
        return meta.labels(self._namespaces.get(namespace) or {})


def _status(address: str) -> Object:
    return {"ingress": [{"ip": address, "ipMode": "VIP"}]}
