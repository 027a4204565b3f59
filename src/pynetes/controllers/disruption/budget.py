"""A budget's status out of the pods that it selects."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta, times
from pynetes.controllers.podcontrol import state
from pynetes.controllers.podcontrol.intstr import scaled

Object = dict[str, Any]

#: A pod whose eviction was granted counts as gone for this long; then something went wrong.
DELETION_TIMEOUT = timedelta(minutes=2)
CONDITION = "DisruptionAllowed"


class Wanted(Struct, frozen=True):
    """`expected` pods should be there, `healthy` of them at least must be."""

    expected: int
    healthy: int


def needs_scale(budget: Object) -> bool:
    """Whether the pods' controllers must be asked: not if a plain number of pods is to be there."""
    spec = budget.get("spec") or {}
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def wanted(budget: Object, pods: int, scale: int) -> Wanted:
    """`pods` are selected, their controllers together want `scale`. ValueError for what is no number or percentage."""
    spec = budget.get("spec") or {}
    if spec.get("maxUnavailable") is not None:
        return Wanted(scale, max(scale - scaled(spec["maxUnavailable"], scale, up=True), 0))
    minimum = spec.get("minAvailable")
    if isinstance(minimum, int):
        return Wanted(pods, minimum)
    if minimum is None:
        return Wanted(0, 0)
    return Wanted(scale, scaled(minimum, scale, up=True))


class Disrupted(Struct):
    """Pods whose eviction was granted and has not come yet; `overdue` ones will not go; look again `after` seconds."""

    pods: dict[str, str] = field(default_factory=dict)
    overdue: list[Object] = field(default_factory=list)
    after: float | None = None


def disrupted(budget: Object, pods: Iterable[Object], now: datetime) -> Disrupted:
    granted: Mapping[str, str] = (budget.get("status") or {}).get("disruptedPods") or {}
    found = Disrupted()
    for pod in pods:
        since = granted.get(meta.name(pod))
        if since is None or meta.is_deleting(pod):
            continue
        left = (times.parse_time(since) + DELETION_TIMEOUT - now).total_seconds()
        if left < 0:
            found.overdue.append(pod)
            continue
        found.pods[meta.name(pod)] = since
        found.after = left if found.after is None else min(left, found.after)
    return found


def status(budget: Object, wanted: Wanted, pods: Iterable[Object], disrupted: Disrupted) -> Object:
    healthy = sum(
        1 for pod in pods if not meta.is_deleting(pod) and meta.name(pod) not in disrupted.pods and state.is_ready(pod)
    )
    allowed = max(healthy - wanted.healthy, 0) if wanted.expected > 0 else 0
    generation = meta.generation(budget)
    out: Object = {
        "currentHealthy": healthy,
        "desiredHealthy": wanted.healthy,
        "expectedPods": wanted.expected,
        "disruptionsAllowed": allowed,
        "observedGeneration": generation,
        "conditions": meta.copy((budget.get("status") or {}).get("conditions") or []),
    }
    if disrupted.pods:
        out["disruptedPods"] = disrupted.pods
    reason = "SufficientPods" if allowed else "InsufficientPods"
    _set_condition(out, "True" if allowed else "False", reason, "", generation)
    return out


def failed(budget: Object, why: str) -> Object:
    """The status when nothing is known: no disruption is allowed."""
    out: Object = meta.copy(budget.get("status") or {}) | {"disruptionsAllowed": 0}
    out.setdefault("conditions", [])
    for required in ("currentHealthy", "desiredHealthy", "expectedPods"):
        out.setdefault(required, 0)
    _set_condition(out, "False", "SyncFailed", why, out.get("observedGeneration", 0))
    return out


def _set_condition(status: Object, value: str, reason: str, message: str, generation: int) -> None:
    condition = {"type": CONDITION, "status": value, "reason": reason, "message": message}
    meta.set_condition(status["conditions"], {**condition, "observedGeneration": generation})
