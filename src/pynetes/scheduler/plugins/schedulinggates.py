"""Keeps a pod out of the queue while it has scheduling gates."""

from pynetes.scheduler.framework import ClusterEvent
from pynetes.scheduler.podinfo import PodInfo


class SchedulingGates:
    name = "SchedulingGates"
    resolved_by: frozenset[ClusterEvent] = frozenset()  # only the pod's own update lifts a gate

    def gate(self, pod: PodInfo) -> str:
        return f"waiting for scheduling gates: [{' '.join(pod.gates)}]" if pod.gates else ""
