"""One worker a pod: it syncs the pod while it should run, then ends it, then cleans up after it.

    SYNC ──(deleted, evicted, finished by itself)──► TERMINATING ──(nothing runs)──► TERMINATED ──(cleaned)──► FINISHED

There is no way back: a pod that was asked to end ends. Work for one pod is never done twice at the same time; what
comes in meanwhile is folded into one next turn.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Protocol

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.component.tasks import Tasks
from pynetes.kubelet import pod as pods

log = logging.getLogger(__name__)

Pod = dict[str, Any]

_BACKOFF = 10.0
_NETWORK_BACKOFF = 1.0
_WAIT_FOR_NAMESAKE = 1.0


class State(IntEnum):
    SYNC = 0
    TERMINATING = 1
    TERMINATED = 2
    FINISHED = 3


class SyncFailed(Exception):
    """A sync did not reach its goal. `retry_after` is seconds, None for the usual back-off."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NetworkNotReady(SyncFailed):
    def __init__(self, message: str) -> None:
        super().__init__(message, _NETWORK_BACKOFF)


class SyncOutcome(Struct, frozen=True):
    terminal: bool = False
    """The pod has ended by itself (or must end) and will not run again."""
    again_after: float | None = None
    """Seconds to the next turn; None: the usual period."""


class PodSyncer(Protocol):
    """What a worker does to its pod. Every method may be called again after it failed or was cancelled."""

    async def sync_pod(self, pod: Pod) -> SyncOutcome:
        """Raises SyncFailed."""
        ...

    async def sync_terminating_pod(self, pod: Pod, grace_period: int, status: "StatusChange | None") -> None:
        """Returns when nothing of the pod runs. Raises SyncFailed."""
        ...

    async def sync_terminated_pod(self, pod: Pod) -> None:
        """Raises SyncFailed."""
        ...

    async def sync_terminating_runtime_pod(self, uid: str) -> None:
        """Ends what runs of a pod whose object is unknown. Raises SyncFailed."""
        ...


StatusChange = Callable[[dict[str, Any]], None]
"""Puts the reason of an eviction into the pod's status."""


class Kill(Struct, frozen=True):
    """Why the kubelet itself ends a pod."""

    grace_period: int | None = None
    status: StatusChange | None = None
    evict: bool = False


def effective_grace_period(pod: Mapping[str, Any], current: int | None, override: int | None) -> int:
    """Seconds to end the pod in: never longer than said before, never less than one."""
    grace = current or 0
    for wish in (pod["metadata"].get("deletionGracePeriodSeconds"), override):
        if wish is not None and (grace == 0 or wish < grace):
            grace = int(wish)
    if grace == 0 and (pod["metadata"].get("deletionGracePeriodSeconds") is None) and override is None:
        grace = pods.termination_grace_period(pod)
    return max(grace, 1)


class _Worker(Struct):
    pod: Pod | None
    uid: str
    state: State = State.SYNC
    termination_requested: bool = False
    grace_period: int | None = None
    status: StatusChange | None = None
    evicted: bool = False
    deleted: bool = False
    work: asyncio.Event = field(default_factory=asyncio.Event)
    running: "asyncio.Task[Any] | None" = None
    """The turn under way."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing of the pod runs any more."""
    interrupted: bool = False
    timer: asyncio.TimerHandle | None = None


