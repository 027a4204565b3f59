"""Refuses nodes without room; prefers nodes with most of it free, and with CPU and memory used in balance."""

from collections.abc import Sequence

import numpy as np

from pynetes.scheduler.framework import MAX_NODE_SCORE, ClusterEvent, Rejection
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.resources import CPU, MEMORY, PODS
from pynetes.scheduler.snapshot import Floats, Ints, Mask, Snapshot

_CPU_AND_MEMORY = [0, 1]


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
        allocatable = nodes.allocatable[candidates][:, _CPU_AND_MEMORY]
        wanted = nodes.nonzero[candidates] + np.array([pod.nonzero_cpu, pod.nonzero_memory], np.int64)
        known = allocatable > 0
        free = np.where(known & (wanted <= allocatable), allocatable - wanted, 0)
        each = np.floor(free * MAX_NODE_SCORE / np.where(known, allocatable, 1))
        score: Floats = each.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return score


class NodeResourcesBalancedAllocation:
    """Prefers nodes that the pod makes more balanced: 75 is no change, 100 the best, 50 the worst."""

    name = "NodeResourcesBalancedAllocation"
    resolved_by: frozenset[ClusterEvent] = frozenset()

    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None:
        wanted = np.array([pod.requests.get(CPU, 0), pod.requests.get(MEMORY, 0)], np.int64)
        if not wanted.any():
            return None  # a pod that requests nothing changes no balance
        allocatable = nodes.allocatable[candidates][:, _CPU_AND_MEMORY]
        requested = nodes.requested[candidates][:, _CPU_AND_MEMORY]
        with_pod = _balance(requested + wanted, allocatable)
        without = _balance(requested, allocatable)
        half = MAX_NODE_SCORE // 2
        score: Floats = half + np.trunc((half + with_pod - without) / 2)
        return score


def _balance(requested: Ints, allocatable: Ints) -> Floats:
    """100 where CPU and memory are used to the same share, less the further the shares are apart."""
    shares = np.minimum(requested / np.maximum(allocatable, 1), 1.0)
    known = (allocatable > 0).all(axis=1)
    deviation = np.where(known, np.abs(shares[:, 0] - shares[:, 1]) / 2, 0.0)
    balance: Floats = np.trunc((1 - deviation) * MAX_NODE_SCORE)
    return balance
