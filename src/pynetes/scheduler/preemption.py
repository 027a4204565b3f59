"""DefaultPreemption: which pods of lower priority to evict from which node, so that a pod fits. Pure but for the
snapshot, which it changes and puts back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from msgspec import Struct

from pynetes.apimachinery.selectors import from_label_selector
from pynetes.scheduler.algorithm import NO_VICTIMS, Diagnosis, feasible_nodes
from pynetes.scheduler.framework import Profile
from pynetes.scheduler.nominator import Nominated
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Snapshot

#: What upstream's DynamicResources says before this plugin when a pod has no claims that could be freed.
_CLAIMS = "no new claims to deallocate"
NOT_HELPFUL = "Preemption is not helpful for scheduling"


class Victims(Struct, frozen=True):
    """Evicting `pods` (least important last) makes room on `node`; `violations` of them break a disruption budget."""

    node: str
    pods: Sequence[PodInfo]
    violations: int

    @property
    def cost(self) -> tuple[int, int, int, int, str]:
        """What is compared: budgets broken, highest priority, sum of priorities, number, and the earliest start."""
        priorities = [pod.priority for pod in self.pods]
        top = max(priorities, default=-(2**31))
        total = sum(priority + 2**31 for priority in priorities)
        highest = [pod for pod in self.pods if pod.priority == top]
        earliest = min((started(pod) for pod in highest), default="")
        return self.violations, top, total, len(self.pods), earliest


def started(pod: PodInfo) -> str:
    return str((pod.pod.get("status") or {}).get("startTime") or "9999")


def eligible(pod: PodInfo, snapshot: Snapshot) -> str:
    """Why the pod may not evict others; empty if it may."""
    if pod.spec.get("preemptionPolicy") == "Never":
        return "not eligible due to preemptionPolicy=Never."
    row = snapshot.row_of.get(pod.nominated_node)
    if row is not None and any(o.is_deleting and o.priority < pod.priority for o in snapshot.pods[row].values()):
        return "not eligible due to a terminating pod on the nominated node."
    return ""


def preempt(
    snapshot: Snapshot,
    pod: PodInfo,
    profile: Profile,
    diagnosis: Diagnosis,
    budgets: Iterable[Mapping[str, Any]],
    nominated: Sequence[Nominated] = (),
) -> Victims | None:
    """The cheapest eviction that lets the pod in. Says in `diagnosis.preemption` why there is none."""
    reason = eligible(pod, snapshot)
    if reason:
        diagnosis.preemption = f"{_CLAIMS}, preemption: {reason}"
        return None
    resolvable = diagnosis.resolvable if diagnosis.resolvable is not None else snapshot.mask(False)
    disruptions = [_Budget.of(budget) for budget in budgets]
    found = []
    for row in np.flatnonzero(resolvable):
        victims = _victims_on(snapshot, pod, profile, int(row), disruptions, nominated)
        if victims is not None:
            found.append(victims)
    if not found:
        diagnosis.preemption = _no_victims(snapshot.count, int(np.count_nonzero(resolvable)))
        return None
    best = min(victims.cost[:4] for victims in found)
    # among equals, the node whose most important victim has run for the shortest time
    return max((v for v in found if v.cost[:4] == best), key=lambda v: v.cost[4])


def _no_victims(nodes: int, tried: int) -> str:
    counts = {NO_VICTIMS: tried, NOT_HELPFUL: nodes - tried}
    text = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items() if count))
    return f"{_CLAIMS}, preemption: 0/{nodes} nodes are available: {text}."


class _Budget(Struct):
    namespace: str
    selector: Any
    allowed: int

    @classmethod
    def of(cls, budget: Mapping[str, Any]) -> "_Budget":
        return cls(
            budget["metadata"].get("namespace", ""),
            from_label_selector((budget.get("spec") or {}).get("selector")),
            (budget.get("status") or {}).get("disruptionsAllowed") or 0,
        )


def _victims_on(
    snapshot: Snapshot,
    pod: PodInfo,
    profile: Profile,
    row: int,
    budgets: Sequence[_Budget],
    nominated: Sequence[Nominated],
) -> Victims | None:
    """The fewest, least important pods of a node that must go."""
    lower = [other for other in snapshot.pods[row].values() if other.priority < pod.priority]
    if not lower:
        return None
    here = snapshot.mask(False)
    here[row] = True
    with _without(snapshot, lower) as gone:
        if not _fits(snapshot, pod, profile, here, nominated):
            return None
        violating, others = _split_by_budget(sorted(lower, key=_importance), budgets)
        victims = []
        for candidate in (*violating, *others):  # as many as possible stay, those with a budget and the important first
            gone.restore(candidate)
            if not _fits(snapshot, pod, profile, here, nominated):
                gone.remove(candidate)
                victims.append(candidate)
        broken = sum(1 for victim in victims if victim in violating)
    return Victims(snapshot.names[row], sorted(victims, key=_importance), broken)


def _importance(pod: PodInfo) -> tuple[int, str]:
    return (-pod.priority, started(pod))


def _fits(snapshot: Snapshot, pod: PodInfo, profile: Profile, here: Any, nominated: Sequence[Nominated]) -> bool:
    return bool(feasible_nodes(snapshot, pod, profile, here, nominated)[0].any())


def _split_by_budget(pods: Sequence[PodInfo], budgets: Sequence[_Budget]) -> tuple[list[PodInfo], list[PodInfo]]:
    """Pods whose eviction would break a budget, and the others; each eviction uses up allowance."""
    left = [budget.allowed for budget in budgets]
    violating: list[PodInfo] = []
    others: list[PodInfo] = []
    for pod in pods:
        broken = False
        for index, budget in enumerate(budgets):
            if budget.namespace == pod.namespace and pod.labels and budget.selector.matches(pod.labels):
                left[index] -= 1
                broken |= left[index] < 0
        (violating if broken else others).append(pod)
    return violating, others


class _Gone(Struct):
    snapshot: Snapshot
    row: int
    pods: dict[str, PodInfo]

    def restore(self, pod: PodInfo) -> None:
        del self.pods[pod.uid]
        self.snapshot.add_pod(pod, self.row)

    def remove(self, pod: PodInfo) -> None:
        self.snapshot.remove_pod(pod)
        self.pods[pod.uid] = pod


@contextmanager
def _without(snapshot: Snapshot, pods: Sequence[PodInfo]) -> Iterator[_Gone]:
    """The snapshot as if these pods of one node were gone; whole again afterwards."""
    gone = _Gone(snapshot, pods[0].row, {})
    for pod in pods:
        gone.remove(pod)
    try:
        yield gone
    finally:
        for pod in list(gone.pods.values()):
            gone.restore(pod)
