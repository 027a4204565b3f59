"""Cgroups of pods: one a pod, below its QoS class's, on cgroup v1 and v2."""

from typing import Any


class PodCgroups:
    """`root` is the node's prefix (`/` or `/node-1`), `driver` is `cgroupfs` or `systemd`."""

    def __init__(self, root: str, driver: str = "cgroupfs", *, pids_limit: int = -1, cpu_cfs_quota: bool = True) -> None:
        self.root = root

    def setup(self) -> None:
        """Makes the node's cgroup and those of the QoS classes. Call once, before the first pod."""
        raise NotImplementedError

    def ensure(self, pod: dict[str, Any]) -> str:
        """Makes or updates the pod's cgroup; returns what CRI's `cgroup_parent` takes."""
        raise NotImplementedError

    def parent(self, pod: dict[str, Any]) -> str:
        """What `ensure` returns, without touching anything."""
        raise NotImplementedError

    async def remove(self, uid: str) -> None:
        """Kills what still runs in the pod's cgroup and removes it; no error if it is gone."""
        raise NotImplementedError

    def uids(self) -> set[str]:
        """Pods that have a cgroup: to find leftovers."""
        raise NotImplementedError
