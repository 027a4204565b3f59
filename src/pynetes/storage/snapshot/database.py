"""PostgreSQL and MySQL: read in one transaction that sees one moment, restored in one that holds the write lock.

The restore is one transaction, however large: a database that is killed, or whose disk is full, forgets all of it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pynetes.component import clock
from pynetes.storage.database import log
from pynetes.storage.database.dialect import Changes, Dialect, Row, Session
from pynetes.storage.database.pool import attempt, connect
from pynetes.storage.interface import StoreUnavailable
from pynetes.storage.snapshot.target import StoreNotEmpty
from pynetes.storage.snapshot.view import AFTER_LAST_KEY, Record

T = TypeVar("T")

_LINGERING_SECONDS, _LOCK_PERIOD = 3.0, 0.1

_TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'history' AND table_schema = "
_PAGE = """
    SELECT c."key", h.value, c.create_revision, c.mod_revision, c.expires
    FROM current c JOIN history h ON h.revision = c.mod_revision
    WHERE c."key" >= ? AND c."key" < ? ORDER BY c."key" LIMIT ?"""
_PAGE_OF_KEYS = 'SELECT "key" FROM current WHERE "key" >= ? AND "key" < ? ORDER BY "key" LIMIT ?'
_REVISIONS = "SELECT revision FROM history WHERE revision > ? ORDER BY revision LIMIT 2000"
_KEYS = 'SELECT "key" FROM current WHERE "key" > ? ORDER BY "key" LIMIT 2000'
_SET_META = "UPDATE meta SET value = ? WHERE name = ?"


class DatabaseView:
    """A `View` within one transaction of `session`, at `revision`."""

    def __init__(self, dialect: Dialect, session: Session, engine: str, revision: int) -> None:
        self.engine = engine
        self.revision = revision
        self._dialect = dialect
        self._session = session

    async def page(self, start: str, limit: int) -> list[Record]:
        bounds = (start.encode(), AFTER_LAST_KEY.encode(), limit)
        rows = await attempt(self._dialect, self._session, lambda session: session.fetch(_PAGE, *bounds))
        return [Record(row[0].decode(), *row[1:]) for row in rows]

    async def keys(self, start: str, limit: int) -> list[str]:
        bounds = (start.encode(), AFTER_LAST_KEY.encode(), limit)
        rows = await attempt(self._dialect, self._session, lambda session: session.fetch(_PAGE_OF_KEYS, *bounds))
        return [row[0].decode() for row in rows]


@asynccontextmanager
async def view(dialect: Dialect, engine: str) -> AsyncIterator[DatabaseView]:
    session = await existing(dialect)
    try:
        await attempt(dialect, session, lambda s: s.begin_view())
        revision = (await attempt(dialect, session, log.position)).revision
        if dialect.visible_early:  # what is in a snapshot must not be lost in the store
            await _hardened(dialect)
        yield DatabaseView(dialect, session, engine, revision)
    finally:
        session.terminate()


async def existing(dialect: Dialect) -> Session:
    """A connection to a store that is there. StoreUnavailable."""
    session = await connect(dialect)
    try:
        here = "current_schema()" if dialect.listens else "database()"
        if not (await attempt(dialect, session, lambda s: s.fetch(_TABLES + here)))[0][0]:
            raise StoreUnavailable(f"{dialect.where} holds no store")
        await attempt(dialect, session, lambda s: log.check_format(s, dialect.where))
    except BaseException:
        session.terminate()
        raise
    return session


async def _hardened(dialect: Dialect) -> None:
    session = await connect(dialect)
    try:
        await attempt(dialect, session, lambda s: s.harden())
    finally:
        session.terminate()


class DatabaseTarget:
    def __init__(self, dialect: Dialect, session: Session) -> None:
        self.revision = 0
        self._dialect = dialect
        self._session = session
        self._newest = 0

    async def _do(self, work: Callable[[Session], Awaitable[T]]) -> T:
        return await attempt(self._dialect, self._session, work)

    async def _fetch(self, sql: str, *parameters: Any) -> Sequence[Row]:
        return await self._do(lambda session: session.fetch(sql, *parameters))

    async def _forget(self, revisions: Sequence[int]) -> None:
        await self._do(lambda session: session.forget(revisions))

    async def _record(self, changes: Changes) -> None:
        await self._do(lambda session: session.record(changes))

    async def open(self, *, overwrite: bool) -> None:
        await self._do(self._dialect.create_tables)
        await self._do(lambda session: log.check_format(session, self._dialect.where))
        await self._see_it_unused()
        await self._do(lambda session: session.begin())
        newest = (await self._fetch("SELECT max(revision) FROM history"))[0][0]
        if newest is not None and not overwrite:
            raise StoreNotEmpty(self._dialect.where)
        self.revision = newest or 0

    async def _see_it_unused(self) -> None:
        """Every API server waits for this lock, and the first has it; one that has just ended, until the database has
        noticed."""
        deadline = clock.monotonic() + _LINGERING_SECONDS
        while not await self._do(lambda session: session.try_lock("keeper")):
            if clock.monotonic() >= deadline:
                raise StoreUnavailable(f"{self._dialect.where} is in use by an API server")
            await clock.sleep(_LOCK_PERIOD)

    async def begin(self, base: int) -> None:
        self._newest = base
        if self.revision:
            await self._clear()

    async def _clear(self) -> None:
        """In slices, as all else here: no statement takes longer than the database has time for one."""
        revision, key = 0, b""
        while rows := await self._fetch(_REVISIONS, revision):
            await self._forget([row[0] for row in rows])
            revision = rows[-1][0]
        while rows := await self._fetch(_KEYS, key):
            await self._record(Changes(gone=[row[0] for row in rows]))
            key = rows[-1][0]

    async def put(self, records: Sequence[Record]) -> None:
        made = Changes()
        for record in records:
            self._newest += 1
            key = record.key.encode()
            made.history.append((self._newest, key, 0, self._newest, 0, record.value))
            made.current.append((key, self._newest, self._newest, record.expires))
        await self._record(made)

    async def commit(self) -> int:
        for name, value in (("compacted", self._newest), ("swept", self._newest - 1)):
            await self._fetch(_SET_META, value, name)
        self._session.committing = True
        await self._do(lambda session: session.commit(self._newest))
        return self._newest


@asynccontextmanager
async def target(dialect: Dialect, *, overwrite: bool) -> AsyncIterator[DatabaseTarget]:
    session = await connect(dialect)
    try:
        opened = DatabaseTarget(dialect, session)
        await opened.open(overwrite=overwrite)
        yield opened
    finally:
        session.terminate()
