"""Which address a Service gets. Pure; what is taken is read from Services' status, so that nothing else is kept."""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from pynetes.apimachinery import meta
from pynetes.cloud.providers.local.config import LocalConfig, Pool

Object = dict[str, Any]

#: Services ask for a pool by this annotation.
POOL_ANNOTATION = "pynetes.io/address-pool"


class AllocationError(Exception):
    """The Service cannot have an address; the message is what its event says."""


def assigned(service: Object) -> list[str]:
    """The addresses that a Service's status tells."""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [entry["ip"] for entry in ingress if entry.get("ip")]


def taken(services: Iterable[Object], config: LocalConfig) -> dict[str, str]:
    """Address → key of the Service that has it. Of two that claim one, the older Service has it."""
    found: dict[str, str] = {}
    for service in sorted(services, key=lambda service: (meta.creation_time(service), meta.key(service))):
        for address in assigned(service):
            if config.pool_of(address) is not None:
                found.setdefault(address, meta.key(service))
    return found


def of_nodes(nodes: Iterable[Object]) -> dict[str, str]:
    """Address → `node NAME`: what machines have themselves is nobody's to get, even where a pool covers it."""
    return {
        address["address"]: f"node {meta.name(node)}"
        for node in nodes
        for address in (node.get("status") or {}).get("addresses") or ()
        if address["type"] != "Hostname"
    }


def choose(service: Object, config: LocalConfig, holders: Mapping[str, str]) -> str:
    """The address for `service`: the one it asks for, else the one it has, else the first that is free."""
    families = service["spec"].get("ipFamilies") or ["IPv4"]
    if "IPv4" not in families:
        raise AllocationError(f"the service has no IPv4 address family ({', '.join(families)}): pools have none other")
    named = _named_pool(service, config)
    permitted = [named] if named else list(config.pools)
    wanted = service["spec"].get("loadBalancerIP") or ""
    if wanted:
        return _requested(service, wanted, config, permitted, holders)
    key = meta.key(service)
    own = [address for address in assigned(service) if holders.get(address) == key]
    own += [address for address, holder in holders.items() if holder == key]
    for address in own:
        if any(address in pool for pool in permitted):
            return address
    pools = [pool for pool in permitted if pool.auto_assign or pool is named]
    for pool in pools:
        for address in pool:
            if address not in holders:
                return address
    names = ", ".join(pool.name for pool in pools)
    raise AllocationError(
        f"no address is left in the pools: {names}" if pools else "no pool of addresses is configured"
    )


def _named_pool(service: Object, config: LocalConfig) -> Pool | None:
    name = meta.annotations(service).get(POOL_ANNOTATION)
    if name is None:
        return None
    pool = next((pool for pool in config.pools if pool.name == name), None)
    if pool is None:
        known = ", ".join(pool.name for pool in config.pools) or "none"
        raise AllocationError(f"there is no pool of addresses {name!r} (configured: {known})")
    return pool


def _requested(service: Object, wanted: str, config: LocalConfig, pools: list[Pool], holders: Mapping[str, str]) -> str:
    try:
        address = str(ipaddress.ip_address(wanted))
    except ValueError:
        raise AllocationError(f"spec.loadBalancerIP {wanted!r} is no IP address") from None
    if not any(address in pool for pool in pools):
        outside = config.pool_of(address) is None
        place = "in no pool of addresses" if outside else f"not in the pool {pools[0].name}"
        raise AllocationError(f"the requested address {address} is {place}")
    holder = holders.get(address)
    if holder is not None and holder != meta.key(service):
        user = holder if holder.startswith("node ") else f"service {holder}"
        raise AllocationError(f"the requested address {address} is already used by {user}")
    return address
