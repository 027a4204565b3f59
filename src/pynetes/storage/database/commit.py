"""Group commit on a connection: all writes that arrive while a transaction runs go into the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pynetes.component import clock
from pynetes.storage.database import log
from pynetes.storage.database.dialect import Session, StatementRefused
from pynetes.storage.database.pool import Pool
from pynetes.storage.group_commit import COMMIT_SECONDS, COMMIT_WRITES, GROUP, Job, Publish, deliver
from pynetes.storage.interface import Event, StoreUnavailable
from pynetes.storage.mvcc import Write

_GROUP_BYTES = 4 << 20
"""Of values in one transaction: databases limit the size of a statement (MariaDB: 16 MiB)."""
_CLOSE_TIMEOUT = 5.0

Work = Callable[[Session], Awaitable[list[Event]]]


class GroupCommit:
    """`run` in a task. `publish` is told every transaction's events, before those who wrote them."""

    def __init__(self, pool: Pool, publish: Publish) -> None:
        self._pool = pool
        self._publish = publish
        self._jobs: list[Job] = []
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_closed = False

    def write(self, write: Write) -> "asyncio.Future[Event]":
        """Queues a write; the future's error is what refused it."""
        return self._queue(write)

    def call(self, work: Work) -> "asyncio.Future[list[Event]]":
        """Runs `work` between transactions and publishes the events that it returns."""
        return self._queue(work)

    def _queue(self, work: Write | Work) -> "asyncio.Future[Any]":
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        job = Job(work, asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._idle.clear()
        self._wake.set()
        return job.future

    async def run(self) -> None:
        """Ends only by cancellation."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._jobs:
                await self._commit(self._take())
            self._idle.set()

    def _take(self) -> list[Job]:
        """The writes of the next transaction, or one call."""
        size = number = 0
        for number, job in enumerate(self._jobs):
            if not isinstance(job.work, Write):
                break
            size += len(job.work.value or b"")
            if number == GROUP or (number and size > _GROUP_BYTES):
                break
        else:
            number += 1
        taken = self._jobs[: number or 1]
        del self._jobs[: number or 1]
        return taken

    async def _commit(self, jobs: list[Job]) -> None:
        began = clock.monotonic()
        try:
            await self._perform(jobs)
        except BaseException:
            for job in jobs:
                job.result = job.result or StoreUnavailable("the store is closed; the write may have happened")
            raise
        finally:
            deliver(jobs, self._publish)
        COMMIT_SECONDS.observe(clock.monotonic() - began)
        COMMIT_WRITES.observe(len(jobs))

    async def _perform(self, jobs: list[Job]) -> None:
        """Sets the jobs' results, exceptions included."""
        work = jobs[0].work
        try:
            if not isinstance(work, Write):
                jobs[0].result = await self._pool.run(work)
                return
            writes = [job.work for job in jobs if isinstance(job.work, Write)]
            outcomes = await self._pool.run(lambda session: log.append(session, writes))
            for job, outcome in zip(jobs, outcomes, strict=True):
                job.result = outcome
        except StatementRefused as e:
            if len(jobs) == 1:
                jobs[0].result = e
                return
            # The fault may lie in one of them (too large for what the disk has left): the others go on alone.
            for job in jobs:
                await self._perform([job])
        except Exception as e:
            for job in jobs:
                job.result = e

    async def close(self) -> None:
        """Does what is queued, then refuses more. The owner ends `run`, then calls `abandon`."""
        self._is_closed = True
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT):
                await self._idle.wait()
        except TimeoutError:
            pass

    def abandon(self) -> None:
        """Refuses what is left."""
        for job in self._jobs:
            job.result = StoreUnavailable("the store is closed")
        deliver(self._jobs, self._publish)
        self._jobs.clear()
