"""Pods that took more ephemeral storage than they or their volumes may: evicted whatever the node has left."""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery import quantity
from pynetes.kubelet import pod_resources

Stats = Mapping[str, Any]


def violation(pod: Mapping[str, Any], stats: Stats, *, dedicated_image_fs: bool) -> str | None:
    """The message to evict with, None if the pod keeps within its limits."""
    return _empty_dirs(pod, stats) or _pod(pod, stats) or _containers(pod, stats, dedicated_image_fs)


def _empty_dirs(pod: Mapping[str, Any], stats: Stats) -> str | None:
    used = {volume["name"]: volume.get("usedBytes", 0) for volume in stats.get("volume") or ()}
    for volume in pod["spec"].get("volumes") or ():
        limit = (volume.get("emptyDir") or {}).get("sizeLimit")
        if limit and 0 < quantity.parse(limit).value() < used.get(volume["name"], 0):
            return f'Usage of EmptyDir volume "{volume["name"]}" exceeds the limit "{quantity.parse(limit)}". '
    return None


def _pod(pod: Mapping[str, Any], stats: Stats) -> str | None:
    limit = pod_resources.limits(pod).get("ephemeral-storage")
    used = (stats.get("ephemeral-storage") or {}).get("usedBytes", 0)
    # Upstream sums up only what has a limit; a container without one leaves the pod bounded by the others.
    if limit is not None and used > limit.value():
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {limit}. "
    return None


def _containers(pod: Mapping[str, Any], stats: Stats, dedicated_image_fs: bool) -> str | None:
    limits = {c["name"]: pod_resources.container(c, "limits").get("ephemeral-storage") for c in _specs(pod)}
    for container in stats.get("containers") or ():
        limit = limits.get(container["name"])
        used = (container.get("logs") or {}).get("usedBytes", 0)
        if not dedicated_image_fs:
            used += (container.get("rootfs") or {}).get("usedBytes", 0)
        if limit is not None and 0 < limit.value() < used:
            return f'Container {container["name"]} exceeded its local ephemeral storage limit "{limit}". '
    return None


def _specs(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return pod["spec"].get("containers") or []
