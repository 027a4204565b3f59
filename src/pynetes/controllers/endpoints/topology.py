"""Hints of Services with the annotation `service.kubernetes.io/topology-mode: Auto`: traffic stays in its zone. Pure.

Every zone gets endpoints in proportion to its nodes' CPUs. Endpoints serve their own zone first; zones that have more
than their share give some to those that have less. Where no zone could be spared an overload of a fifth, there are no
hints at all, and an event says why.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta, quantity

Object = dict[str, Any]

ZONE = "topology.kubernetes.io/zone"
ENABLED, DISABLED = "Topology Aware Hints has been enabled", "Topology Aware Hints has been disabled"

_MODES = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode")
_EXCLUDED = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_OVERLOAD = 0.2

_NO_ZONE = "One or more endpoints do not have a zone specified"
_NOTHING = "No hints allocated for zones"
_NODES = "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
_TOO_FEW = "Insufficient number of endpoints"
_OVERLOADED = "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold"


class NoHintsError(Exception):
    """There cannot be hints; the message is what the event says."""


class Share(Struct, frozen=True):
    """How many endpoints a zone should have."""

    minimum: int
    maximum: int
    desired: float


class Hinted(Struct):
    """Slices with their hints; `changed` are those that were not to be written otherwise."""

    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    changed: list[Object] = field(default_factory=list)


def is_auto(service: Object) -> bool:
    annotations = meta.annotations(service)
    value = next((annotations[name] for name in _MODES if name in annotations), "")
    return value in ("Auto", "auto")


def weight(node: Object) -> tuple[str, float] | None:
    """A node's zone and CPUs, as far as it tells them; None for one that does not count."""
    if any(label in meta.labels(node) for label in _EXCLUDED) or not _is_ready(node):
        return None
    return meta.labels(node).get(ZONE, ""), _cpu(node)


def cpu_shares(nodes: Iterable[Object]) -> dict[str, float]:
    """Zone → its share of all ready nodes' CPUs; empty if a node does not say, or if there is one zone only."""
    cpus: dict[str, float] = {}
    for zone, cpu in filter(None, map(weight, nodes)):
        if not zone or not cpu:
            return {}
        cpus[zone] = cpus.get(zone, 0.0) + cpu
    total = sum(cpus.values())
    return {zone: cpu / total for zone, cpu in sorted(cpus.items())} if len(cpus) > 1 else {}


def _is_ready(node: Object) -> bool:
    return meta.is_condition_true((node.get("status") or {}).get("conditions"), "Ready")


def _cpu(node: Object) -> float:
    text = ((node.get("status") or {}).get("allocatable") or {}).get("cpu") or "0"
    return float(quantity.parse(text))


def shares(endpoints: int, cpus: Mapping[str, float]) -> dict[str, Share]:
    """Zone → share of so many endpoints. NoHintsError if there are too few for all zones."""
    if not cpus:
        raise NoHintsError(_NODES)
    counts = f"({endpoints} endpoints, {len(cpus)} zones)"
    if len(cpus) > endpoints:
        raise NoHintsError(f"{_TOO_FEW} {counts}")
    least = {zone: math.ceil(cpu * endpoints * (1 / (1 + _OVERLOAD))) for zone, cpu in cpus.items()}
    spare = endpoints - sum(least.values())
    if spare < 0:
        raise NoHintsError(f"{_OVERLOADED} {counts}")
    return {
        zone: Share(minimum, minimum + spare, max(cpus[zone] * endpoints, minimum)) for zone, minimum in least.items()
    }


def hinted(create: list[Object], update: list[Object], unchanged: list[Object], cpus: Mapping[str, float]) -> Hinted:
    """The slices with hints. Unchanged ones whose hints still do are left out. NoHintsError if there can be none."""
    total = sum(len(_ready(slice_)) for slice_ in (*create, *update, *unchanged))
    allocation = shares(total, cpus)
    allocated: Counter[str] = Counter()
    stale = []
    for slice_ in unchanged:
        present = _valid_hints(slice_, allocated, allocation)
        if present is None:
            stale.append(slice_)
        else:
            allocated += present
    out = Hinted(*([_in_own_zones(slice_) for slice_ in slices] for slices in (create, update, stale)))
    own = [endpoint for slice_ in (*out.create, *out.update, *out.changed) for endpoint in _ready(slice_)]
    allocated.update(endpoint["zone"] for endpoint in own)
    if not allocated:
        raise NoHintsError(_NOTHING)
    _redistribute(own, allocated, allocation)
    return out


def has_hints(slice_: Object) -> bool:
    return any("hints" in endpoint for endpoint in slice_.get("endpoints") or ())


def without(slice_: Object) -> Object:
    """The slice without hints."""
    endpoints = [{name: value for name, value in e.items() if name != "hints"} for e in slice_.get("endpoints") or ()]
    return {**slice_, "endpoints": endpoints}


def _ready(slice_: Object) -> list[Object]:
    return [e for e in slice_.get("endpoints") or () if (e.get("conditions") or {}).get("ready")]


def _valid_hints(slice_: Object, before: Counter[str], allocation: Mapping[str, Share]) -> Counter[str] | None:
    """How often each zone is hinted; None if an endpoint lacks hints, or a zone would have more than it should."""
    found: Counter[str] = Counter()
    for endpoint in _ready(slice_):
        zones = [zone["name"] for zone in (endpoint.get("hints") or {}).get("forZones") or ()]
        if not zones or any(zone not in allocation for zone in zones):
            return None
        found.update(zones)
    if any(count + before[zone] > allocation[zone].maximum for zone, count in found.items()):
        return None
    return found


def _in_own_zones(slice_: Object) -> Object:
    """A copy whose ready endpoints are hinted for where they are."""
    endpoints = []
    for endpoint in slice_.get("endpoints") or ():
        plain = {name: value for name, value in endpoint.items() if name != "hints"}
        if (endpoint.get("conditions") or {}).get("ready"):
            if not endpoint.get("zone"):
                raise NoHintsError(_NO_ZONE)
            plain["hints"] = {"forZones": [{"name": endpoint["zone"]}]}
        endpoints.append(plain)
    return {**slice_, "endpoints": endpoints}


def _redistribute(endpoints: Iterable[Object], allocated: Counter[str], allocation: Mapping[str, Share]) -> None:
    """Changes hints so that zones with too few endpoints are served by those with too many."""
    giving, receiving = _transfers(allocated, allocation)
    for endpoint in endpoints:
        zone = endpoint["zone"]
        if giving[zone] > 0 and (taker := next((name for name, left in receiving.items() if left > 0), "")):
            endpoint["hints"] = {"forZones": [{"name": taker}]}
            giving[zone] -= 1
            receiving[taker] -= 1


def _transfers(allocated: Counter[str], allocation: Mapping[str, Share]) -> tuple[Counter[str], Counter[str]]:
    """How many endpoints each zone gives, and how many each one gets: whole ones, by the largest difference first."""
    differences = {zone: allocated[zone] - share.desired for zone, share in allocation.items()}
    surplus = {zone: difference for zone, difference in differences.items() if difference > 0}
    need = {zone: -difference for zone, difference in differences.items() if difference < 0}
    giving: Counter[str] = Counter()
    receiving: Counter[str] = Counter()
    while surplus and need:
        giver, taker = max(surplus, key=lambda zone: surplus[zone]), max(need, key=lambda zone: need[zone])
        if max(surplus[giver], need[taker]) < 1 or min(surplus[giver], need[taker]) < 0.5:
            break
        giving[giver] += 1
        receiving[taker] += 1
        surplus[giver] -= 1
        need[taker] -= 1
    return giving, receiving
