"""Which address a Service gets. Pure; what is taken is read from Services' status, so that nothing else is kept."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from pynetes.apimachinery import meta
from pynetes.cloud.interface import TryAgain
from pynetes.cloud.providers.local.addresspool import Pool

Object = dict[str, Any]

HolderOf = Callable[[str], str | None]
"""Who has an address: the key of a Service, `node NAME`, or None."""

NO_LABELS: Mapping[str, str] = MappingProxyType({})

#: Services ask for a pool, and for an address, by these annotations.
POOL_ANNOTATION, ADDRESS_ANNOTATION = "pynetes.io/address-pool", "pynetes.io/address"


class AllocationError(TryAgain):
    """The Service cannot have an address; the message is what its event says."""


def assigned(service: Object) -> list[str]:
    """The addresses that a Service's status tells."""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [entry["ip"] for entry in ingress if entry.get("ip")]


def by_age(service: Object) -> tuple[str, str]:
    """Of two Services that claim one address, the older has it."""
    return meta.creation_time(service), meta.key(service)


def of_node(node: Object) -> list[str]:
    """What machines have themselves is nobody's to get, even where a pool covers it."""
    addresses = (node.get("status") or {}).get("addresses") or ()
    return [address["address"] for address in addresses if address["type"] != "Hostname"]


def choose(
    service: Object,
    pools: Sequence[Pool],
    holder_of: HolderOf,
    namespace_labels: Mapping[str, str] = NO_LABELS,
    given: str = "",
) -> str:
    """The address for `service`: the one it asks for, else the one it has, else the first that is free.

    What it has it keeps, whatever has become of the pool, unless it asks for something else. `given`: what it was given
    though its status does not say so yet. `namespace_labels`: its namespace's.
    """
    families = service["spec"].get("ipFamilies") or ["IPv4"]
    if "IPv4" not in families:
        raise AllocationError(f"the service has no IPv4 address family ({', '.join(families)}): pools have none other")
    named, wanted = _named_pool(service, pools), _requested(service)
    key = meta.key(service)
    for address in [*assigned(service), given]:
        if (
            holder_of(address) == key
            and wanted in ("", address)
            and any(address in pool for pool in ([named] if named else pools))
        ):
            return address
    serving = [pool for pool in pools if pool.is_open and pool.serves(meta.labels(service), namespace_labels)]
    if named is not None and named not in serving:
        why = "does not serve this service" if named.is_open else "is being deleted"
        raise AllocationError(f"the address pool {named.name} {why}")
    permitted = [named] if named else serving
    if wanted:
        _check_requested(wanted, named, pools, permitted)
        _check_unused(wanted, key, holder_of(wanted))
        return wanted
    return _first_free([pool for pool in permitted if pool.auto_assign or pool is named], holder_of)


def _first_free(pools: list[Pool], holder_of: HolderOf) -> str:
    for pool in pools:
        for address in pool.ranges:
            if holder_of(address) is None:
                return address
    if not pools:
        raise AllocationError("there is no address pool for this service")
    if in_force := [pool.name for pool in pools if pool.ranges]:
        raise AllocationError(f"no address is left in the pools: {', '.join(in_force)}")
    raise AllocationError(f"no address pool for this service is in force: {', '.join(pool.name for pool in pools)}")


def _named_pool(service: Object, pools: Sequence[Pool]) -> Pool | None:
    name = meta.annotations(service).get(POOL_ANNOTATION)
    if name is None:
        return None
    pool = next((pool for pool in pools if pool.name == name), None)
    if pool is None:
        known = ", ".join(pool.name for pool in pools) or "none"
        raise AllocationError(f"there is no address pool {name!r} (there are: {known})")
    return pool


def _requested(service: Object) -> str:
    """The address asked for, as it is written in pools; empty if none is."""
    by_annotation = meta.annotations(service).get(ADDRESS_ANNOTATION) or ""
    by_field = service["spec"].get("loadBalancerIP") or ""
    wanted = {
        _address(text, where)
        for text, where in ((by_annotation, f"the annotation {ADDRESS_ANNOTATION}"), (by_field, "spec.loadBalancerIP"))
        if text
    }
    if len(wanted) > 1:
        raise AllocationError(f"spec.loadBalancerIP and the annotation {ADDRESS_ANNOTATION} ask for two addresses")
    return wanted.pop() if wanted else ""


def _address(text: str, where: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise AllocationError(f"{where} {text!r} is no IP address") from None


def _check_requested(address: str, named: Pool | None, pools: Sequence[Pool], permitted: list[Pool]) -> None:
    if named is not None and address not in named.ranges:
        raise AllocationError(f"the requested address {address} is not in the address pool {named.name}")
    pool = next((pool for pool in pools if address in pool.ranges), None)
    if pool is None:
        raise AllocationError(f"the requested address {address} is in no address pool")
    if pool not in permitted:
        why = "does not serve this service" if pool.is_open else "is being deleted"
        raise AllocationError(f"the requested address {address} is in the address pool {pool.name}, which {why}")


def _check_unused(address: str, key: str, holder: str | None) -> None:
    if holder is not None and holder != key:
        user = holder if holder.startswith("node ") else f"service {holder}"
        raise AllocationError(f"the requested address {address} is already used by {user}")


def servable(
    waiting: Iterable[Object],
    pools: Sequence[Pool],
    holder_of: HolderOf,
    labels_of: Callable[[str], Mapping[str, str]] = lambda namespace: NO_LABELS,
) -> list[str]:
    """Keys of the Services that can have an address now, if each takes one: the oldest first."""
    claimed: dict[str, str] = {}
    for service in sorted(waiting, key=by_age):
        labels = labels_of(meta.namespace(service))
        with suppress(AllocationError):
            address = choose(service, pools, lambda address: claimed.get(address) or holder_of(address), labels)
            claimed[address] = meta.key(service)
    return list(claimed.values())
