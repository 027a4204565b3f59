"""Refuses all nodes but the one a pod names."""

from collections.abc import Sequence

from pynetes.scheduler.framework import ClusterEvent, Rejection
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Mask, Snapshot


class NodeName:
    name = "NodeName"
    resolved_by = frozenset((ClusterEvent.NODE_ADD,))

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        if not pod.node_name:
            return ()
        others = nodes.mask(True)
        row = nodes.row_of.get(pod.node_name)
        if row is not None:
            others[row] = False
        return (Rejection(others, "node(s) didn't match the requested node name", resolvable=False),)
