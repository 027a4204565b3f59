"""The group commit queue: all writes that arrive while a transaction runs go into the next one.

A disk makes a few thousand transactions durable in a second, however small; together, writers share one.
`ThreadedCommit` waits for the disk on a thread of its own; `InlineCommit` is for logs in memory: there is nothing to
wait for, and a run is as deterministic as its loop.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from pynetes.component import clock, metrics
from pynetes.storage.interface import Event, StoreUnavailable
from pynetes.storage.lending import Lender
from pynetes.storage.log import Log
from pynetes.storage.mvcc import Outcome, Write

T = TypeVar("T")

GROUP = 512
"""Writes in one transaction at most, so that the first of them does not wait for too many."""

_STAGE_FROM, _STAGE_BYTES = 4, 256 << 10
"""What is staged on the event loop: so many writes at least, as few would cost it more than they save, and no more
bytes of values, which would keep it for milliseconds."""

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
    """Commits on a thread of its own, which takes all that is queued as soon as it is free.

    While the loop is busy, the thread waits for the interpreter's lock after each statement. So when many write, the
    statements are staged on the loop, and the thread only waits for the disk. It appends what is not staged: few
    writes, large ones, those that would have to wait for another process.
    """

    def __init__(self, log: Log, publish: Publish, lender: Lender) -> None:
        self._log = log
        self._publish = publish
        self._lender = lender
        self._loop = asyncio.get_running_loop()
        self._jobs: list[Job] = []
        self._is_busy = False
        self._given: SimpleQueue[_Group | None] = SimpleQueue()
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
        self._jobs.append(job)
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._next)
        return job.future

    async def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            if not self._is_busy:
                self._given.put(None)
        await self._ended.wait()
        self._thread.join()

    # --- on the loop

    def _next(self) -> None:
        """Gives the thread all that is queued."""
        self._is_busy = bool(self._jobs)
        if not self._is_busy:
            if self._is_closed:
                self._given.put(None)
            return
        group = _Group(self._jobs[:GROUP], clock.monotonic())
        del self._jobs[:GROUP]
        group.stage(self._log)
        self._given.put(group)
        self._lender.given()

    def _deliver(self, group: "_Group") -> None:
        self._lender.done()
        deliver(group.jobs, self._publish)
        self._next()

    # --- on the thread

    def _run(self) -> None:
        while (group := self._given.get()) is not None:
            group.finish(self._log)
            COMMIT_SECONDS.observe(clock.monotonic() - group.began)
            COMMIT_WRITES.observe(len(group.jobs))
            if not self._tell(self._deliver, group):
                break
        self._log.close()
        self._tell(self._ended.set)

    def _tell(self, callback: Callable[..., None], *args: Any) -> bool:
        """Calls back on the loop; False when there is no loop any more."""
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            return False
        return True


class _Group(Struct):
    """Jobs on their way; `outcomes` are those of staged writes, None where nothing is staged."""

    jobs: list[Job]
    began: float
    outcomes: Sequence[Outcome] | None = None

    def stage(self, log: Log) -> None:
        writes = [job.work for job in self.jobs if isinstance(job.work, Write)]
        size = sum(len(write.value or b"") for write in writes)
        if len(writes) < max(len(self.jobs), _STAGE_FROM) or size > _STAGE_BYTES:
            return
        # Whatever is wrong with it shows again when it is appended.
        with contextlib.suppress(Exception):
            self.outcomes = log.stage(writes)

    def finish(self, log: Log) -> None:
        """Sets the jobs' results, exceptions included; raises nothing."""
        if self.outcomes is not None:
            try:
                log.commit()
            except Exception:
                self.outcomes = None
        if self.outcomes is None:
            perform(log, self.jobs)
            return
        for job, outcome in zip(self.jobs, self.outcomes, strict=True):
            job.result = outcome
