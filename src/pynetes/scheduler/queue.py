"""The pods that wait for a decision: active by priority, backing off, and unschedulable until something changes.

add ──► active ──pop──► a cycle ──fails──► unschedulable ──event that may help──► backoff or active
                                └─fails, and such an event came meanwhile──► backoff ──time──► active
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable

from msgspec import Struct, field

from pynetes.component import clock, metrics
from pynetes.scheduler.framework import ClusterEvent
from pynetes.scheduler.podinfo import PodInfo

INITIAL_BACKOFF, MAX_BACKOFF = 1.0, 10.0

#: Whatever the events said, a pod is tried again after so many seconds.
MAX_UNSCHEDULABLE = 300.0

_INCOMING = metrics.counter(
    "scheduler_queue_incoming_pods_total", "Pods that came into a queue, by what made them come", ["queue", "event"]
)
# What makes pods come besides events of the cluster, in upstream's words.
_ADD, _UPDATE, _FAILURE = "UnschedulablePodAdd", "UnschedulablePodUpdate", "ScheduleAttemptFailure"
_BACKOFF_OVER, _TIMEOUT = "BackoffComplete", "UnschedulableTimeout"


class QueuedPod(Struct):
    """A waiting pod. `since`: when it came into the queue first, its place among equals."""

    info: PodInfo
    since: float
    attempts: int = 0
    backoff_until: float = 0.0
    waiting_since: float = 0.0
    rejected_by: frozenset[str] = frozenset()
    events_seen: int = 0
    gated: str = ""

    @property
    def order(self) -> tuple[int, float]:
        return (-self.info.priority, self.since)


class _Heap(Struct):
    """A heap whose entries can go away by key: they are skipped when they surface."""

    entries: list[tuple[object, int, str]] = field(default_factory=list)
    live: dict[str, int] = field(default_factory=dict)
    serial: int = 0

    def push(self, order: object, uid: str) -> None:
        self.serial += 1
        self.live[uid] = self.serial
        heapq.heappush(self.entries, (order, self.serial, uid))

    def discard(self, uid: str) -> None:
        self.live.pop(uid, None)

    def peek(self) -> tuple[object, str] | None:
        while self.entries:
            order, serial, uid = self.entries[0]
            if self.live.get(uid) == serial:
                return order, uid
            heapq.heappop(self.entries)
        return None

    def pop(self) -> str | None:
        found = self.peek()
        if found is None:
            return None
        heapq.heappop(self.entries)
        del self.live[found[1]]
        return found[1]


class SchedulingQueue:
    """`resolved_by`: plugin name → the events after which a pod it rejected may fit."""

    def __init__(
        self,
        resolved_by: dict[str, frozenset[ClusterEvent]],
        *,
        gate: Callable[[PodInfo], str] = lambda pod: "",
        initial_backoff: float = INITIAL_BACKOFF,
        max_backoff: float = MAX_BACKOFF,
    ) -> None:
        self._resolved_by = resolved_by
        self._gate = gate
        self._initial_backoff, self._max_backoff = initial_backoff, max_backoff
        self._pods: dict[str, QueuedPod] = {}
        self._active, self._backoff = _Heap(), _Heap()
        self._unschedulable: dict[str, None] = {}
        self._in_flight: dict[str, QueuedPod] = {}
        self._events: list[frozenset[ClusterEvent]] = []
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._pods)

    def counts(self) -> dict[str, int]:
        """Pods by queue, as upstream's metric `scheduler_pending_pods` names them."""
        gated = sum(1 for pod in self._pods.values() if pod.gated)
        return {
            "active": len(self._active.live),
            "backoff": len(self._backoff.live),
            "unschedulable": len(self._unschedulable) - gated,
            "gated": gated,
        }

    def rejections(self) -> dict[tuple[str, str], int]:
        """Unschedulable pods by plugin and profile; one that several plugins rejected counts for each."""
        found: dict[tuple[str, str], int] = {}
        for pod in (self._pods[uid] for uid in self._unschedulable):
            for plugin in pod.rejected_by:
                key = (plugin, pod.info.scheduler_name)
                found[key] = found.get(key, 0) + 1
        return found

    # -- coming and going

    def add(self, info: PodInfo) -> None:
        """A new pod, or a new version of a waiting one (which may fit now: it is tried again)."""
        known = self._pods.get(info.uid) or self._in_flight.get(info.uid)
        event = _ADD if known is None else _UPDATE
        pod = known or QueuedPod(info, clock.monotonic())
        pod.info = info
        if info.uid in self._in_flight:
            return
        self._remove(info.uid)
        self._pods[info.uid] = pod
        pod.gated = self._gate(info)
        if pod.gated:
            self._set_aside(info.uid, event)
        else:
            self._activate(pod, event)

    def update(self, info: PodInfo, *, scheduling_changed: bool) -> None:
        """A new version: one that changes nothing for scheduling keeps its place."""
        pod = self._pods.get(info.uid) or self._in_flight.get(info.uid)
        if pod is None or scheduling_changed:
            self.add(info)
        else:
            pod.info = info

    def delete(self, uid: str) -> None:
        self._remove(uid)
        self._in_flight.pop(uid, None)

    def _remove(self, uid: str) -> None:
        self._pods.pop(uid, None)
        self._active.discard(uid)
        self._backoff.discard(uid)
        self._unschedulable.pop(uid, None)

    # -- cycles

    async def pop(self) -> QueuedPod:
        """The pod to be scheduled next; waits for one. `done` or `failed` must follow."""
        while True:
            self._release()
            uid = self._active.pop()
            if uid is not None:
                pod = self._pods.pop(uid)
                pod.attempts += 1
                pod.events_seen = len(self._events)
                self._in_flight[uid] = pod
                return pod
            self._wake.clear()
            try:
                async with asyncio.timeout(self._next_release()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def done(self, uid: str) -> None:
        """The pod has its node, or needs none."""
        self._in_flight.pop(uid, None)
        if not self._in_flight:
            self._events.clear()

    def failed(self, pod: QueuedPod, rejected_by: Iterable[str]) -> None:
        """No node, or an error (`rejected_by` empty): when to try again."""
        if self._in_flight.pop(pod.info.uid, None) is None:
            return  # deleted meanwhile
        pod.rejected_by = frozenset(rejected_by)
        pod.backoff_until = clock.monotonic() + self._backoff_of(pod)
        pod.waiting_since = clock.monotonic()
        self._pods[pod.info.uid] = pod
        missed = self._events[pod.events_seen :]
        if not pod.rejected_by or any(self._may_help(pod, events) for events in missed):
            self._back_off(pod, _FAILURE)
        else:
            self._set_aside(pod.info.uid, _FAILURE)
        if not self._in_flight:
            self._events.clear()

    def happened(self, events: Iterable[ClusterEvent]) -> None:
        """Something changed in the cluster: pods that it may help are tried again."""
        changed = frozenset(events)
        if not changed:
            return
        if self._in_flight:
            self._events.append(changed)
        for uid in [u for u in self._unschedulable if self._may_help(self._pods[u], changed)]:
            self._retry(uid, min(changed))

    def _may_help(self, pod: QueuedPod, events: frozenset[ClusterEvent]) -> bool:
        if pod.gated:
            return False
        return any(self._resolved_by.get(plugin, frozenset()) & events for plugin in pod.rejected_by)

    def _retry(self, uid: str, event: str) -> None:
        del self._unschedulable[uid]
        pod = self._pods[uid]
        if pod.backoff_until > clock.monotonic():
            self._back_off(pod, event)
        else:
            self._activate(pod, event)

    # -- into one of the queues, by what happened

    def _activate(self, pod: QueuedPod, event: str) -> None:
        self._active.push(pod.order, pod.info.uid)
        self._wake.set()
        _INCOMING.labels("active", event).inc()

    def _back_off(self, pod: QueuedPod, event: str) -> None:
        self._backoff.push(pod.backoff_until, pod.info.uid)
        self._wake.set()
        _INCOMING.labels("backoff", event).inc()

    def _set_aside(self, uid: str, event: str) -> None:
        self._unschedulable[uid] = None
        _INCOMING.labels("unschedulable", event).inc()

    def _backoff_of(self, pod: QueuedPod) -> float:
        return float(min(self._initial_backoff * 2 ** (pod.attempts - 1), self._max_backoff))

    def _release(self) -> None:
        """Back-offs that are over, and pods nothing has helped for long."""
        now = clock.monotonic()
        while (first := self._backoff.peek()) is not None and first[0] <= now:  # type: ignore[operator]
            uid = self._backoff.pop()
            assert uid is not None
            self._activate(self._pods[uid], _BACKOFF_OVER)
        for uid in [u for u in self._unschedulable if self._pods[u].waiting_since + MAX_UNSCHEDULABLE <= now]:
            if not self._pods[uid].gated:
                self._retry(uid, _TIMEOUT)

    def _next_release(self) -> float | None:
        """Seconds until `_release` has something to do; None: nothing waits for time."""
        times = [first[0]] if (first := self._backoff.peek()) is not None else []
        times += [
            self._pods[u].waiting_since + MAX_UNSCHEDULABLE for u in self._unschedulable if not self._pods[u].gated
        ]
        return max(0.0, min(times) - clock.monotonic()) if times else None  # type: ignore[type-var,operator]
