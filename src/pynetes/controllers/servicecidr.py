"""service-cidr-controller: ServiceCIDRs are ready from when they are, and stay while Services need their addresses."""

import ipaddress
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_time, parse_time
from pynetes.apis.names import IP_ADDRESSES, SERVICE_CIDRS
from pynetes.apis.networking.addresses import MANAGED_BY, OF_SERVICES
from pynetes.client.events import WARNING
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FINALIZER = "networking.k8s.io/service-cidr-finalizer"
#: As long, API servers may not have heard yet that no more addresses are to be taken.
GRACE = timedelta(seconds=10)
_READY = {"type": "Ready", "status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready"}
_HELD = {
    "type": "Ready",
    "status": "False",
    "reason": "Terminating",
    "message": (
        "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR"
    ),
}


class ServiceCIDRController(BaseController):
    name = "service-cidr-controller"
    queue_name = "ipaddresses"
    account = "service-cidrs-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=5)
        self.recorder = context.recorder(self.account, self.name)
        self.cidrs = self.informer(SERVICE_CIDRS)
        self.cidrs.add_handler(self._added, self.enqueue_update, self.enqueue)
        self.addresses = self.informer(IP_ADDRESSES)
        self.addresses.add_handler(self._moved, on_delete=self._moved)

    def _added(self, cidr: Object) -> None:
        """Others that it overlaps may be free to go."""
        self.enqueue(cidr)
        networks = list(_networks(cidr))
        for other in self.cidrs.list():
            if any(mine.version == its.version and mine.overlaps(its) for mine in networks for its in _networks(other)):
                self.enqueue(other)

    def _moved(self, address: Object) -> None:
        found = _address(address)
        if found is not None:
            for cidr in self.cidrs.list():
                if _contain(_networks(cidr), found):
                    self.enqueue(cidr)

    async def sync(self, key: str) -> None:
        cidr = self.cidrs.get(key)
        if cidr is None:
            return
        if not meta.is_deleting(cidr):
            if FINALIZER not in meta.finalizers(cidr):
                await self._patch(key, {"metadata": {"finalizers": [FINALIZER]}})
            await self._report(cidr, _READY)
            return
        if is_needed(cidr, self.cidrs.list(), self.addresses.list()):
            await self._report(cidr, _HELD)
            return
        left = parse_time(cidr["metadata"]["deletionTimestamp"]) + GRACE - clock.now()
        if left > timedelta():
            self.queue.add_after(key, left.total_seconds())
        elif FINALIZER in meta.finalizers(cidr):
            await self._patch(key, {"metadata": {"$deleteFromPrimitiveList/finalizers": [FINALIZER]}})

    async def _patch(self, name: str, patch: Object) -> None:
        try:
            await self.client.patch(SERVICE_CIDRS, name, patch, type="strategic")
        except StatusError as error:
            if error.code != 404:
                raise

    async def _report(self, cidr: Object, condition: Object) -> None:
        present = meta.get_condition((cidr.get("status") or {}).get("conditions"), condition["type"]) or {}
        if all(present.get(field) == value for field, value in condition.items()):
            return
        told = {**condition, "lastTransitionTime": format_time(clock.now())}
        name = meta.name(cidr)
        status = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "ServiceCIDR",
            "metadata": {"name": name},
            "status": {"conditions": [told]},
        }
        try:
            await self.client.patch(
                SERVICE_CIDRS, name, status, type="apply", subresource="status", field_manager=self.name, force=True
            )
        except StatusError:
            if condition is _READY:
                note = "The ServiceCIDR Status can not be set to Ready=True"
                self.recorder.event(cidr, WARNING, "KubernetesServiceCIDRError", note)
            raise


def is_needed(cidr: Object, cidrs: Iterable[Object], addresses: Iterable[Object]) -> bool:
    """Whether a Service would be left with an address of no ServiceCIDR if this one went."""
    others = [other for other in cidrs if meta.name(other) != meta.name(cidr)]
    elsewhere = [network for other in others for network in _networks(other)]
    networks = list(_networks(cidr))
    if all(any(_within(network, other) for other in elsewhere) for network in networks):
        return False
    return any(
        _contain(networks, address) and not _contain(elsewhere, address)
        for address in map(_address, addresses)
        if address is not None
    )


def _networks(cidr: Object) -> Iterator[Network]:
    for text in (cidr.get("spec") or {}).get("cidrs") or ():
        yield ipaddress.ip_network(text, strict=False)


def _within(network: Network, other: Network) -> bool:
    return network.version == other.version and network.prefixlen >= other.prefixlen and network.overlaps(other)


def _contain(networks: Iterable[Network], address: Address) -> bool:
    """Whether a Service may have the address of one of them: not the first of one, nor the last (IPv4)."""
    for network in networks:
        ends = {network.network_address, network.broadcast_address if network.version == 4 else None}
        if address in network and address not in ends:
            return True
    return False


def _address(obj: Object) -> Address | None:
    """What an IPAddress stands for; None if it is no Service's."""
    return ipaddress.ip_address(meta.name(obj)) if meta.labels(obj).get(MANAGED_BY) == OF_SERVICES else None
