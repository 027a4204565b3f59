"""Refuses nodes whose taints a pod does not tolerate, and prefers nodes with fewer taints it would rather avoid."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pynetes.scheduler.framework import MAX_NODE_SCORE, ClusterEvent, Rejection
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Floats, Ints, Mask, Snapshot, Taint


def tolerated(taint: Taint, tolerations: Iterable[dict[str, Any]]) -> bool:
    """Whether any toleration matches the taint's effect, key and value; what is empty matches all."""
    key, value, effect = taint
    for toleration in tolerations:
        if toleration.get("effect") and toleration["effect"] != effect:
            continue
        if toleration.get("key") and toleration["key"] != key:
            continue
        operator = toleration.get("operator") or "Equal"
        if operator == "Exists" or (operator == "Equal" and toleration.get("value", "") == value):
            return True
        if operator in ("Gt", "Lt") and _compares(operator, value, toleration.get("value", "")):
            return True
    return False


def _compares(operator: str, value: str, bound: str) -> bool:
    try:
        return int(value) > int(bound) if operator == "Gt" else int(value) < int(bound)
    except ValueError:
        return False


class TaintToleration:
    name = "TaintToleration"
    resolved_by = frozenset((ClusterEvent.NODE_ADD, ClusterEvent.NODE_TAINT))

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        refused = untolerated(pod, nodes)
        return () if refused is None else (Rejection(refused, "node(s) had untolerated taint(s)", resolvable=False),)

    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None:
        avoided = [
            mask
            for taint, mask in nodes.taints.items()
            if taint[2] == "PreferNoSchedule" and not tolerated(taint, pod.tolerations)
        ]
        counts = np.zeros(len(candidates), np.float64)
        for mask in avoided:
            counts += mask[candidates]
        worst = counts.max(initial=0) if avoided else 0
        if not worst:
            return None  # all the same
        score: Floats = MAX_NODE_SCORE - np.floor(MAX_NODE_SCORE * counts / worst)
        return score


def untolerated(pod: PodInfo, nodes: Snapshot) -> Mask | None:
    """Nodes with a taint that keeps the pod away; None if no taint does."""
    refused: Mask | None = None
    for taint, mask in nodes.taints.items():
        if taint[2] not in ("NoSchedule", "NoExecute") or tolerated(taint, pod.tolerations):
            continue
        rows = mask[: nodes.count]
        refused = rows.copy() if refused is None else refused | rows
    return refused
