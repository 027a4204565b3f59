"""Statistics of node, pods and containers, from cgroup files and file systems: the `/stats/summary` of upstream.

CPU rates need two readings; `run` takes one every ten seconds, and every summary is one too.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pynetes.apimachinery.times import format_time
from pynetes.component import clock
from pynetes.component.tasks import run_forever
from pynetes.kubelet import cgroup_stats, machine
from pynetes.kubelet.cgroup_stats import Usage
from pynetes.kubelet.cgroups import PodCgroups
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.disk_usage import DiskUsages
from pynetes.kubelet.runtime import labels

Stats = dict[str, Any]
_SAMPLE = 10.0
_NANOSECONDS = 1e9


class _Rates:
    """CPU nanoseconds a second, from the last two readings of each key."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, int]] = {}
        self._rates: dict[str, int] = {}

    def note(self, key: str, cpu: int | None) -> int | None:
        if cpu is None:
            return None
        now = clock.monotonic()
        last = self._last.get(key)
        if last is None:
            self._last[key] = (now, cpu)
        elif now - last[0] >= 1 and cpu >= last[1]:
            self._rates[key] = int((cpu - last[1]) / (now - last[0]))
            self._last[key] = (now, cpu)
        return self._rates.get(key)

    def keep(self, keys: Iterable[str]) -> None:
        wanted = set(keys)
        for table in (self._last, self._rates):
            for key in [key for key in table if key not in wanted]:
                del table[key]


