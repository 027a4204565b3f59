"""Spreads the pods of a workload over the values of a topology key."""

import math
from collections.abc import Sequence

import numpy as np

from pynetes.scheduler.framework import MAX_NODE_SCORE, ClusterEvent, Rejection
from pynetes.scheduler.plugins import nodeaffinity, tainttoleration
from pynetes.scheduler.podgroups import together
from pynetes.scheduler.podinfo import PodInfo, SpreadConstraint
from pynetes.scheduler.snapshot import ABSENT, Floats, Ints, LabelColumn, Mask, Snapshot

_HOSTNAME = "kubernetes.io/hostname"

#: What holds for pods of controllers that say nothing themselves: upstream's `System` default constraints.
SYSTEM_DEFAULT = (
    SpreadConstraint(_HOSTNAME, max_skew=3, min_domains=1, hard=False, selector=None),
    SpreadConstraint("topology.kubernetes.io/zone", max_skew=5, min_domains=1, hard=False, selector=None),
)


class PodTopologySpread:
    name = "PodTopologySpread"
    resolved_by = frozenset(
        (
            ClusterEvent.NODE_ADD,
            ClusterEvent.NODE_LABEL,
            ClusterEvent.NODE_TAINT,
            ClusterEvent.POD_ADD,
            ClusterEvent.POD_UPDATE,
            ClusterEvent.POD_DELETE,
        )
    )

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        hard = [constraint for constraint in pod.spread if constraint.hard]
        if not hard:
            return ()
        unlabelled, skewed = nodes.mask(False), nodes.mask(False)
        complete = _with_all_keys(nodes, hard)
        for constraint in hard:
            column = nodes.labels.get(constraint.topology_key)
            if column is None:
                unlabelled |= True
                continue
            codes = column.codes[: nodes.count]
            unlabelled |= codes == ABSENT
            allowed = _eligible(pod, nodes, constraint)
            eligible = complete if allowed is None else complete & allowed
            counts, present = _counts(pod, nodes, constraint, column, eligible), _present(nodes, column, eligible)
            domains = int(present.sum())
            least = counts[present].min(initial=np.iinfo(np.int64).max) if domains >= constraint.min_domains else 0
            itself = 1 if _selects(constraint, pod, pod) else 0
            skewed |= (codes != ABSENT) & present[codes] & (counts[codes] + itself - least > constraint.max_skew)
        text = "node(s) didn't match pod topology spread constraints"
        return (
            Rejection(unlabelled, f"{text} (missing required label)", resolvable=False),
            Rejection(skewed & ~unlabelled, text),
        )

    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None:
        defaulted = not pod.spread and bool(pod.controller)
        soft = list(SYSTEM_DEFAULT) if defaulted else [c for c in pod.spread if not c.hard]
        if not soft:
            return None
        ignored = np.zeros(len(candidates), np.bool_)
        cost = np.zeros(len(candidates), np.float64)
        for constraint in soft:
            column = nodes.labels.get(constraint.topology_key)
            if column is None:
                ignored |= not defaulted
                continue
            codes = nodes.at(column.codes, candidates)
            if not defaulted:
                ignored |= codes == ABSENT
            eligible = _eligible(pod, nodes, constraint)
            counts = _counts(pod, nodes, constraint, column, eligible)
            by_host = constraint.topology_key == _HOSTNAME
            domains = len(candidates) if by_host else int(_present(nodes, column, eligible).sum())
            # the more domains there are, the more one pod too many in one of them counts
            costs = counts * math.log(domains + 2) + (constraint.max_skew - 1)
            costs[ABSENT] = 0.0
            cost += costs[codes]
        return _normalized(np.round(cost), ignored)


def _normalized(cost: Floats, ignored: Mask) -> Floats:
    """100 for the least cost; nodes without the keys get nothing."""
    counted = cost[~ignored] if ignored.any() else cost
    if not len(counted):
        return np.zeros(len(cost), np.float64)
    least, most = counted.min(), counted.max()
    if not most:
        return np.where(ignored, 0.0, float(MAX_NODE_SCORE))
    score: Floats = np.where(ignored, 0.0, np.floor(MAX_NODE_SCORE * (most + least - cost) / most))
    return score


def _with_all_keys(nodes: Snapshot, constraints: Sequence[SpreadConstraint]) -> Mask:
    """Only nodes that have the keys of all constraints are counted for any."""
    complete = nodes.mask(True)
    for constraint in constraints:
        complete &= nodes.has_label(constraint.topology_key)
    return complete


def _eligible(pod: PodInfo, nodes: Snapshot, constraint: SpreadConstraint) -> Mask | None:
    """Nodes whose pods count: those the pod could run on, as far as the constraint honours that. None: all."""
    eligible = nodeaffinity.required(pod, nodes) if constraint.honor_affinity else None
    if constraint.honor_taints and (refused := tainttoleration.untolerated(pod, nodes)) is not None:
        eligible = ~refused if eligible is None else eligible & ~refused
    return eligible


def _selects(constraint: SpreadConstraint, owner: PodInfo, other: PodInfo) -> bool:
    if constraint.selector is None:
        return bool(owner.controller) and other.controller == owner.controller
    return constraint.selector.matches(other.labels)


def _present(nodes: Snapshot, column: LabelColumn, eligible: Mask | None) -> Mask:
    """Which codes of the key occur on eligible nodes; the last entry is `ABSENT`'s."""
    codes = column.codes[: nodes.count]
    present = np.zeros(len(column.values) + 1, np.bool_)
    present[codes if eligible is None else codes[eligible]] = True
    present[ABSENT] = False
    return present


def _counts(
    pod: PodInfo, nodes: Snapshot, constraint: SpreadConstraint, column: LabelColumn, eligible: Mask | None
) -> Ints:
    """Matching pods on eligible nodes per code of the key; the last entry is `ABSENT`'s."""
    groups = nodes.groups.get(pod.namespace, {}).values()
    rows, numbers = together(g for g in groups if not g.pod.is_deleting and _selects(constraint, pod, g.pod))
    if eligible is not None:
        chosen = eligible[rows]
        rows, numbers = rows[chosen], numbers[chosen]
    counts = np.zeros(len(column.values) + 1, np.int64)
    np.add.at(counts, column.codes[rows], numbers)
    counts[ABSENT] = 0
    return counts
