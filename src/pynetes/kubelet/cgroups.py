"""Cgroups of pods: one a pod, below its QoS class's, on cgroup v1 and v2.

    <root>/kubepods/pod<uid>                 Guaranteed
    <root>/kubepods/burstable/pod<uid>       Burstable
    <root>/kubepods/besteffort/pod<uid>      BestEffort

Cgroups are not namespaced, so nodes that share a kernel need a `root` each. The runtime makes the containers' cgroups
below a pod's; nobody but the kubelet limits, empties and removes the pod's own.
"""

import logging
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from pynetes.component import clock
from pynetes.kubelet import cgroup_files, pod_resources
from pynetes.kubelet.cgroup_files import CgroupFiles, Limits
from pynetes.kubelet.pod_resources import QOSClass

log = logging.getLogger(__name__)

_CLASSES: dict[QOSClass, tuple[str, ...]] = {
    "Guaranteed": (),
    "Burstable": ("burstable",),
    "BestEffort": ("besteffort",),
}
_POD = re.compile(r"pod([0-9a-zA-Z][0-9a-zA-Z_.-]*)")
_REMOVE_ATTEMPTS, _REMOVE_PAUSE = 50, 0.02


def pod_limits(pod: Mapping[str, Any], *, pids_limit: int = -1, cpu_cfs_quota: bool = True) -> Limits:
    """What the pod's cgroup is set to, as upstream's ResourceConfigForPod decides."""
    asked, allowed = pod_resources.requests(pod), pod_resources.limits(pod)
    qos = pod_resources.qos_class(pod)
    pids = pids_limit if pids_limit > 0 else None
    hugepages = {_page_size(name): value.value() for name, value in allowed.items() if name.startswith("hugepages-")}
    if qos == "BestEffort":
        return Limits(cpu_shares=cgroup_files.MIN_SHARES, pids=pids, hugepages=hugepages)
    cpu, memory = allowed.get("cpu"), allowed.get("memory")
    bounded_cpu = qos == "Guaranteed" or pod_resources.limited(pod, "cpu")
    bounded_memory = qos == "Guaranteed" or pod_resources.limited(pod, "memory")
    return Limits(
        cpu_shares=cgroup_files.shares(asked["cpu"].milli_value() if "cpu" in asked else 0),
        cpu_quota=(cgroup_files.quota(cpu.milli_value()) if cpu_cfs_quota else -1) if bounded_cpu and cpu else -1,
        memory=memory.value() if bounded_memory and memory else -1,
        pids=pids,
        hugepages=hugepages,
    )


def _page_size(resource: str) -> str:
    """`hugepages-2Mi` → `2MB`, as the kernel names it."""
    return resource.removeprefix("hugepages-").removesuffix("i") + "B"