class StatsProvider:
    """`pods` lists the node's pods with their status; `root_dir` is the kubelet's."""

    def __init__(
        self,
        *,
        node_name: str,
        pods: Callable[[], list[dict[str, Any]]],
        cgroups: PodCgroups,
        runtime: RuntimeService,
        images: ImageService,
        root_dir: Path,
        logs_dir: str = "/var/log/pods",
        mount: Path = Path("/sys/fs/cgroup"),
    ) -> None:
        self._node_name, self._pods, self._cgroups = node_name, pods, cgroups
        self._runtime, self._images, self._root, self._logs, self._mount = (
            runtime,
            images,
            root_dir,
            logs_dir,
            mount,
        )
        self._rates = _Rates()
        self._disk = DiskUsages()
        self._image_path = ""

    async def run(self) -> None:
        """Reads CPU counters now and then, until cancelled."""
        await run_forever(self._sample, period=_SAMPLE, name="cpu sampling")

    async def _sample(self) -> None:
        await self.summary(only_cpu_and_memory=True)

    # -- file systems

    async def node_fs(self) -> machine.FileSystem:
        """The disk of volumes and logs."""
        return machine.file_system(self._root)

    async def image_fs(self) -> machine.FileSystem:
        """The disk of images, as the runtime says where they lie; the node's own if it cannot."""
        if not self._image_path:
            try:
                info = await self._images.image_fs_info()
                self._image_path = next((fs.fs_id.mountpoint for fs in info.image_filesystems), "")
            except CRIError:
                return await self.node_fs()
        with contextlib.suppress(OSError):
            return machine.file_system(self._image_path or self._root)
        return await self.node_fs()

    async def has_dedicated_image_fs(self) -> bool:
        await self.image_fs()
        with contextlib.suppress(OSError):
            return bool(self._image_path) and os.stat(self._image_path).st_dev != os.stat(self._root).st_dev
        return False

    # -- the summary

    async def summary(self, *, only_cpu_and_memory: bool = False) -> Stats:
        """`Summary` of stats/v1alpha1."""
        disks = {} if only_cpu_and_memory else await self._container_disks()
        containers = await self._containers()
        pods = [
            await self._pod(pod, containers.get(pod["metadata"]["uid"], []), disks, only_cpu_and_memory)
            for pod in self._pods()
        ]
        node = await self._node(only_cpu_and_memory)
        self._rates.keep(["node", "pods", *self._seen_keys(containers)])
        return {"node": node, "pods": pods}

    def _seen_keys(self, containers: Mapping[str, list[pb.Container]]) -> Iterable[str]:
        for uid, found in containers.items():
            yield uid
            yield from (container.id for container in found)

    async def _containers(self) -> dict[str, list[pb.Container]]:
        """Running containers by pod."""
        state = pb.ContainerStateValue(state=pb.CONTAINER_RUNNING)
        found: dict[str, list[pb.Container]] = {}
        for container in await self._runtime.list_containers(pb.ContainerFilter(state=state)):
            found.setdefault(container.labels.get(labels.POD_UID, ""), []).append(container)
        return found

    async def _container_disks(self) -> dict[str, pb.FilesystemUsage]:
        """Writable layers by container."""
        try:
            return {stats.attributes.id: stats.writable_layer for stats in await self._runtime.list_container_stats()}
        except CRIError:
            return {}

    async def _node(self, only_cpu_and_memory: bool) -> Stats:
        memory = machine.meminfo()
        usage = cgroup_stats.read_root(memory, self._mount)
        now = format_time(clock.now())
        stats: Stats = {
            "nodeName": self._node_name,
            "startTime": _time(machine.boot_time()),
            **self._usage("node", usage, now, capacity=memory.get("MemTotal")),
        }
        if pods := cgroup_stats.read(self._cgroups.base, self._mount):
            stats["systemContainers"] = [{"name": "pods", "startTime": None, **self._usage("pods", pods, now)}]
        if only_cpu_and_memory:
            return stats
        processes = machine.processes()
        stats["network"] = {"time": now, **_network(_proc_net_dev("self"), machine.default_interface() or "eth0")}
        stats["fs"] = _fs(await self.node_fs(), now)
        stats["runtime"] = {"imageFs": _fs(await self.image_fs(), now)}
        stats["rlimit"] = {"time": now, "maxpid": processes.maximum, "curproc": processes.running}
        return stats

    async def _pod(
        self,
        pod: dict[str, Any],
        containers: list[pb.Container],
        disks: Mapping[str, pb.FilesystemUsage],
        only_cpu_and_memory: bool,
    ) -> Stats:
        meta, path = pod["metadata"], self._cgroups.path(pod)
        now = format_time(clock.now())
        cgroup_names = self._cgroups.children(path)
        reference = {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
        stats: Stats = {
            "podRef": reference,
            "startTime": (pod.get("status") or {}).get("startTime"),
            "containers": [self._container(container, path, cgroup_names, disks, now) for container in containers],
        }
        usage = cgroup_stats.read(path, self._mount)
        if usage is not None:
            stats |= self._usage(meta["uid"], usage, now)
            if usage.processes is not None:
                stats["process_stats"] = {"process_count": usage.processes}
        if not only_cpu_and_memory:
            await self._add_storage(stats, pod, now)
            if text := self._pod_net_dev(path, cgroup_names):
                stats["network"] = {"time": now, **_network(text, "eth0")}
        return stats

    def _container(
        self,
        container: pb.Container,
        pod_path: str,
        cgroup_names: set[str],
        disks: Mapping[str, pb.FilesystemUsage],
        now: str,
    ) -> Stats:
        name = container.labels.get(labels.CONTAINER_NAME) or container.metadata.name
        stats: Stats = {"name": name, "startTime": _time(container.created_at / _NANOSECONDS)}
        own = next((child for child in cgroup_names if container.id in child), None)
        usage = cgroup_stats.read(f"{pod_path}/{own}", self._mount) if own else None
        if usage is not None:
            stats |= self._usage(container.id, usage, now)
        if disk := disks.get(container.id):
            stats["rootfs"] = {
                "time": now,
                "usedBytes": disk.used_bytes.value,
                "inodesUsed": disk.inodes_used.value,
            }
        return stats

    def _usage(self, key: str, usage: Usage, now: str, capacity: int | None = None) -> Stats:
        rate = self._rates.note(key, usage.cpu)
        limit = capacity if capacity is not None else usage.memory_limit
        available = None if limit is None or usage.working_set is None else max(0, limit - usage.working_set)
        return {
            "cpu": _present(time=now, usageNanoCores=rate, usageCoreNanoSeconds=usage.cpu),
            "memory": _present(
                time=now,
                availableBytes=available,
                usageBytes=usage.memory,
                workingSetBytes=usage.working_set,
                rssBytes=usage.rss,
                pageFaults=usage.page_faults,
                majorPageFaults=usage.major_page_faults,
            ),
        }

    async def _add_storage(self, stats: Stats, pod: dict[str, Any], now: str) -> None:
        """Volumes of the kubelet's own making, logs, and what counts as ephemeral storage."""
        uid, meta = pod["metadata"]["uid"], pod["metadata"]
        disk = await self.node_fs()
        volumes, total, inodes = [], 0, 0
        for volume in pod["spec"].get("volumes") or ():
            path = self._volume_path(uid, volume)
            if path is None:
                continue
            used = await self._disk.of(path)
            volumes.append(
                {**_fs(disk, now), "usedBytes": used.used, "inodesUsed": used.inodes, "name": volume["name"]}
            )
            if _is_local(volume):
                total, inodes = total + used.used, inodes + used.inodes
        log_directory = f"{self._logs}/{meta['namespace']}_{meta['name']}_{uid}"
        logs = await self._disk.of(log_directory)
        for container in stats["containers"]:
            own = await self._disk.of(f"{log_directory}/{container['name']}")
            container["logs"] = {**_fs(disk, now), "usedBytes": own.used, "inodesUsed": own.inodes}
            total += (container.get("rootfs") or {}).get("usedBytes", 0)
            inodes += (container.get("rootfs") or {}).get("inodesUsed", 0)
        if volumes:
            stats["volume"] = volumes
        total, inodes = total + logs.used, inodes + logs.inodes
        stats["ephemeral-storage"] = {**_fs(disk, now), "usedBytes": total, "inodesUsed": inodes}

    def _volume_path(self, uid: str, volume: Mapping[str, Any]) -> str | None:
        kinds = {"emptyDir": "empty-dir", "configMap": "configmap", "secret": "secret", "projected": "projected"}
        kinds["downwardAPI"] = "downward-api"
        for source, plugin in kinds.items():
            if source in volume:
                return str(self._root / "pods" / uid / "volumes" / f"kubernetes.io~{plugin}" / volume["name"])
        return None

    def _pod_net_dev(self, path: str, cgroup_names: set[str]) -> str:
        """Any process of the pod sees the pod's interfaces."""
        tree = self._mount if self._cgroups.version == 2 else self._mount / "memory"
        for child in cgroup_names:
            with contextlib.suppress(OSError):
                pids = (tree / path / child / "cgroup.procs").read_text().split()
                if pids:
                    return _proc_net_dev(pids[0])
        return ""


def _is_local(volume: Mapping[str, Any]) -> bool:
    """Whether the volume's content counts as the pod's ephemeral storage: what lies in memory does not."""
    if "emptyDir" in volume:
        return not (volume["emptyDir"] or {}).get("medium")
    return "configMap" in volume


def _proc_net_dev(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/net/dev").read_text()
    except OSError:
        return ""


def _network(text: str, default: str) -> Stats:
    interfaces = [
        {
            "name": found.name,
            "rxBytes": found.rx_bytes,
            "rxErrors": found.rx_errors,
            "txBytes": found.tx_bytes,
            "txErrors": found.tx_errors,
        }
        for found in machine.parse_net_dev(text)
    ]
    main = next((found for found in interfaces if found["name"] == default), {"name": ""})
    return {**main, "interfaces": interfaces}


def _fs(found: machine.FileSystem, now: str) -> Stats:
    return {
        "time": now,
        "availableBytes": found.available,
        "capacityBytes": found.capacity,
        "usedBytes": found.used,
        "inodesFree": found.inodes_free,
        "inodes": found.inodes,
        "inodesUsed": found.inodes - found.inodes_free,
    }


def _present(**values: Any) -> Stats:
    return {key: value for key, value in values.items() if value is not None}


def _time(seconds: float) -> str:
    return format_time(datetime.fromtimestamp(seconds, UTC))
