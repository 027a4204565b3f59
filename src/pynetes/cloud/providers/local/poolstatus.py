"""What is in force of every AddressPool, and what its status says. Pure.

An address that two pools name is the older one's; a pool that is being deleted stands back for all others. What a
Service has stays in force when a pool no longer names it, until the Service lets go of it.
"""

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.cloud.providers.local import addresses
from pynetes.cloud.providers.local.addresses import EMPTY, Addresses
from pynetes.cloud.providers.local.addresspool import check_selectors, in_force

Object = dict[str, Any]

_MOST_NAMED = 5


class Share(Struct):
    """What is one pool's. `lost`: name of an older pool → addresses that both name."""

    ranges: Addresses = EMPTY
    retained: Addresses = EMPTY
    lost: dict[str, Addresses] = field(default_factory=dict)
    problem: str = ""


def shares(pools: Sequence[Object], held: Collection[str]) -> dict[str, Share]:
    """Name → what is the pool's. `held`: addresses that Services have."""
    ordered = sorted(pools, key=lambda pool: (meta.is_deleting(pool), meta.creation_time(pool), meta.name(pool)))
    found: dict[str, Share] = {}
    for pool in ordered:
        share = Share()
        try:
            check_selectors(pool)
            share.ranges = addresses.parse(pool["spec"]["addresses"])
        except ValueError as error:
            share.problem = str(error)
        for name, other in found.items():
            if common := share.ranges & other.ranges:
                share.lost[name] = common
                share.ranges -= other.ranges
        found[meta.name(pool)] = share
    claimed = EMPTY
    for share in found.values():
        claimed |= share.ranges
    for pool in ordered:
        before = in_force([pool])
        kept = addresses.parse(address for address in held if address in before and address not in claimed)
        found[meta.name(pool)].retained = kept
        claimed |= kept
    return found


def status(pool: Object, share: Share, held: Collection[str], of_nodes: Collection[str]) -> Object:
    """The whole status; equal to the pool's own if nothing has changed."""
    used = sum(address in share.ranges for address in held)
    reserved = sum(address in share.ranges and address not in held for address in of_nodes)
    free = 0 if meta.is_deleting(pool) else len(share.ranges) - used - reserved
    used += len(share.retained)
    conditions = meta.copy((pool.get("status") or {}).get("conditions") or [])
    for condition in (_ready(pool, share, used), _exhausted(free), _overlapping(share)):
        meta.set_condition(conditions, {**condition, "observedGeneration": meta.generation(pool)})
    made: Object = {"ranges": share.ranges.texts(), "used": used, "free": free, "conditions": conditions}
    return {**made, "retained": share.retained.texts()} if share.retained else made


def _ready(pool: Object, share: Share, used: int) -> Object:
    if meta.is_deleting(pool):
        return _condition("Ready", False, "Terminating", f"{_number(used)} still used by Services")
    if share.problem:
        return _condition("Ready", False, "Invalid", share.problem)
    if not share.ranges:
        return _condition("Ready", False, "Overlapping", "all addresses are older pools'")
    if share.retained:
        message = f"kept for the Services that have them, though no longer in the spec: {_named(share.retained)}"
        return _condition("Ready", True, "AddressesRetained", message)
    return _condition("Ready", True, "InForce", "the addresses are in force")


def _exhausted(free: int) -> Object:
    if free > 0:
        return _condition("Exhausted", False, "AddressesFree", "addresses are free")
    return _condition("Exhausted", True, "NoAddressFree", "no address is free")


def _overlapping(share: Share) -> Object:
    if not share.lost:
        return _condition("Overlapping", False, "NoOverlap", "no older pool holds its addresses")
    parts = [f"{_named(common)} of pool {name}" for name, common in share.lost.items()]
    return _condition("Overlapping", True, "HeldByOlderPool", "; ".join(parts))


def _condition(type: str, status: bool, reason: str, message: str) -> Object:
    return {"type": type, "status": str(status), "reason": reason, "message": message}


def _number(addresses: int) -> str:
    return "1 address is" if addresses == 1 else f"{addresses} addresses are"


def _named(addresses: Addresses) -> str:
    texts = addresses.texts()
    more = [f"{len(texts) - _MOST_NAMED} more"] if len(texts) > _MOST_NAMED else []
    return ", ".join([*texts[:_MOST_NAMED], *more])
