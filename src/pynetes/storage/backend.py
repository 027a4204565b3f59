"""The store's verbs over a log: writes through the group commit queue, reads beside it, watches through the hub."""

import asyncio
import logging
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias, TypeVar

from pynetes.component import clock
from pynetes.storage.group_commit import Commit, InlineCommit, ThreadedCommit
from pynetes.storage.hub import Hub
from pynetes.storage.interface import Event, FutureRevision, KeyValue, ListResult, StoreUnavailable, Watch
from pynetes.storage.lending import Lender
from pynetes.storage.log import Log, LogReader
from pynetes.storage.mvcc import Write

T = TypeVar("T")
Events: TypeAlias = list[Event]

log = logging.getLogger(__name__)

_READERS = 2
_SWEEP = 500
_SWEEP_PERIOD = 1.0
_SWEEP_RETRY = 10
_COMPACT_SLICE = 250
_FAILURE_COUNTS = 10.0


class Backend:
    """A `Store` over a `Log`. `threads`: the log may block, so it gets a writer thread and a few reader threads."""

    def __init__(self, log: Log, *, threads: bool) -> None:
        self._log = log
        self._near = log.reader()
        self._far: list[LogReader] = [log.reader() for _ in range(_READERS)] if threads else []
        self._pool = ThreadPoolExecutor(_READERS, "store-reader") if threads else None
        self._lender = Lender(asyncio.get_running_loop()) if threads else None
        self._commit: Commit = (
            ThreadedCommit(log, self._publish, self._lender) if self._lender else InlineCommit(log, self._publish)
        )
        self._hub = Hub(self._read_after)
        self._hub.published = self._near.position().revision
        self._compacting = asyncio.Lock()
        self._closed = False
        self._failure: StoreUnavailable | None = None  # of the last write
        self._failed_at = 0.0
        self._sweep_at = 0
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._sweep_by(self._near.next_expiry())

    # --- reads

    async def _read(self, work: Callable[[LogReader], T]) -> T:
        """On a reader thread where the log may block."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        if self._pool is None or self._lender is None:
            return work(self._near)
        self._lender.given()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._with_reader, work)
        finally:
            self._lender.done()

    def _with_reader(self, work: Callable[[LogReader], T]) -> T:
        reader = self._far.pop()
        try:
            return work(reader)
        finally:
            self._far.append(reader)

    async def _read_after(self, prefix: str, revision: int, upto: int, limit: int) -> list[Event]:
        return await self._read(lambda reader: reader.after(prefix, revision, upto, limit))

    async def revision(self) -> int:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return self._hub.published

    async def check(self) -> None:
        await self.revision()
        if self._failure is not None:
            # What is left of a full disk may still take a small write: a recent failure counts for more.
            if clock.monotonic() < self._failed_at + _FAILURE_COUNTS:
                raise StoreUnavailable(str(self._failure))
            await self._commit.call(lambda log: log.probe())
            self._failure = None

    async def size(self) -> int:
        return await self._read(lambda reader: reader.size())

    async def get(self, key: str, *, revision: int = 0) -> tuple[KeyValue | None, int]:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        # One lookup by key costs less than a change of threads.
        return self._near.get(key, revision)

    async def list(self, prefix: str, *, revision: int = 0, limit: int = 0, start: str = "") -> ListResult:
        return await self._read(lambda reader: reader.range(prefix, revision, limit, start))

    # --- writes

    async def create(self, key: str, value: bytes, *, ttl: int = 0) -> KeyValue:
        return await self._write(key, value, 0, ttl)

    async def update(self, key: str, value: bytes, *, expected: int, ttl: int = 0) -> KeyValue:
        # A version is never 0, and the log takes 0 for "must not exist".
        return await self._write(key, value, expected or -1, ttl)

    async def delete(self, key: str, *, expected: int) -> KeyValue:
        return await self._write(key, None, expected, 0)

    async def _write(self, key: str, value: bytes | None, expected: int, ttl: int) -> KeyValue:
        expires = math.ceil(clock.time_seconds() + ttl) if ttl else 0
        try:
            event = await self._commit.write(Write(key, value, expected, expires))
        except StoreUnavailable as e:
            self._failure, self._failed_at = e, clock.monotonic()
            raise
        self._failure = None
        self._sweep_by(expires)
        return event.kv

    def _publish(self, events: Events) -> None:
        self._hub.publish(events, events[-1].kv.mod_revision)

    # --- expiry: one timer for the key that expires next, and a sweep that takes all whose time is over

    def _sweep_by(self, expires: int) -> None:
        if not expires or self._closed or (self._sweep_timer is not None and self._sweep_at <= expires):
            return
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        self._sweep_at = expires
        delay = max(_SWEEP_PERIOD, expires - clock.time_seconds())
        self._sweep_timer = asyncio.get_running_loop().call_later(delay, self._sweep)

    def _sweep(self) -> None:
        self._sweep_timer = None
        if not self._closed:
            now = int(clock.time_seconds())
            self._commit.call(lambda log: log.expire(now, _SWEEP)).add_done_callback(self._swept)

    def _swept(self, swept: "asyncio.Future[Events]") -> None:
        if self._closed or swept.cancelled():
            return
        if error := swept.exception():
            log.warning("expired keys stay for now: %s", error)
            self._sweep_by(int(clock.time_seconds()) + _SWEEP_RETRY)
        elif len(swept.result()) == _SWEEP:
            self._sweep()
        else:
            self._sweep_by(self._near.next_expiry())

    # --- watch, compaction, end

    def watch(self, prefix: str, *, start: int) -> AbstractAsyncContextManager[Watch]:
        return self._hub.watch(prefix, start)

    async def compact(self, revision: int) -> None:
        if revision > self._hub.published:
            raise FutureRevision(revision, self._hub.published)
        async with self._compacting:
            while not await self._commit.call(lambda log: log.compact(revision, _COMPACT_SLICE)):
                pass

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        self._hub.close()
        if self._pool is not None:
            self._pool.shutdown()
        for reader in (self._near, *self._far):
            reader.close()
        await self._commit.close()
        if self._lender is not None:
            self._lender.close()
