"""Starts what keeps the node's disks and memory free: container and image collection, eviction."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.component import clock
from pynetes.component.tasks import Tasks, run_forever
from pynetes.kubelet import pause
from pynetes.kubelet import pod as pods
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.container_gc import ContainerGC, PodState
from pynetes.kubelet.container_gc import Policy as ContainerPolicy
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.eviction import thresholds
from pynetes.kubelet.eviction.manager import Eviction, EvictionManager
from pynetes.kubelet.images.gc import DiskUsage, ImageGC
from pynetes.kubelet.images.gc import Policy as ImagePolicy
from pynetes.kubelet.pod_manager import PodManager
from pynetes.kubelet.pod_workers import Kill, PodWorkers
from pynetes.kubelet.stats import StatsProvider

log = logging.getLogger(__name__)

Pod = dict[str, Any]
NodeEvent = Callable[[str, str, str], None]


class Collectors:
    """`conditions_changed` hears that the node came under pressure or is free of it, `removed_images` which names are
    left after a collection."""

    def __init__(
        self,
        config: KubeletConfig,
        *,
        runtime: RuntimeService,
        images: ImageService,
        stats: StatsProvider,
        workers: PodWorkers,
        manager: PodManager,
        events: PodEvents,
        node_event: NodeEvent,
        active_pods: Callable[[], list[Pod]],
        sources_ready: Callable[[], bool],
        conditions_changed: Callable[[], None],
        removed_images: Callable[[list[str]], None],
    ) -> None:
        self._config, self._stats, self._workers = config, stats, workers
        state = PodState(
            deleted=lambda uid: manager.get(uid) is None,
            finished=lambda uid: workers.is_finished(uid) or not workers.is_known(uid),
        )
        self.containers = ContainerGC(
            runtime,
            state,
            policy=_container_policy(config),
            logs_dir=Path(config.pod_logs_dir),
            sources_ready=sources_ready,
        )
        self.images = ImageGC(
            images,
            containers=runtime.list_containers,
            disk=self._image_disk,
            node_event=node_event,
            policy=_image_policy(config),
            sandbox_image=pause.IMAGE,
            mounted=lambda: (image for pod in manager.all() for image in pods.volume_images(pod)),
            removed=removed_images,
        )
        self.eviction = EvictionManager(
            _eviction_thresholds(config),
            summary=stats.summary,
            active_pods=active_pods,
            kill=self._evict,
            cleaned_up=workers.is_finished,
            reclaim_disk=self._reclaim,
            dedicated_image_fs=stats.has_dedicated_image_fs,
            pod_event=events.pod,
            node_event=node_event,
            changed=conditions_changed,
            transition_period=config.eviction_pressure_transition_period,
            max_pod_grace=config.eviction_max_pod_grace_period,
            interval=config.eviction_monitoring_interval,
        )

    def start(self, tasks: Tasks) -> None:
        config = self._config
        for name, step, period in (
            ("container-gc", self.containers.collect, config.container_gc_period),
            ("image-gc", self.images.collect, config.image_gc_period),
        ):
            tasks.start(_later(step, period, name), name=name)
        tasks.start(self.eviction.run(), name="eviction")

    async def _image_disk(self) -> DiskUsage:
        found = await self._stats.image_fs()
        return DiskUsage(found.capacity, found.available)

    async def _reclaim(self) -> None:
        await self.containers.collect(all_unused=True)
        await self.images.delete_unused()

    async def _evict(self, pod: Pod, eviction: Eviction) -> None:
        def change(status: dict[str, Any]) -> None:
            status.update(phase="Failed", reason=eviction.reason, message=eviction.message)
            if eviction.disruption_target:
                others = [c for c in status.get("conditions") or () if c["type"] != "DisruptionTarget"]
                status["conditions"] = [*others, _disruption_target(pod, eviction)]

        await self._workers.kill_and_wait(pod, Kill(eviction.grace_seconds, change, evict=True))


def _container_policy(config: KubeletConfig) -> ContainerPolicy:
    return ContainerPolicy(
        config.minimum_container_ttl_duration,
        config.maximum_dead_containers_per_container,
        config.maximum_dead_containers,
    )


def _image_policy(config: KubeletConfig) -> ImagePolicy:
    return ImagePolicy(
        config.image_gc_high_threshold_percent,
        config.image_gc_low_threshold_percent,
        config.image_minimum_gc_age,
        config.image_maximum_gc_age,
    )


def _eviction_thresholds(config: KubeletConfig) -> list[thresholds.Threshold]:
    return thresholds.parse(
        config.eviction_hard,
        config.eviction_soft,
        config.eviction_soft_grace_period,
        config.eviction_minimum_reclaim,
    )


def _disruption_target(pod: Pod, eviction: Eviction) -> dict[str, Any]:
    return {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": eviction.condition_reason,
        "message": eviction.message,
        "lastTransitionTime": times.format_time(clock.now()),
        **meta.observed_generation(pod),
    }


async def _later(step: Callable[[], Awaitable[None]], period: float, name: str) -> None:
    """The first round comes after one period: a node that just started has nothing to collect."""

    async def once() -> None:
        await step()

    await clock.sleep(period)
    await run_forever(once, period=period, name=name)
