"""Watches the node's resources; frees what it can, then evicts one pod at a time."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from pynetes.component import clock, metrics
from pynetes.kubelet import pod_resources
from pynetes.kubelet.eviction import local_storage, messages, observations, ranking, thresholds
from pynetes.kubelet.eviction.thresholds import SIGNALS, Observation, Threshold
from pynetes.kubelet.node_conditions import Pressures
from pynetes.kubelet.pod import is_critical

log = logging.getLogger(__name__)

Pod = dict[str, Any]
_CLEANUP_TIMEOUT, _CLEANUP_POLL = 30.0, 1.0
_HARD_GRACE = 1
_MEMORY_TAINT = "node.kubernetes.io/memory-pressure"

_evictions = metrics.counter(
    "kubelet_evictions_total", "Cumulative number of pod evictions by eviction signal", ["eviction_signal"]
)


class Eviction(Struct, frozen=True):
    """What becomes of the evicted pod's status: phase Failed, reason Evicted, this message, and a DisruptionTarget
    condition unless the pod broke a limit of its own."""

    message: str
    grace_seconds: int
    disruption_target: bool

    reason = "Evicted"
    condition_reason = "TerminationByKubelet"


#: Kills the pod's containers within the grace period and sets its status; returns when they are dead.
Kill = Callable[[Pod, Eviction], Awaitable[None]]


class EvictionManager:
    def __init__(
        self,
        limits: list[Threshold],
        *,
        summary: Callable[[], Awaitable[Mapping[str, Any]]],
        active_pods: Callable[[], list[Pod]],
        kill: Kill,
        cleaned_up: Callable[[str], bool],
        reclaim_disk: Callable[[], Awaitable[None]],
        dedicated_image_fs: Callable[[], Awaitable[bool]],
        pod_event: Callable[[Pod, str, str, str], None],
        node_event: Callable[[str, str, str], None],
        changed: Callable[[], None] = lambda: None,
        transition_period: float = 300.0,
        max_pod_grace: int = 0,
        interval: float = 10.0,
    ) -> None:
        """`reclaim_disk` removes dead containers and unused images; `cleaned_up(uid)` tells whether an evicted pod's
        resources are free; `changed` hears that the node's conditions did."""
        self._limits = limits
        self._summary, self._active_pods, self._kill, self._cleaned_up = summary, active_pods, kill, cleaned_up
        self._reclaim_disk, self._dedicated_image_fs = reclaim_disk, dedicated_image_fs
        self._pod_event, self._node_event, self._changed = pod_event, node_event, changed
        self._transition, self._max_grace, self._interval = transition_period, max_pod_grace, interval
        self._since: dict[Threshold, float] = {}
        self._met: list[Threshold] = []
        self._last_seen: dict[str, float] = {}
        self._conditions: set[str] = set()

    # -- what others ask

    def pressures(self) -> Pressures:
        return Pressures(*(name in self._conditions for name in ("MemoryPressure", "DiskPressure", "PIDPressure")))

    def admission_failure(self, pod: Pod) -> str | None:
        """Why the node takes no such pod now (reason Evicted), or None."""
        if not self._conditions or is_critical(pod):
            return None
        if self._conditions == {"MemoryPressure"} and (
            pod_resources.qos_class(pod) != "BestEffort" or _tolerates_memory_pressure(pod)
        ):
            return None
        return f"The node had condition: [{' '.join(sorted(self._conditions))}]. "

    # -- running

    async def run(self) -> None:
        """Watches until cancelled."""
        while True:
            evicted: list[Pod] = []
            try:
                evicted = await self.synchronize()
            except Exception:
                log.exception("eviction manager failed to synchronize")
            if evicted:
                await self._wait_for_cleanup(evicted)
            else:
                await clock.sleep(self._interval)

    async def _wait_for_cleanup(self, pods: list[Pod]) -> None:
        deadline = clock.monotonic() + _CLEANUP_TIMEOUT
        while clock.monotonic() < deadline:
            await clock.sleep(_CLEANUP_POLL)
            if all(self._cleaned_up(pod["metadata"]["uid"]) for pod in pods):
                return
        log.warning("evicted pods were not cleaned up in time")

    async def synchronize(self) -> list[Pod]:
        """One look, and what follows from it; returns the pods evicted."""
        summary = await self._summary()
        observed = observations.observe(summary)
        acting = self._note(observed, clock.monotonic())
        stats = observations.by_uid(summary)
        pods, dedicated = self._active_pods(), await self._dedicated_image_fs()
        if evicted := await self._evict_over_limit(pods, stats, dedicated):
            return evicted
        if not acting:
            return []
        first = thresholds.by_priority(acting)[0]
        resource = SIGNALS[first.signal].resource
        self._node_event("Warning", "EvictionThresholdMet", f"Attempting to reclaim {resource}")
        if resource in ("ephemeral-storage", "inodes") and await self._reclaimed():
            return []
        for pod in ranking.rank(pods, stats, first.signal, dedicated_image_fs=dedicated):
            message = messages.pressure(resource, pod, stats.get(pod["metadata"]["uid"]), acting, observed)
            if await self._evict(pod, Eviction(message, self._grace(pod, first), True), first.signal):
                return [pod]
        log.warning("eviction manager is unable to evict any pods from the node")
        return []

    def _note(self, observed: Mapping[str, Observation], now: float) -> list[Threshold]:
        """Takes the observations in; returns the thresholds that call for action."""
        crossed = thresholds.met(self._limits, observed, with_reclaim=False)
        unresolved = thresholds.met(self._met, observed, with_reclaim=True)
        crossed = thresholds.merge(crossed, unresolved)
        self._since = {threshold: self._since.get(threshold, now) for threshold in crossed}
        self._last_seen.update({SIGNALS[threshold.signal].condition: now for threshold in crossed})
        conditions = {name for name, at in self._last_seen.items() if now - at <= self._transition}
        self._met = thresholds.past_grace(self._since, now)
        if conditions != self._conditions:
            self._conditions = conditions
            self._changed()
        return self._met

    async def _reclaimed(self) -> bool:
        """Frees disk without killing anybody; whether that was enough."""
        await self._reclaim_disk()
        observed = observations.observe(await self._summary())
        return not thresholds.met(self._limits, observed, with_reclaim=True)

    def _grace(self, pod: Pod, threshold: Threshold) -> int:
        if threshold.hard:
            return _HARD_GRACE
        own = pod["spec"].get("terminationGracePeriodSeconds")
        return self._max_grace if own is None else min(self._max_grace, int(own))

    async def _evict_over_limit(
        self, pods: list[Pod], stats: Mapping[str, Mapping[str, Any]], dedicated: bool
    ) -> list[Pod]:
        evicted = []
        for pod in pods:
            own = stats.get(pod["metadata"]["uid"])
            message = local_storage.violation(pod, own, dedicated_image_fs=dedicated) if own else None
            if message and await self._evict(pod, Eviction(message, _HARD_GRACE, False), "ephemeralpodfs.limit"):
                evicted.append(pod)
        return evicted

    async def _evict(self, pod: Pod, eviction: Eviction, signal: str) -> bool:
        name = pod["metadata"]["name"]
        if is_critical(pod):
            log.error("eviction manager cannot evict critical pod %s", name)
            return False
        self._pod_event(pod, "Warning", eviction.reason, eviction.message)
        try:
            await self._kill(pod, eviction)
        except Exception:
            log.exception("pod %s failed to evict", name)
        _evictions.labels(signal).inc()
        return True


def _tolerates_memory_pressure(pod: Pod) -> bool:
    for toleration in pod["spec"].get("tolerations") or ():
        key, operator = toleration.get("key") or "", toleration.get("operator") or "Equal"
        if toleration.get("effect") not in (None, "", "NoSchedule"):
            continue
        if (key == _MEMORY_TAINT or (not key and operator == "Exists")) and (
            operator == "Exists" or not toleration.get("value")
        ):
            return True
    return False
