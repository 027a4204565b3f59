"""How much is left of what eviction watches, read out of a stats summary."""

from collections.abc import Mapping
from typing import Any

from pynetes.kubelet.eviction.thresholds import Observation

Stats = Mapping[str, Any]


def observe(summary: Stats) -> dict[str, Observation]:
    """Signals that the summary lacks are left out."""
    node = summary["node"]
    found: dict[str, Observation | None] = {
        "memory.available": _memory(node.get("memory")),
        "allocatableMemory.available": _memory(_pods_container(node)),
        "pid.available": _pids(node.get("rlimit")),
    }
    image_fs = (node.get("runtime") or {}).get("imageFs")
    for name, disk in (("nodefs", node.get("fs")), ("imagefs", image_fs)):
        found[f"{name}.available"] = _pair(disk, "availableBytes", "capacityBytes")
        found[f"{name}.inodesFree"] = _pair(disk, "inodesFree", "inodes")
    return {signal: observation for signal, observation in found.items() if observation is not None}


def _memory(memory: Stats | None) -> Observation | None:
    if memory is None or "availableBytes" not in memory or "workingSetBytes" not in memory:
        return None
    return Observation(memory["availableBytes"], memory["availableBytes"] + memory["workingSetBytes"])


def _pods_container(node: Stats) -> Stats | None:
    found = next((c for c in node.get("systemContainers") or () if c["name"] == "pods"), None)
    return found.get("memory") if found else None


def _pids(limits: Stats | None) -> Observation | None:
    if not limits or "maxpid" not in limits or "curproc" not in limits:
        return None
    return Observation(limits["maxpid"] - limits["curproc"], limits["maxpid"])


def _pair(disk: Stats | None, available: str, capacity: str) -> Observation | None:
    # A file system without inodes (btrfs) says 0 of 0: nothing to run out of.
    if not disk or available not in disk or not disk.get(capacity):
        return None
    return Observation(disk[available], disk[capacity])


def by_uid(summary: Stats) -> dict[str, Stats]:
    """Pod statistics by uid."""
    return {pod["podRef"]["uid"]: pod for pod in summary["pods"]}
