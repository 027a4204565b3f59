"""Refuses nodes that are cordoned, unless the pod tolerates their taint."""

from collections.abc import Sequence

from pynetes.scheduler.framework import ClusterEvent, Rejection
from pynetes.scheduler.plugins.tainttoleration import tolerated
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Mask, Snapshot

_TAINT = ("node.kubernetes.io/unschedulable", "", "NoSchedule")


class NodeUnschedulable:
    name = "NodeUnschedulable"
    resolved_by = frozenset((ClusterEvent.NODE_ADD, ClusterEvent.NODE_TAINT))

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        rows = nodes.unschedulable[: nodes.count]
        if not rows.any() or tolerated(_TAINT, pod.tolerations):
            return ()
        return (Rejection(rows, "node(s) were unschedulable", resolvable=False),)
