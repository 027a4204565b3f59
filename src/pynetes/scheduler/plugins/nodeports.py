"""Refuses nodes on which a host port of the pod is taken."""

from collections import Counter
from collections.abc import Sequence

from pynetes.scheduler.framework import ClusterEvent, Rejection
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Mask, Snapshot

_ANY = "0.0.0.0"


class NodePorts:
    name = "NodePorts"
    resolved_by = frozenset((ClusterEvent.NODE_ADD, ClusterEvent.POD_DELETE))

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        if not pod.ports:
            return ()
        refused = nodes.mask(False)
        for protocol, port, ip in pod.ports:
            for row, addresses in nodes.ports.get((protocol, port), {}).items():
                refused[row] |= _conflicts(ip, addresses)
        if not refused.any():
            return ()
        return (Rejection(refused, "node(s) didn't have free ports for the requested pod ports"),)


def _conflicts(ip: str, taken: Counter[str]) -> bool:
    """The wildcard address conflicts with every address."""
    return ip == _ANY or _ANY in taken or ip in taken
