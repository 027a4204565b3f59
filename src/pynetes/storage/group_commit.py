"""The group commit queue: all writes that arrive while a transaction runs go into the next one.

A disk makes a few thousand transactions durable in a second, however small; together, writers share one.
`ThreadedCommit` keeps the log on a thread of its own, `InlineCommit` on the event loop, for logs in memory: there is
nothing to wait for, and a run is as deterministic as its loop.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from pynetes.component import clock, metrics
from pynetes.storage.interface import Event, StoreUnavailable
from pynetes.storage.lending import Lender
from pynetes.storage.log import Log
from pynetes.storage.mvcc import Write

T = TypeVar("T")

GROUP = 512
"""Writes in one transaction at most, so that the first of them does not wait for too many."""

COMMIT_SECONDS = metrics.histogram(
    "pynetes_store_commit_duration_seconds",
    "Time of one group commit of a SQL store.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
COMMIT_WRITES = metrics.histogram(
    "pynetes_store_commit_writes",
    "Writes in one group commit of a SQL store.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)

Publish = Callable[[list[Event]], None]
"""Told the events of every transaction, in order, before those who wrote them."""


class Commit(Protocol):
    """Runs everything that changes the log, one after the other, in the order of the calls."""

    def write(self, write: Write) -> "asyncio.Future[Event]":
        """Queues a write; the future's error is what refused it."""
        ...

    def call(self, work: Callable[[Log], T]) -> "asyncio.Future[T]":
        """Runs `work` between transactions. A list of events that it returns is published."""
        ...

    async def close(self) -> None:
        """Does what is queued, then refuses more and closes the log."""
        ...


class Job(Struct):
    """`work` is a write, or a call. `result` is set by who did it: what to give to `future`."""

    work: Write | Callable[[Any], Any]
    future: "asyncio.Future[Any]"
    result: Any = None


def perform(log: Log, jobs: list[Job]) -> None:
    """Sets the jobs' results, exceptions included; raises nothing."""
    writes: list[Job] = []
    for job in jobs:
        if isinstance(job.work, Write):
            writes.append(job)
        else:
            _append(log, writes)
            writes = []
            try:
                job.result = job.work(log)
            except Exception as e:
                job.result = e
    _append(log, writes)


def _append(log: Log, jobs: list[Job]) -> None:
    for first in range(0, len(jobs), GROUP):
        _append_group(log, jobs[first : first + GROUP])


def _append_group(log: Log, jobs: list[Job]) -> None:
    try:
        outcomes = log.append([job.work for job in jobs if isinstance(job.work, Write)])
    except Exception as e:
        if len(jobs) == 1:
            jobs[0].result = e
            return
        # The fault may lie in one of them (the one too large for what the disk has left): the others go on alone.
        for job in jobs:
            _append_group(log, [job])
        return
    for job, outcome in zip(jobs, outcomes, strict=True):
        job.result = outcome


def deliver(jobs: list[Job], publish: Publish) -> None:
    """Publishes what the jobs did and tells those who wait for them."""
    events: list[Event] = []
    for job in jobs:
        if isinstance(job.result, Event):
            events.append(job.result)
        elif isinstance(job.result, list):
            events += [event for event in job.result if isinstance(event, Event)]
    if events:
        publish(events)
    for job in jobs:
        if job.future.done():  # cancelled: it happened, but nobody wants to know
            continue
        if isinstance(job.result, Exception):
            job.future.set_exception(job.result)
        else:
            job.future.set_result(job.result)


def _closed() -> StoreUnavailable:
    return StoreUnavailable("the store is closed")


class InlineCommit:
    """Commits at the loop's next turn."""

    def __init__(self, log: Log, publish: Publish) -> None:
        self._log = log
        self._publish = publish
        self._jobs: list[Job] = []
        self._is_closed = False

    def write(self, write: Write) -> "asyncio.Future[Event]":
        return self._queue(write)

    def call(self, work: Callable[[Log], T]) -> "asyncio.Future[T]":
        return self._queue(work)

    def _queue(self, work: Write | Callable[[Log], Any]) -> "asyncio.Future[Any]":
        if self._is_closed:
            raise _closed()
        loop = asyncio.get_running_loop()
        if not self._jobs:
            loop.call_soon(self._run)
        job = Job(work, loop.create_future())
        self._jobs.append(job)
        return job.future

    def _run(self) -> None:
        jobs, self._jobs = self._jobs, []
        perform(self._log, jobs)
        deliver(jobs, self._publish)

    async def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._run()
            self._log.close()


class ThreadedCommit:
    """Commits on a thread of its own, which takes all that is queued as soon as it is free."""

    def __init__(self, log: Log, publish: Publish, lender: Lender) -> None:
        self._log = log
        self._publish = publish
        self._lender = lender
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._is_closed = False
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def write(self, write: Write) -> "asyncio.Future[Event]":
        return self._queue(write)

    def call(self, work: Callable[[Log], T]) -> "asyncio.Future[T]":
        return self._queue(work)

    def _queue(self, work: Write | Callable[[Log], Any]) -> "asyncio.Future[Any]":
        if self._is_closed:
            raise _closed()
        job = Job(work, self._loop.create_future())
        self._jobs.put(job)
        self._lender.given()
        return job.future

    async def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._jobs.put(None)
        await self._ended.wait()
        self._thread.join()

    def _take(self) -> tuple[list[Job], bool]:
        """All that is queued, waiting for the first; and whether to go on after it."""
        job = self._jobs.get()
        jobs: list[Job] = []
        try:
            while job is not None:
                jobs.append(job)
                if len(jobs) == GROUP:
                    return jobs, True
                job = self._jobs.get_nowait()
        except Empty:
            return jobs, True
        return jobs, False

    def _run(self) -> None:
        go_on = True
        while go_on:
            jobs, go_on = self._take()
            began = clock.monotonic()
            perform(self._log, jobs)
            COMMIT_SECONDS.observe(clock.monotonic() - began)
            COMMIT_WRITES.observe(len(jobs))
            if not self._tell(self._deliver, jobs):
                go_on = False
        self._log.close()
        self._tell(self._ended.set)

    def _deliver(self, jobs: list[Job]) -> None:
        self._lender.done(len(jobs))
        deliver(jobs, self._publish)

    def _tell(self, callback: Callable[..., None], *args: Any) -> bool:
        """Calls back on the loop; False when there is no loop any more."""
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            return False
        return True
