"""Refuses nodes without room; prefers nodes with most of it free, and with CPU and memory used in balance."""

from collections.abc import Sequence

import numpy as np

from pynetes.scheduler.framework import MAX_NODE_SCORE, ClusterEvent, Rejection
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.resources import CPU, MEMORY, PODS
from pynetes.scheduler.snapshot import Floats, Ints, Mask, Snapshot

_CPU, _MEMORY = 0, 1  # their columns


class NodeResourcesFit:
    """Filter, and the score `LeastAllocated`."""

    name = "NodeResourcesFit"
    resolved_by = frozenset((ClusterEvent.NODE_ADD, ClusterEvent.NODE_ALLOCATABLE, ClusterEvent.POD_DELETE))

    def filter(self, pod: PodInfo, nodes: Snapshot, candidates: Mask) -> Sequence[Rejection]:
        count = nodes.count
        pods = nodes.resource_of[PODS]
        rejections = []
        full = nodes.requested[:count, pods] + 1 > nodes.allocatable[:count, pods]
        if full.any():
            rejections.append(Rejection(full, "Too many pods"))
        for name, wanted in pod.requests.items():
            if not wanted:
                continue
            column = nodes.resource(name)
            allocatable = nodes.allocatable[:count, column]
            short = wanted > allocatable - nodes.requested[:count, column]
            if short.any():
                # where the pod asks for more than there is at all, evicting others does not help
                hopeless = wanted > allocatable
                rejections.append(Rejection(short & hopeless, f"Insufficient {name}", resolvable=False))
                rejections.append(Rejection(short & ~hopeless, f"Insufficient {name}"))
        return rejections

    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None:
        known = np.zeros(len(candidates), np.int8)
        total = np.zeros(len(candidates), np.float64)
        for column, wanted in ((_CPU, pod.nonzero_cpu), (_MEMORY, pod.nonzero_memory)):
            allocatable = nodes.at(nodes.allocatable[:, column], candidates)
            free = allocatable - nodes.at(nodes.nonzero[:, column], candidates)
            free -= wanted
            np.maximum(free, 0, out=free)
            free *= MAX_NODE_SCORE
            total += np.floor(free / np.maximum(allocatable, 1))
            known += allocatable > 0
        score: Floats = total / np.maximum(known, 1)
        return score


class NodeResourcesBalancedAllocation:
    """Prefers nodes that the pod makes more balanced: 75 is no change, 100 the best, 50 the worst."""

    name = "NodeResourcesBalancedAllocation"
    resolved_by: frozenset[ClusterEvent] = frozenset()

    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None:
        cpu, memory = pod.requests.get(CPU, 0), pod.requests.get(MEMORY, 0)
        if not cpu and not memory:
            return None  # a pod that requests nothing changes no balance
        used, room = nodes.requested, nodes.allocatable
        cpu_used, memory_used = nodes.at(used[:, _CPU], candidates), nodes.at(used[:, _MEMORY], candidates)
        cpu_room, memory_room = nodes.at(room[:, _CPU], candidates), nodes.at(room[:, _MEMORY], candidates)
        known = (cpu_room > 0) & (memory_room > 0)
        with_pod = _balance(_share(cpu_used + cpu, cpu_room), _share(memory_used + memory, memory_room), known)
        without = _balance(_share(cpu_used, cpu_room), _share(memory_used, memory_room), known)
        half = MAX_NODE_SCORE // 2
        score: Floats = half + np.trunc((half + with_pod - without) / 2)
        return score


def _share(requested: Ints, allocatable: Ints) -> Floats:
    """1 at most."""
    share: Floats = requested / np.maximum(allocatable, 1)
    return np.minimum(share, 1.0, out=share)


def _balance(cpu: Floats, memory: Floats, known: Mask) -> Floats:
    """100 where CPU and memory are used to the same share, less the further the shares are apart."""
    deviation = np.abs(cpu - memory)
    deviation *= known
    balance: Floats = np.trunc((1 - deviation / 2) * MAX_NODE_SCORE)
    return balance