class PodWorkers:
    def __init__(self, tasks: Tasks, syncer: PodSyncer, *, sync_period: float = 60.0) -> None:
        self._tasks, self._syncer, self._sync_period = tasks, syncer, sync_period
        self._workers: dict[str, _Worker] = {}
        self.synced = False
        """Every source of pods was heard once: a pod without a worker has nothing that runs."""

    # -- what others ask

    def is_known(self, uid: str) -> bool:
        return uid in self._workers

    def could_have_running_containers(self, uid: str) -> bool:
        """True until it is known that nothing runs."""
        worker = self._workers.get(uid)
        return not self.synced if worker is None else worker.state < State.TERMINATED

    def is_finished(self, uid: str) -> bool:
        worker = self._workers.get(uid)
        return worker is not None and worker.state is State.FINISHED

    def uids(self) -> set[str]:
        return set(self._workers)

    # -- what happens to pods

    def update(self, pod: Pod, kill: Kill | None = None) -> None:
        """The pod is new, has changed, or needs another look; with `kill` it has to end."""
        uid = pods.uid(pod)
        worker = self._workers.get(uid)
        if worker is not None and worker.state is State.FINISHED and self._starts_anew(worker, pod):
            worker = None
        if worker is None:
            worker = self._workers[uid] = _Worker(pod, uid)
            self._tasks.start(self._run(worker), name=f"pod-{meta.key(pod)}", crash=False)
        worker.pod = pod
        if kill is not None or meta.is_deleting(pod) or pods.is_terminal(pod):
            self._request_termination(worker, pod, kill)
        worker.work.set()

    def refresh(self, pod: Pod) -> None:
        """Only the pod's status changed: the next turn uses the new object, but none is due for it."""
        worker = self._workers.get(pods.uid(pod))
        if worker is not None and worker.pod is not None:
            worker.pod = pod

    def sync(self, uid: str) -> None:
        """Another look at a pod that something may have happened to."""
        worker = self._workers.get(uid)
        if worker is not None:
            worker.work.set()

    def kill_runtime_pod(self, uid: str, name: str) -> None:
        """Something runs of a pod that nobody wants any more, its object is gone."""
        if uid not in self._workers:
            worker = self._workers[uid] = _Worker(None, uid, State.TERMINATING, termination_requested=True)
            worker.work.set()
            self._tasks.start(self._run(worker), name=f"orphan-{name}", crash=False)

    async def kill_and_wait(self, pod: Pod, kill: Kill) -> None:
        """For eviction: returns when nothing of the pod runs."""
        self.update(pod, kill)
        await self._workers[pods.uid(pod)].ended.wait()

    def forget(self, uid: str) -> bool:
        """Drops a finished worker; False while it is still at work."""
        worker = self._workers.get(uid)
        if worker is None:
            return True
        if worker.state is not State.FINISHED:
            return False
        del self._workers[uid]
        return True

    @staticmethod
    def _starts_anew(worker: _Worker, pod: Pod) -> bool:
        """A static pod that was taken away and put back keeps its uid."""
        return pods.is_static(pod) and worker.deleted and not pods.is_terminal(pod)

    def _request_termination(self, worker: _Worker, pod: Pod, kill: Kill | None) -> None:
        before = worker.grace_period
        override = kill.grace_period if kill else None
        worker.grace_period = effective_grace_period(pod, before, override)
        worker.deleted = worker.deleted or meta.is_deleting(pod) or (kill is not None and not kill.evict)
        if kill:
            worker.status = kill.status or worker.status
            worker.evicted = worker.evicted or kill.evict
        shortened = before is not None and worker.grace_period < before
        if (not worker.termination_requested or shortened) and worker.running and worker.state < State.TERMINATED:
            # A long image pull or a long grace period must not hold the pod's end up.
            worker.interrupted = True
            worker.running.cancel()
        worker.termination_requested = True

    # -- the worker

    async def _run(self, worker: _Worker) -> None:
        while worker.state is not State.FINISHED:
            await worker.work.wait()
            worker.work.clear()
            again_after = await self._turn(worker)
            if again_after is not None:
                self._wake_after(worker, again_after)
        if worker.timer is not None:
            worker.timer.cancel()

    def _wake_after(self, worker: _Worker, seconds: float) -> None:
        if worker.timer is not None:
            worker.timer.cancel()
        worker.timer = asyncio.get_running_loop().call_later(max(seconds, 0.0), worker.work.set)

    async def _turn(self, worker: _Worker) -> float | None:
        """One piece of work; seconds to the next one (None: when something happens)."""
        if worker.state is State.SYNC and worker.termination_requested:
            worker.state = State.TERMINATING
        if worker.state is State.SYNC and self._has_live_namesake(worker):
            return _WAIT_FOR_NAMESAKE
        name = worker.uid if worker.pod is None else meta.key(worker.pod)
        work = self._tasks.start(self._work(worker), name=f"turn-{name}", crash=False)
        worker.running = work
        try:
            again_after = await work
        except asyncio.CancelledError:
            if not worker.interrupted:
                raise
            again_after = 0.0
        finally:
            worker.running = None
            worker.interrupted = False
        return again_after

    def _has_live_namesake(self, worker: _Worker) -> bool:
        """Of static pods with one name (an edited file), the old one ends before the new one starts."""
        if worker.pod is None or not pods.is_static(worker.pod):
            return False
        name = pods.full_name(worker.pod)
        return any(
            other is not worker
            and other.pod is not None
            and other.state < State.FINISHED
            and other.termination_requested
            and pods.is_static(other.pod)
            and pods.full_name(other.pod) == name
            for other in self._workers.values()
        )

    async def _work(self, worker: _Worker) -> float | None:
        try:
            return await self._step(worker)
        except SyncFailed as error:
            log.info("pod %s: %s", worker.uid, error)
            return _jittered(_BACKOFF) if error.retry_after is None else error.retry_after
        except Exception:
            log.exception("sync of pod %s failed", worker.uid)
            return _jittered(_BACKOFF)

    async def _step(self, worker: _Worker) -> float | None:
        if worker.pod is None:
            await self._syncer.sync_terminating_runtime_pod(worker.uid)
            worker.state = State.FINISHED
            worker.ended.set()
            return None
        if worker.state is State.SYNC:
            outcome = await self._syncer.sync_pod(worker.pod)
            if outcome.terminal:
                self._request_termination_by_itself(worker)
                return 0.0
            return _jittered(self._sync_period) if outcome.again_after is None else outcome.again_after
        if worker.state is State.TERMINATING:
            grace = worker.grace_period or 1
            await self._syncer.sync_terminating_pod(worker.pod, grace, worker.status)
            worker.state = State.TERMINATED
            worker.ended.set()
            return 0.0
        await self._syncer.sync_terminated_pod(worker.pod)
        worker.state = State.FINISHED
        return None

    @staticmethod
    def _request_termination_by_itself(worker: _Worker) -> None:
        assert worker.pod is not None
        worker.grace_period = effective_grace_period(worker.pod, worker.grace_period, None)
        worker.termination_requested = True


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1.0, 1.5)
