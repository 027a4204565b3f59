"""The store's verbs over a shared database."""

import asyncio
import functools
import math
from contextlib import AbstractAsyncContextManager
from typing import Self, TypeAlias

from pynetes.component import clock
from pynetes.component.tasks import BackgroundTasks
from pynetes.storage.coalesced import Coalesced
from pynetes.storage.database import log as history
from pynetes.storage.database.commit import GroupCommit
from pynetes.storage.database.dialect import Dialect, Session
from pynetes.storage.database.feed import Feed
from pynetes.storage.database.keeper import Keeper
from pynetes.storage.database.pool import Pool, attempt, connect
from pynetes.storage.hub import Hub
from pynetes.storage.interface import Event, FutureRevision, KeyValue, ListResult, StoreUnavailable, Watch
from pynetes.storage.mvcc import Write

Events: TypeAlias = list[Event]

_READERS = 4
_SWEEP = 500
_COMPACT_SLICE = 250
_COMPACT_LOCK_PERIOD = 0.1
_CATCH_UP = 0.05


class DatabaseStore:
    """A `Store`."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._tasks = BackgroundTasks("database")
        self._readers = Pool(dialect, _READERS)
        self._writer = Pool(dialect, 1)
        self._newest = Coalesced(self._read_revision, self._tasks)
        self._hub = Hub(self._read_after, newest=self._newest)
        self._feed = Feed(dialect, self._readers, self._hub, self._harden)
        self._commit = GroupCommit(self._writer, self._committed)
        self._durable = self._visible = 0
        self._hardened = Coalesced(self._harden_now, self._tasks)
        self._closed = False
        self._write_failed = False

    @classmethod
    async def open(cls, dialect: Dialect) -> Self:
        """Connects, makes the tables where they are missing. StoreUnavailable."""
        store = cls(dialect)
        try:
            await store._writer.run(dialect.create_tables)
            await store._writer.run(lambda session: history.check_format(session, dialect.where))
            store._hub.published = await store._read_revision()
        except BaseException:
            await store.close()
            raise
        for name, task in (
            ("commit", store._commit.run()),
            ("feed", store._feed.run()),
            ("listen", store._feed.listen()),
            ("keeper", Keeper(dialect, store._sweep).run()),
        ):
            store._tasks.start(task, name=name)
        return store

    # --- what is durable

    def _committed(self, events: Events) -> None:
        self._durable = max(self._durable, events[-1].kv.mod_revision)
        self._feed.committed(events)

    async def _harden(self, revision: int) -> None:
        """Returns when a revision that was seen can be lost no more: nothing is told before that."""
        if self._dialect.visible_early and revision > self._durable:
            self._visible = max(self._visible, revision)
            await self._hardened()

    async def _harden_now(self) -> None:
        visible = self._visible
        await self._readers.run(_harden)
        self._durable = max(self._durable, visible)

    # --- reads

    async def revision(self) -> int:
        revision = await self._newest()
        if revision > self._hub.published:
            # Who wants it in a watch cache need not ask again: mostly it is a moment away.
            await asyncio.wait((self._hub.reached(revision),), timeout=_CATCH_UP)
        return revision

    async def _read_revision(self) -> int:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        revision = (await self._readers.run(history.position)).revision
        await self._harden(revision)
        self._feed.saw(revision)
        return revision

    async def check(self) -> None:
        await self._newest()
        if self._write_failed:
            await self._commit.call(history.probe)
            self._write_failed = False

    async def size(self) -> int:
        return await self._readers.run(self._ask_size)

    async def _ask_size(self, session: Session) -> int:
        return int((await session.fetch(self._dialect.size))[0][0] or 0)

    async def get(self, key: str, *, revision: int = 0) -> tuple[KeyValue | None, int]:
        found, newest = await self._readers.run(lambda session: history.get(session, key, revision))
        await self._harden(newest)
        return found, newest

    async def list(self, prefix: str, *, revision: int = 0, limit: int = 0, start: str = "") -> ListResult:
        listed, newest = await self._readers.run(
            lambda session: history.list_range(session, prefix, revision, limit, start)
        )
        await self._harden(revision or newest)
        return listed

    async def _read_after(self, prefix: str, revision: int, upto: int, limit: int) -> Events:
        events, _ = await self._readers.run(
            lambda session: history.changes(session, revision, upto=upto, prefix=prefix, limit=limit)
        )
        return events

    # --- writes

    async def create(self, key: str, value: bytes, *, ttl: int = 0) -> KeyValue:
        return await self._write(key, value, 0, ttl)

    async def update(self, key: str, value: bytes, *, expected: int, ttl: int = 0) -> KeyValue:
        # A version is never 0, and a write takes 0 for "must not exist".
        return await self._write(key, value, expected or -1, ttl)

    async def delete(self, key: str, *, expected: int) -> KeyValue:
        return await self._write(key, None, expected, 0)

    async def _write(self, key: str, value: bytes | None, expected: int, ttl: int) -> KeyValue:
        expires = math.ceil(clock.time_seconds() + ttl) if ttl else 0
        try:
            event = await self._commit.write(Write(key, value, expected, expires))
        except StoreUnavailable:
            self._write_failed = True
            raise
        self._write_failed = False
        return event.kv

    async def _sweep(self) -> None:
        now = int(clock.time_seconds())
        while len(await self._commit.call(lambda session: history.expire(session, now, _SWEEP))) == _SWEEP:
            pass

    # --- watch, compaction, end

    def watch(self, prefix: str, *, start: int) -> AbstractAsyncContextManager[Watch]:
        return self._hub.watch(prefix, start)

    async def compact(self, revision: int) -> None:
        newest = await self._newest()
        if revision > newest:
            raise FutureRevision(revision, newest)
        await self._hub.come_to(revision)  # what is compacted can be told no more
        session = await connect(self._dialect)
        try:
            await self._compact(session, revision)
        finally:
            session.terminate()

    async def _compact(self, session: Session, revision: int) -> None:
        """One server at a time; those that waited for it find nothing left to do."""
        while not await attempt(self._dialect, session, _lock_compaction):
            await clock.sleep(_COMPACT_LOCK_PERIOD)
        sweep = await attempt(self._dialect, session, lambda s: history.begin_compaction(s, revision))
        if sweep is not None:
            one = functools.partial(history.compact_slice, sweep=sweep, limit=_COMPACT_SLICE)
            while not await attempt(self._dialect, session, one):
                pass

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._hub.close()
        await self._commit.close()
        await self._tasks.close()
        self._commit.abandon()
        self._readers.close()
        self._writer.close()


async def _harden(session: Session) -> None:
    await session.harden()


async def _lock_compaction(session: Session) -> bool:
    return await session.try_lock("compaction")
