"""Prefers nodes that have the pod's images, the more of them and the larger they are."""

import numpy as np

from pynetes.scheduler.framework import MAX_NODE_SCORE, ClusterEvent
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.snapshot import Floats, Ints, Snapshot

_MB = 1024 * 1024
_LEAST, _MOST_PER_CONTAINER = 23 * _MB, 1000 * _MB


class ImageLocality:
    name = "ImageLocality"
    resolved_by: frozenset[ClusterEvent] = frozenset()

    def score(self, pod: PodInfo, nodes: Snapshot, candidates: Ints) -> Floats | None:
        containers = [*pod.spec.get("initContainers", ()), *pod.spec["containers"]]
        found = [nodes.images.get(_normalized(container.get("image", ""))) for container in containers]
        if not any(found):
            return None  # all the same
        total = np.zeros(nodes.count, np.float64)
        for size, rows in filter(None, found):
            for row in rows:
                # an image on few nodes counts less, so that they are not flooded by all of its pods
                total[row] += size * len(rows) // nodes.count
        most = _MOST_PER_CONTAINER * len(containers)
        clipped = np.clip(total[candidates], _LEAST, most)
        score: Floats = np.floor(MAX_NODE_SCORE * (clipped - _LEAST) / (most - _LEAST))
        return score


def _normalized(image: str) -> str:
    """With the tag that is meant when there is none."""
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"
