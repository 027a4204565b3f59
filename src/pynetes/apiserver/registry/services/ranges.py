"""The networks that cluster IPs come from: those of ServiceCIDRs, in the families that the server was started with."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apiserver.objects import Change
from pynetes.apiserver.registry.services import families
from pynetes.apiserver.registry.services.allocator import AllocationError, Allocator, Network, RangeFull, addresses

Object = dict[str, Any]


class Ranges:
    """Networks may overlap: an address is held in all of them. Until there are ServiceCIDRs, the server's own count."""

    def __init__(self, cidrs: str) -> None:
        """`cidrs` are one or two networks, comma-separated, the default family's first."""
        self._own = _networks(cidrs.split(","))
        self._held: dict[str, set[int]] = {families.family_of_network(network): set() for network in self._own}
        self._objects: dict[str, Object] = {}
        self._open: dict[str, dict[Network, Allocator]] = {}
        self._refresh()

    @property
    def families(self) -> list[str]:
        """The default first."""
        return list(self._held)

    def changed(self, change: Change, cidr: Object) -> None:
        """Takes note of a ServiceCIDR."""
        if change == "DELETED":
            self._objects.pop(meta.name(cidr), None)
        else:
            self._objects[meta.name(cidr)] = cidr
        self._refresh()

    def _refresh(self) -> None:
        networks = self._own
        if self._objects:
            ready = filter(is_ready, self._objects.values())
            networks = _networks(cidr for each in ready for cidr in (each.get("spec") or {}).get("cidrs") or ())
        self._open = {
            family: {
                network: addresses(network, held)
                for network in networks
                if families.family_of_network(network) == family
            }
            for family, held in self._held.items()
        }

    def remember(self, held: Iterable[str]) -> None:
        """What is held is exactly this, be it in a network or not."""
        for numbers in self._held.values():
            numbers.clear()
        for address in held:
            self._held.get(families.family_of(address), set()).add(_number(address))

    def take(self, address: str) -> None:
        """AllocationError if it is held, or in no network."""
        number = _number(address)
        for network in self._open.get(families.family_of(address), {}).values():
            if number in network:
                if not network.take(number):
                    raise AllocationError("provided IP is already allocated")
                return
        raise AllocationError("the provided network does not match the current range")

    def take_any(self, family: str) -> str:
        """A free address of any network; RangeFull if there is none."""
        for network, allocator in self._open[family].items():
            try:
                return str(network[allocator.take_any() - int(network.network_address)])
            except RangeFull:
                continue
        raise RangeFull

    def release(self, address: str) -> None:
        self._held.get(families.family_of(address), set()).discard(_number(address))


def is_ready(cidr: Object) -> bool:
    """Addresses are taken of a ServiceCIDR that stays and of which nobody says that it is not ready."""
    if meta.is_deleting(cidr):
        return False
    ready = meta.get_condition((cidr.get("status") or {}).get("conditions"), "Ready")
    return ready is None or ready.get("status") == "True"


def _networks(cidrs: Iterable[str]) -> list[Network]:
    return [ipaddress.ip_network(cidr.strip(), strict=False) for cidr in cidrs]


def _number(address: str) -> int:
    return int(ipaddress.ip_address(address))
