"""Puts right what no event tells of: leftovers of pods that are gone (upstream: HandlePodCleanups)."""

import asyncio
import logging
import shutil
from collections.abc import Callable

from msgspec import Struct, field

from pynetes.kubelet import pod as pods
from pynetes.kubelet.cgroups import PodCgroups
from pynetes.kubelet.images import ImageManager
from pynetes.kubelet.pleg import PLEG
from pynetes.kubelet.pod_manager import PodManager
from pynetes.kubelet.pod_syncer import NodePodSyncer
from pynetes.kubelet.pod_workers import PodWorkers
from pynetes.kubelet.probes.manager import ProbeManager
from pynetes.kubelet.runtime.paths import pod_directory
from pynetes.kubelet.static_pods import MirrorClient
from pynetes.kubelet.status.manager import StatusManager
from pynetes.kubelet.tokens import TokenManager
from pynetes.kubelet.volumes import VolumeManager

log = logging.getLogger(__name__)

PERIOD = 2.0
_RECONCILE_ROUNDS = 5


class Housekeeping(Struct):
    manager: PodManager
    workers: PodWorkers
    syncer: NodePodSyncer
    statuses: StatusManager
    probes: ProbeManager
    pleg: PLEG
    images: ImageManager
    tokens: TokenManager | None
    volumes: VolumeManager
    cgroups: PodCgroups | None
    mirrors: MirrorClient | None
    root_dir: str
    sources_ready: Callable[[], bool]
    _deleted_mirrors: set[str] = field(default_factory=set)
    _rounds: int = 0

    async def step(self) -> None:
        """One round. Does nothing until every source of pods was heard: their silence must not kill pods."""
        if not self.sources_ready() or not self.pleg.last_relist:
            return
        self._rounds += 1
        if not self.workers.synced or self._rounds % _RECONCILE_ROUNDS == 0:
            self.workers.synced = True
            self.statuses.reconcile()
        await self._forget_finished()
        self._end_orphans()
        await self._release_leftovers()
        await self._delete_orphaned_mirrors()
        self.syncer.runtime.backoff.collect()

    async def _forget_finished(self) -> None:
        for uid in self.workers.uids():
            if self.manager.get(uid) is None and self.workers.forget(uid):
                self.statuses.forget(uid)
                self.probes.remove_pod(uid)
                self.images.forget_pod(uid)
                if self.tokens is not None:
                    self.tokens.forget_pod(uid)
                await self.syncer.forget(uid)

    def _end_orphans(self) -> None:
        """What runs without a worker: its pod was deleted while no kubelet was there to see it."""
        for uid, pod in self.pleg.runtime_pods.items():
            if pod.alive and not self.workers.is_known(uid):
                log.info("pod %s/%s is gone from all sources, ending it", pod.namespace, pod.name)
                self.workers.kill_runtime_pod(uid, pod.name)

    def _is_known(self, uid: str) -> bool:
        """Asked right before anything is taken away: a pod may have come since its traces were listed."""
        running = self.pleg.runtime_pods.get(uid)
        alive = running is not None and running.alive
        return alive or self.manager.get(uid) is not None or self.workers.is_known(uid)

    async def _release_leftovers(self) -> None:
        for uid in await asyncio.to_thread(self.volumes.pods_on_disk):
            if self._is_known(uid):
                continue
            try:
                await self.volumes.unmount_pod(uid)
                await asyncio.to_thread(shutil.rmtree, pod_directory(self.root_dir, uid), ignore_errors=True)
            except OSError as error:
                log.warning("directory of pod %s stays: %s", uid, error)
        if self.cgroups is None:
            return
        for uid in await asyncio.to_thread(self.cgroups.uids):
            if self._is_known(uid):
                continue
            try:
                await self.cgroups.remove(uid)
            except OSError as error:
                log.warning("cgroup of pod %s stays: %s", uid, error)

    async def _delete_orphaned_mirrors(self) -> None:
        if self.mirrors is None:
            return
        for mirror in self.manager.orphaned_mirrors():
            uid = pods.uid(mirror)
            if uid not in self._deleted_mirrors:
                self._deleted_mirrors.add(uid)
                await self.mirrors.delete(mirror)
