"""What a StatefulSet's controller does next.

Ordered (OrderedReady): one step at a time, lowest ordinal first, each only when all before are available; scaling down
from the highest. Parallel: all at once. Updates delete old pods from the highest ordinal down to the partition, one at
a time, and wait for each.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.controllers.podcontrol import state
from pynetes.controllers.statefulset import identity

Object = dict[str, Any]


class Plan(Struct):
    create: list[tuple[int, str]] = field(default_factory=list)
    """(ordinal, revision name)"""
    delete: list[Object] = field(default_factory=list)
    repair: list[Object] = field(default_factory=list)
    """Pods whose labels or claims are not what their identity asks for."""


def is_ordered(stateful_set: Object) -> bool:
    return bool((stateful_set["spec"].get("podManagementPolicy") or "OrderedReady") != "Parallel")


def is_rolling(stateful_set: Object) -> bool:
    strategy = stateful_set["spec"].get("updateStrategy") or {}
    return bool((strategy.get("type") or "RollingUpdate") == "RollingUpdate")


def partition(stateful_set: Object) -> int:
    rolling = (stateful_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return int(rolling.get("partition") or 0)


def revision_for(stateful_set: Object, index: int, current: str, update: str) -> str:
    """Ordinals below the partition stay at the current revision."""
    first = identity.ordinals(stateful_set).start
    return current if is_rolling(stateful_set) and index < first + partition(stateful_set) else update


def _is_ready(pod: Object) -> bool:
    return state.phase(pod) == "Running" and state.is_ready(pod)


def _is_available(pod: Object, min_ready: int, now: datetime) -> bool:
    return state.phase(pod) == "Running" and state.is_available(pod, min_ready, now)


def _is_unavailable(pod: Object | None, min_ready: int, now: datetime) -> bool:
    return pod is None or meta.is_deleting(pod) or not _is_available(pod, min_ready, now)


def decide(stateful_set: Object, pods: list[Object], current: str, update: str, now: datetime) -> Plan:
    """The next steps; `current` and `update` are names of revisions."""
    plan = Plan()
    wanted = identity.ordinals(stateful_set)
    found = {identity.ordinal(pod): pod for pod in pods if identity.ordinal(pod) >= 0}
    condemned = sorted((i for i in found if i not in wanted), reverse=True)
    if _bring_up(stateful_set, wanted, found, current, update, now, plan):
        return plan
    if _scale_down(stateful_set, wanted, found, condemned, now, plan):
        return plan
    if is_rolling(stateful_set):
        _update(stateful_set, wanted, found, update, now, plan)
    return plan


def _bring_up(
    stateful_set: Object,
    wanted: range,
    found: dict[int, Object],
    current: str,
    update: str,
    now: datetime,
    plan: Plan,
) -> bool:
    """Whether the rest must wait."""
    ordered = is_ordered(stateful_set)
    min_ready = stateful_set["spec"].get("minReadySeconds") or 0
    for index in wanted:
        pod = found.get(index)
        if pod is None:
            plan.create.append((index, revision_for(stateful_set, index, current, update)))
            if ordered:
                return True
            continue
        if state.is_terminal(pod):
            if not meta.is_deleting(pod):
                plan.delete.append(pod)
            if ordered:
                return True
            continue
        if ordered and (meta.is_deleting(pod) or not _is_available(pod, min_ready, now)):
            return True
        if not identity.identity_matches(pod) or not identity.storage_matches(stateful_set, pod):
            plan.repair.append(pod)
    return False


def _scale_down(
    stateful_set: Object, wanted: range, found: dict[int, Object], condemned: list[int], now: datetime, plan: Plan
) -> bool:
    ordered = is_ordered(stateful_set)
    min_ready = stateful_set["spec"].get("minReadySeconds") or 0
    everyone = [*wanted, *reversed(condemned)]
    first_bad = next((i for i in everyone if _is_unavailable(found.get(i), min_ready, now)), None)
    for index in condemned:
        pod = found[index]
        if meta.is_deleting(pod):
            if ordered:
                return True
            continue
        if ordered and not _is_available(pod, min_ready, now) and index != first_bad:
            return True
        plan.delete.append(pod)
        if ordered:
            return True
    return False


def _update(
    stateful_set: Object, wanted: range, found: dict[int, Object], update: str, now: datetime, plan: Plan
) -> None:
    min_ready = stateful_set["spec"].get("minReadySeconds") or 0
    for index in reversed(wanted):
        if index - wanted.start < partition(stateful_set):
            return
        pod = found.get(index)
        if pod is not None and identity.revision_of(pod) != update and not meta.is_deleting(pod):
            plan.delete.append(pod)
            return
        if _is_unavailable(pod, min_ready, now):
            return


def status(stateful_set: Object, pods: list[Object], current: str, update: str, now: datetime) -> Object:
    """Counts and revisions; an update that is through makes its revision the current one."""
    spec = stateful_set["spec"]
    min_ready = spec.get("minReadySeconds") or 0
    alive = [pod for pod in pods if not meta.is_deleting(pod)]
    ready = [pod for pod in pods if _is_ready(pod)]
    old = stateful_set.get("status") or {}
    counts = {
        "replicas": len(pods),
        "readyReplicas": len(ready),
        "availableReplicas": sum(state.is_available(pod, min_ready, now) for pod in ready),
        "currentReplicas": sum(identity.revision_of(pod) == current for pod in alive),
        "updatedReplicas": sum(identity.revision_of(pod) == update for pod in alive),
    }
    wanted = len(identity.ordinals(stateful_set))
    if (
        is_rolling(stateful_set)
        and counts["updatedReplicas"] == counts["replicas"] == counts["readyReplicas"] == wanted
    ):
        counts["currentReplicas"], current = counts["updatedReplicas"], update
    out: Object = {field: old[field] for field in ("conditions",) if old.get(field)}
    out.update({"observedGeneration": meta.generation(stateful_set), "replicas": counts.pop("replicas")})
    out.update({field: count for field, count in counts.items() if count})
    out["availableReplicas"] = counts["availableReplicas"]
    out.update(currentRevision=current, updateRevision=update, collisionCount=old.get("collisionCount") or 0)
    return out
