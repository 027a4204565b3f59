"""Refuses nodes that do not declare a feature which the pod needs."""

from collections.abc import Sequence

from pynetes.apis.core import node_features
from pynetes.scheduler.framework import ClusterEvent, Rejection
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Mask, Snapshot


class NodeDeclaredFeatures:
    name = "NodeDeclaredFeatures"
    resolved_by = frozenset((ClusterEvent.NODE_ADD, ClusterEvent.NODE_DECLARED_FEATURE))

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        needed = node_features.needed_to_run(pod.spec)
        if not needed:
            return ()
        # Few pods need any, so nodes have no column of features.
        rows = nodes.mask(False)
        for row in candidates.nonzero()[0]:
            rows[row] = not needed <= node_features.declared(nodes.nodes[row])
        return (Rejection(rows, "node(s) didn't match Pod's required features", resolvable=False),)
