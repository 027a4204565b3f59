"""Queues of keys for level-triggered workers, in three layers: queue, delaying queue, rate-limited queue.

The contract of the first:
- a key is handed out to one worker at a time;
- a key added twice before it is handed out is handed out once;
- a key added while a worker has it is handed out again after `done`;
- keys come out in the order they went in.
"""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from pynetes.client import queuemetrics
from pynetes.client.queuemetrics import QueueMetrics
from pynetes.client.ratelimiter import RateLimiter
from pynetes.component import clock

K = TypeVar("K", bound=Hashable)


class QueueShutDown(Exception):
    """The queue is shut down and empty."""


class Queue(Generic[K]):
    """The contract above."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.metrics = QueueMetrics()
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()
        self._processing: dict[K, float] = {}
        self._added_at: dict[K, float] = {}
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._shut_down = False
        if name:
            queuemetrics.publish(self)

    def __len__(self) -> int:
        """The keys that wait for a worker."""
        return len(self._ready)

    def running(self, now: float) -> list[float]:
        """For how many seconds workers have had their keys."""
        return [now - since for since in self._processing.values()]

    def add(self, key: K) -> None:
        if self._shut_down or key in self._dirty:
            return
        self.metrics.adds += 1
        self._dirty.add(key)
        self._added_at[key] = clock.monotonic()
        if key not in self._processing:
            self._push(key)

    async def get(self) -> K:
        """The next key; QueueShutDown when there will be none."""
        while not self._ready:
            if self._shut_down:
                raise QueueShutDown
            await self._wait()
        key = self._ready.popleft()
        self._dirty.discard(key)
        now = clock.monotonic()
        self.metrics.waited.observe(now - self._added_at.pop(key, now))
        self._processing[key] = now
        return key

    def done(self, key: K) -> None:
        """The worker that got `key` has finished with it."""
        started = self._processing.pop(key)
        self.metrics.worked.observe(clock.monotonic() - started)
        if key in self._dirty:
            self._push(key)

    def shut_down(self) -> None:
        """Takes no more keys; those that wait are still handed out."""
        self._shut_down = True
        while self._waiters:
            _wake(self._waiters.popleft())

    def _push(self, key: K) -> None:
        self._ready.append(key)
        while self._waiters:
            if _wake(self._waiters.popleft()):
                break

    async def _wait(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and self._waiters and self._ready:
                _wake(self._waiters.popleft())  # hand the wake-up on
            raise


def _wake(waiter: "asyncio.Future[None]") -> bool:
    if waiter.done():
        return False
    waiter.set_result(None)
    return True


class DelayingQueue(Queue[K]):
    """Adds keys later: of several times for one key, the earliest counts."""

    def __init__(self, name: str = "") -> None:
        super().__init__(name)
        self._heap: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def add_after(self, key: K, seconds: float) -> None:
        if self._shut_down:
            return
        if seconds <= 0:
            self.add(key)
            return
        due = clock.monotonic() + seconds
        known = self._due.get(key)
        if known is not None and known <= due:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._order), key))
        self._arm()

    def shut_down(self) -> None:
        super().shut_down()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._heap.clear()
        self._due.clear()

    def _arm(self) -> None:
        """One timer, for the earliest key."""
        if self._timer is not None:
            if self._timer.when() <= self._heap[0][0]:
                return
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(self._heap[0][0], self._release)

    def _release(self) -> None:
        self._timer = None
        now = clock.monotonic() + 1e-3  # timers may fire a clock tick early
        while self._heap and self._heap[0][0] <= now:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
        if self._heap:
            self._arm()


class WorkQueue(DelayingQueue[K]):
    """Adds failed keys again after a wait that grows with their failures; `forget` starts over."""

    def __init__(self, name: str = "", *, limiter: RateLimiter[K] | None = None) -> None:
        super().__init__(name)
        self._limiter: RateLimiter[K] = limiter or RateLimiter()

    def add_rate_limited(self, key: K) -> None:
        self.metrics.retries += 1
        self.add_after(key, self._limiter.when(key))

    def forget(self, key: K) -> None:
        self._limiter.forget(key)

    def failures(self, key: K) -> int:
        """How often `key` was added by rate limit since it was last forgotten."""
        return self._limiter.failures(key)