class PodCgroups:
    """`root` is the node's prefix (`/` or `/node-1`), `driver` is `cgroupfs` or `systemd`."""

    def __init__(
        self,
        root: str,
        driver: str = "cgroupfs",
        *,
        pids_limit: int = -1,
        cpu_cfs_quota: bool = True,
        files: CgroupFiles | None = None,
    ) -> None:
        self.root = root
        self._driver = driver
        self._base = (*(part for part in root.split("/") if part), "kubepods")
        self._pids_limit, self._cpu_cfs_quota = pids_limit, cpu_cfs_quota
        self._files = files or cgroup_files.detect()
        self._applied: dict[str, tuple[tuple[str, ...], Limits]] = {}
        self._burstable: dict[str, int] = {}

    @property
    def version(self) -> int:
        return self._files.version

    @property
    def base(self) -> str:
        """The cgroup of all pods, below the cgroup file system."""
        return self._path(self._base)

    def setup(self, *, milli_cpu: int = 0, memory: int = 0) -> None:
        """Makes the node's cgroup and those of the QoS classes. Call once, before the first pod. `milli_cpu` and
        `memory` (bytes) are what pods may use in all (the node's allocatable); 0 sets no bound."""
        self._make(
            self._base,
            Limits(cpu_shares=cgroup_files.shares(milli_cpu) if milli_cpu else None, memory=memory if memory else None),
        )
        self._make((*self._base, "besteffort"), Limits(cpu_shares=cgroup_files.MIN_SHARES))
        self._make((*self._base, "burstable"), Limits(cpu_shares=cgroup_files.MIN_SHARES))

    def parent(self, pod: Mapping[str, Any]) -> str:
        """What `ensure` returns, without touching anything."""
        return self._name(self._parts(pod))

    def path(self, pod: Mapping[str, Any]) -> str:
        """Where the pod's cgroup lies below the cgroup file system."""
        return self._path(self._parts(pod))

    def children(self, path: str) -> set[str]:
        """Names of the cgroups right below a path: a pod's containers."""
        return self._files.children(path)

    def ensure(self, pod: Mapping[str, Any]) -> str:
        """Makes or updates the pod's cgroup; returns what CRI's `cgroup_parent` takes."""
        uid, parts = pod["metadata"]["uid"], self._parts(pod)
        limits = pod_limits(pod, pids_limit=self._pids_limit, cpu_cfs_quota=self._cpu_cfs_quota)
        if self._applied.get(uid) != (parts, limits) or not self._files.exists(self._path(parts)):
            self._make(parts, limits)
            self._applied[uid] = (parts, limits)
        if pod_resources.qos_class(pod) == "Burstable":
            self._share_burstable(uid, limits.cpu_shares or 0)
        return self._name(parts)

    async def remove(self, uid: str) -> None:
        """Kills what still runs in the pod's cgroup and removes it; no error if it is gone. Raises OSError if
        processes outlive SIGKILL for a second."""
        self._applied.pop(uid, None)
        self._share_burstable(uid, 0)
        for classes in _CLASSES.values():
            await self._remove((*self._base, *classes, f"pod{uid}"))

    async def _remove(self, parts: tuple[str, ...]) -> None:
        path = self._path(parts)
        if self._driver == "systemd":
            self._systemctl("stop", _slice(parts))
            self._systemctl("revert", _slice(parts))
        for _ in range(_REMOVE_ATTEMPTS):
            if self._files.kill(path):
                log.info("killed processes left in %s", path)
            if self._files.remove(path):
                return
            await clock.sleep(_REMOVE_PAUSE)
        raise OSError(f"failed to delete cgroup paths for {path}: processes still run in it")

    def uids(self) -> set[str]:
        """Pods that have a cgroup: to find leftovers."""
        found = set()
        for classes in _CLASSES.values():
            parts = (*self._base, *classes)
            for child in self._files.children(self._path(parts)):
                if self._driver == "systemd":
                    child = child.removesuffix(".slice").removeprefix(_slice(parts).removesuffix(".slice") + "-")
                    child = child.replace("_", "-")
                if match := _POD.fullmatch(child):
                    found.add(match[1])
        return found

    async def remove_all(self) -> None:
        """Removes the whole cgroup tree, when no pod is wanted any more."""
        for uid in self.uids():
            await self.remove(uid)
        await self._remove(self._base)
        for depth in range(len(self._base) - 1, 0, -1):
            self._files.remove(self._path(self._base[:depth]))

    def _parts(self, pod: Mapping[str, Any]) -> tuple[str, ...]:
        return (*self._base, *_CLASSES[pod_resources.qos_class(pod)], f"pod{pod['metadata']['uid']}")

    def _name(self, parts: tuple[str, ...]) -> str:
        return _slice(parts) if self._driver == "systemd" else "/" + "/".join(parts)

    def _path(self, parts: tuple[str, ...]) -> str:
        if self._driver != "systemd":
            return "/".join(parts)
        return "/".join(_slice(parts[: index + 1]) for index in range(len(parts)))

    def _make(self, parts: tuple[str, ...], limits: Limits) -> None:
        path = self._path(parts)
        if self._driver == "systemd":
            # systemd resets what it did not set itself, so the settings go through it first.
            self._systemctl("start", _slice(parts))
            self._systemctl("set-property", "--runtime", _slice(parts), *_properties(limits))
        self._files.create(path)
        self._files.apply(path, limits)

    def _share_burstable(self, uid: str, shares: int) -> None:
        """The class's weight against Guaranteed pods is the sum of its pods' requests."""
        if shares == self._burstable.get(uid, 0):
            return
        if shares:
            self._burstable[uid] = shares
        else:
            del self._burstable[uid]
        total = min(max(sum(self._burstable.values()), cgroup_files.MIN_SHARES), cgroup_files.MAX_SHARES)
        self._files.apply(self._path((*self._base, "burstable")), Limits(cpu_shares=total))

    def _systemctl(self, *arguments: str) -> None:
        done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            log.warning("systemctl %s: %s", " ".join(arguments), done.stderr.strip())


def _slice(parts: tuple[str, ...]) -> str:
    """systemd's name of a nested slice: `kubepods-burstable-podUID.slice`, dashes in a part as underscores."""
    return "-".join(part.replace("-", "_") for part in parts) + ".slice"


def _properties(limits: Limits) -> list[str]:
    found = []
    if limits.cpu_shares is not None:
        found.append(f"CPUWeight={cgroup_files.weight(limits.cpu_shares)}")
    if limits.cpu_quota is not None and limits.cpu_quota > 0:
        found.append(f"CPUQuota={limits.cpu_quota * 100 / limits.cpu_period:g}%")
    if limits.memory is not None:
        found.append(f"MemoryMax={limits.memory if limits.memory > 0 else 'infinity'}")
    if limits.pids is not None:
        found.append(f"TasksMax={limits.pids if limits.pids > 0 else 'infinity'}")
    return found or ["CPUWeight=1"]
