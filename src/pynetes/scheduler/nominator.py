"""Pods for which room was made on a node: until they run there, pods of no higher priority find it taken."""

from collections.abc import Sequence

from msgspec import Struct

from pynetes.scheduler.podinfo import PodInfo


class Nominated(Struct, frozen=True):
    pod: PodInfo
    node: str


class Nominator:
    """Knows a nomination from the decision on, before the pod's status tells of it."""

    def __init__(self) -> None:
        self._by_uid: dict[str, Nominated] = {}

    def put(self, pod: PodInfo, node: str) -> None:
        """Also forgets it, if `node` is empty."""
        if node:
            self._by_uid[pod.uid] = Nominated(pod, node)
        else:
            self._by_uid.pop(pod.uid, None)

    def update(self, old: PodInfo, new: PodInfo) -> None:
        """A new version of a waiting pod. Where neither names a node, the status may just not be written yet."""
        known = self._by_uid.get(new.uid)
        if old.nominated_node or new.nominated_node:
            self.put(new, new.nominated_node)
        elif known is not None:
            self.put(new, known.node)

    def remove(self, uid: str) -> bool:
        """Whether it was known."""
        return self._by_uid.pop(uid, None) is not None

    def ahead_of(self, pod: PodInfo) -> Sequence[Nominated]:
        """Those whose room the pod must leave alone."""
        others = self._by_uid.values()
        return [n for n in others if n.pod.priority >= pod.priority and n.pod.uid != pod.uid]

    def outdone(self, pod: PodInfo, node: str) -> Sequence[Nominated]:
        """Those on the node whose room a pod of higher priority takes."""
        return [n for n in self._by_uid.values() if n.node == node and n.pod.priority < pod.priority]
