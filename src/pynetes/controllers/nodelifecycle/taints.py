"""The taints that a node's conditions ask for."""

from collections.abc import Iterable
from typing import Any

from pynetes.controllers.nodelifecycle import health

Object = dict[str, Any]

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
NO_SCHEDULE, NO_EXECUTE = "NoSchedule", "NoExecute"

_BY_CONDITION = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
_OWN_NO_SCHEDULE = frozenset((*_BY_CONDITION.values(), UNSCHEDULABLE))


def of(node: Object) -> list[Object]:
    return (node.get("spec") or {}).get("taints") or []


def has(node: Object, key: str, effect: str) -> bool:
    return any(taint["key"] == key and taint.get("effect") == effect for taint in of(node))


def no_schedule(node: Object) -> list[Object] | None:
    """All taints as they should be, where the NoSchedule ones follow the conditions; None if they do already."""
    wanted = set()
    for condition in health.conditions(node):
        key = _BY_CONDITION.get((condition["type"], condition.get("status") or ""))
        if key:
            wanted.add(key)
    if (node.get("spec") or {}).get("unschedulable"):
        wanted.add(UNSCHEDULABLE)
    present = {t["key"] for t in of(node) if t.get("effect") == NO_SCHEDULE and t["key"] in _OWN_NO_SCHEDULE}
    if wanted == present:
        return None
    return swap(of(node), wanted - present, present - wanted, NO_SCHEDULE)


def no_execute(node: Object, stamp: str) -> list[Object] | None:
    """All taints with the one that an unhealthy node's pods are evicted by; None if it is there."""
    key, opposite = (NOT_READY, UNREACHABLE) if health.ready_status(node) == "False" else (UNREACHABLE, NOT_READY)
    if has(node, key, NO_EXECUTE) and not has(node, opposite, NO_EXECUTE):
        return None
    return swap(of(node), {key}, {opposite}, NO_EXECUTE, stamp)


def without_no_execute(node: Object) -> list[Object] | None:
    """All taints without those of an unhealthy node; None if there are none."""
    if not has(node, NOT_READY, NO_EXECUTE) and not has(node, UNREACHABLE, NO_EXECUTE):
        return None
    return swap(of(node), (), (NOT_READY, UNREACHABLE), NO_EXECUTE)


def swap(
    taints: list[Object], add: Iterable[str], remove: Iterable[str], effect: str, stamp: str | None = None
) -> list[Object]:
    """Puts the taints of `add` in place of those of `remove`, all of one effect; `stamp` is their timeAdded."""
    added, changed = sorted(add), {*add, *remove}
    kept = [t for t in taints if not (t["key"] in changed and t.get("effect") == effect)]
    new: list[Object] = [{"key": key, "effect": effect} for key in added]
    if stamp:
        new = [{**taint, "timeAdded": stamp} for taint in new]
    return kept + new
