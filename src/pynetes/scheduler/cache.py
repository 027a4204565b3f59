"""Keeps the snapshot true: nodes and pods as events bring them, and pods assumed to run where a decision put them.

An assumed pod holds its room from the decision on, long before the API server's answer and the informer's event; the
event confirms it, a failed binding forgets it.
"""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.scheduler.framework import ClusterEvent
from pynetes.scheduler.podinfo import PodInfo, pod_info
from pynetes.scheduler.snapshot import Snapshot

Object = dict[str, Any]


def is_finished(pod: Object) -> bool:
    """A finished pod holds nothing."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


class Cache:
    """The only writer of its `snapshot`."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self._pods: dict[str, PodInfo] = {}
        self._node_of: dict[str, str] = {}
        self._assumed: set[str] = set()

    # -- nodes

    def put_node(self, node: Object) -> set[ClusterEvent]:
        """Adds or updates; returns what changed for waiting pods."""
        name = meta.name(node)
        row = self.snapshot.row_of.get(name)
        old = self.snapshot.nodes[row] if row is not None else None
        row = self.snapshot.put_node(node)
        if old is not None:
            return node_changes(old, node)
        for uid, node_name in self._node_of.items():
            if node_name == name:  # pods may be seen before their node
                self.snapshot.add_pod(self._pods[uid], row)
        return {ClusterEvent.NODE_ADD}

    def remove_node(self, name: str) -> None:
        row = self.snapshot.row_of.get(name)
        if row is None:
            return
        for pod in list(self.snapshot.pods[row].values()):
            self.snapshot.remove_pod(pod)
        self.snapshot.remove_node(name)

    # -- pods

    def put_pod(self, pod: Object) -> None:
        """A pod on a node, as the API server has it; replaces what was assumed."""
        info = pod_info(pod)
        self._assumed.discard(info.uid)
        self._detach(info.uid)
        self._attach(info, info.node_name)

    def remove_pod(self, uid: str) -> None:
        self._assumed.discard(uid)
        self._detach(uid)

    def assume(self, pod: PodInfo, node_name: str) -> None:
        self._attach(pod, node_name)
        self._assumed.add(pod.uid)

    def forget(self, pod: PodInfo) -> None:
        """The binding failed. A pod that the API server has confirmed meanwhile stays."""
        if pod.uid in self._assumed:
            self.remove_pod(pod.uid)

    def is_assumed(self, uid: str) -> bool:
        return uid in self._assumed

    def sizes(self) -> dict[str, int]:
        """As upstream's metric `scheduler_cache_size` names them."""
        return {"nodes": self.snapshot.count, "pods": len(self._pods), "assumed_pods": len(self._assumed)}

    def __contains__(self, uid: str) -> bool:
        return uid in self._pods

    def _attach(self, pod: PodInfo, node_name: str) -> None:
        self._pods[pod.uid] = pod
        self._node_of[pod.uid] = node_name
        row = self.snapshot.row_of.get(node_name)
        if row is not None:
            self.snapshot.add_pod(pod, row)

    def _detach(self, uid: str) -> None:
        pod = self._pods.pop(uid, None)
        self._node_of.pop(uid, None)
        if pod is not None and pod.row >= 0:
            self.snapshot.remove_pod(pod)


def node_changes(old: Object, new: Object) -> set[ClusterEvent]:
    """Which changes of a node could let a waiting pod in. Pure."""
    changes = set()
    if _at(old, "status", "allocatable") != _at(new, "status", "allocatable"):
        changes.add(ClusterEvent.NODE_ALLOCATABLE)
    if meta.labels(old) != meta.labels(new):
        changes.add(ClusterEvent.NODE_LABEL)
    spec_fields = ("taints", "unschedulable")
    if any(_at(old, "spec", field) != _at(new, "spec", field) for field in spec_fields):
        changes.add(ClusterEvent.NODE_TAINT)
    if _at(old, "status", "declaredFeatures") != _at(new, "status", "declaredFeatures"):
        changes.add(ClusterEvent.NODE_DECLARED_FEATURE)
    return changes


def _at(obj: Object, *path: str) -> Any:
    value: Any = obj
    for name in path:
        value = (value or {}).get(name)
    return value
