"""Load balancers of the provider `local`: an address each; the rest is the nodes' work."""

from collections.abc import Sequence

from pynetes.apimachinery import meta
from pynetes.client.informer import Informer
from pynetes.cloud.interface import LoadBalancers
from pynetes.cloud.providers.local import allocation
from pynetes.cloud.providers.local.allocation import Object
from pynetes.cloud.providers.local.config import LocalConfig

#: Services of this class are served as those without one.
LOAD_BALANCER_CLASS = "pynetes.io/local"


class AddressBalancers(LoadBalancers):
    """Hands addresses out. What Services' statuses say is the record; `_fresh` bridges the time until they say it."""

    load_balancer_class = LOAD_BALANCER_CLASS

    def __init__(self, config: LocalConfig) -> None:
        self._config = config
        self._services: Informer | None = None
        self._fresh: dict[str, tuple[str, str]] = {}  # address → key and uid of a Service just given it

    def follow(self, services: Informer) -> None:
        self._services = services

    async def get(self, cluster: str, service: Object) -> Object | None:
        addresses = [address for address in allocation.assigned(service) if self._config.pool_of(address)]
        key = meta.key(service)
        addresses += [ip for ip, (holder, _) in self._fresh.items() if holder == key and ip not in addresses]
        return _status(addresses[0]) if addresses else None

    async def ensure(self, cluster: str, service: Object, nodes: Sequence[Object]) -> Object:
        # No await between looking and writing down: two Services never see one address free.
        holders = self._holders() | allocation.of_nodes(nodes)
        address = allocation.choose(service, self._config, holders)
        key = meta.key(service)
        for other in [ip for ip, (holder, _) in self._fresh.items() if holder == key]:
            del self._fresh[other]
        self._fresh[address] = (key, meta.uid(service))
        return _status(address)

    async def update(self, cluster: str, service: Object, nodes: Sequence[Object]) -> None:
        """Nodes find out by themselves."""

    async def ensure_deleted(self, cluster: str, service: Object) -> None:
        key = meta.key(service)
        for address in [ip for ip, (holder, _) in self._fresh.items() if holder == key]:
            del self._fresh[address]

    def _holders(self) -> dict[str, str]:
        assert self._services is not None, "the provider was not started"
        holders = allocation.taken(self._services.list(), self._config)
        for address, (key, uid) in list(self._fresh.items()):
            service = self._services.get(key)
            if service is None or meta.uid(service) != uid:
                del self._fresh[address]  # it went without a trace
            else:
                holders.setdefault(address, key)
        return holders


def _status(address: str) -> Object:
    return {"ingress": [{"ip": address, "ipMode": "VIP"}]}
