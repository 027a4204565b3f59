"""Who is evicted first: pods that use more than they asked for, then low priority, then the greediest."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pynetes.kubelet import pod_resources

Pod = dict[str, Any]
Stats = Mapping[str, Any]
Key = tuple[Any, ...]


def _priority(pod: Mapping[str, Any]) -> int:
    return int(pod["spec"].get("priority") or 0)


def _request(pod: Mapping[str, Any], resource: str) -> int:
    found = pod_resources.requests(pod).get(resource)
    return found.value() if found is not None else 0


def _overuse_first(usage: int | None, request: int, priority: int) -> Key:
    """Pods of which nothing is known go first, as upstream has it."""
    if usage is None:
        return (-1, priority, 0)
    return (0 if usage > request else 1, priority, request - usage)


def memory_usage(stats: Stats | None) -> int | None:
    return ((stats or {}).get("memory") or {}).get("workingSetBytes")


def disk_usage(stats: Stats | None, what: str, *, root_fs: bool, local: bool) -> int | None:
    """`what` is usedBytes or inodesUsed; `root_fs` counts writable layers, `local` logs and volumes."""
    if stats is None:
        return None
    total = 0
    for container in stats.get("containers") or ():
        if root_fs:
            total += (container.get("rootfs") or {}).get(what, 0)
        if local:
            total += (container.get("logs") or {}).get(what, 0)
    if local:
        total += sum(volume.get(what, 0) for volume in stats.get("volume") or ())
    return total


def _by_memory(pod: Pod, stats: Stats | None) -> Key:
    return _overuse_first(memory_usage(stats), _request(pod, "memory"), _priority(pod))


def _by_processes(pod: Pod, stats: Stats | None) -> Key:
    count = ((stats or {}).get("process_stats") or {}).get("process_count") or 0
    return (_priority(pod), -count)


def _by_disk(what: str, *, root_fs: bool, local: bool) -> Callable[[Pod, Stats | None], Key]:
    def key(pod: Pod, stats: Stats | None) -> Key:
        usage = disk_usage(stats, what, root_fs=root_fs, local=local)
        request = _request(pod, "ephemeral-storage") if what == "usedBytes" else 0
        return _overuse_first(usage, request, _priority(pod))

    return key


def key_for(signal: str, *, dedicated_image_fs: bool) -> Callable[[Pod, Stats | None], Key]:
    """How pods are compared for a signal."""
    if signal.endswith("emory.available"):
        return _by_memory
    if signal == "pid.available":
        return _by_processes
    what = "inodesUsed" if signal.endswith("inodesFree") else "usedBytes"
    if not dedicated_image_fs:
        return _by_disk(what, root_fs=True, local=True)
    on_images = not signal.startswith("nodefs")
    return _by_disk(what, root_fs=on_images, local=not on_images)


def rank(pods: Sequence[Pod], stats: Mapping[str, Stats], signal: str, *, dedicated_image_fs: bool) -> list[Pod]:
    """The pods, first to go first."""
    key = key_for(signal, dedicated_image_fs=dedicated_image_fs)
    return sorted(pods, key=lambda pod: key(pod, stats.get(pod["metadata"]["uid"])))
