"""SQLite: read beside its server, restored into a file that then takes the old one's place.

The view is a read transaction of another process's connection: in WAL mode it sees one moment, and neither waits for
the writer nor keeps it waiting; only the log cannot be reset meanwhile, and grows.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from pynetes.storage.interface import StoreUnavailable
from pynetes.storage.mvcc import FIRST_REVISION
from pynetes.storage.snapshot.target import StoreNotEmpty
from pynetes.storage.snapshot.view import AFTER_LAST_KEY, Record
from pynetes.storage.sql_log import FORMAT
from pynetes.storage.sqlite import SQLite, lock

T = TypeVar("T")

_BUSY_SECONDS = 2.0
_REVISION = "SELECT max(revision) FROM history"
_PAGE = """
    SELECT c.key, h.value, c.create_revision, c.mod_revision, c.expires
    FROM current c CROSS JOIN history h
    WHERE h.revision = c.mod_revision AND c.key >= ? AND c.key < ? ORDER BY c.key LIMIT ?"""
_KEYS = "SELECT key FROM current WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
_HISTORY = """
    INSERT INTO history (revision, key, deleted, create_revision, prev_revision, value) VALUES (?1, ?2, 0, ?1, 0, ?3)"""
_CURRENT = "INSERT INTO current (key, mod_revision, create_revision, expires) VALUES (?1, ?2, ?2, ?3)"


@contextmanager
def told(path: Path) -> Iterator[None]:
    """The file's errors as StoreUnavailable."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(f"SQLite, {path}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"SQLite, {path}: {error.strerror}") from error


def connect(path: Path) -> sqlite3.Connection:
    """StoreUnavailable when there is no store. Whoever closes it last leaves no log behind, as its server does."""
    if not path.exists():
        raise StoreUnavailable(f"there is no store at {path}")
    with told(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
        try:
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """StoreUnavailable for a database that is none of ours."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables >= {"history", "current", "meta"}:
        raise StoreUnavailable(f"{path} holds no store")
    row = connection.execute("SELECT value FROM meta WHERE name = 'format'").fetchone()
    if row and row[0] > FORMAT:
        raise StoreUnavailable(f"{path} was written by a newer version (format {row[0]}, known: {FORMAT})")


class SQLiteView:
    engine = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = connect(path)
        self.revision: int = self._run(self._begin)

    def _begin(self) -> int:
        self.connection.execute("PRAGMA query_only = ON").fetchall()
        self.connection.execute("BEGIN")
        return self.connection.execute(_REVISION).fetchone()[0] or FIRST_REVISION

    def _run(self, work: Callable[[], T]) -> T:
        with told(self.path):
            return work()

    async def page(self, start: str, limit: int) -> list[Record]:
        return await asyncio.to_thread(self._run, lambda: self._page(start, limit))

    def _page(self, start: str, limit: int) -> list[Record]:
        return [Record(*row) for row in self.connection.execute(_PAGE, (start, AFTER_LAST_KEY, limit))]

    async def keys(self, start: str, limit: int) -> list[str]:
        return await asyncio.to_thread(self._run, lambda: self._keys(start, limit))

    def _keys(self, start: str, limit: int) -> list[str]:
        return [key for (key,) in self.connection.execute(_KEYS, (start, AFTER_LAST_KEY, limit))]

    def close(self) -> None:
        self.connection.close()


@asynccontextmanager
async def view(path: Path) -> AsyncIterator[SQLiteView]:
    opened = SQLiteView(path)
    try:
        yield opened
    finally:
        opened.close()


class SQLiteTarget:
    """Writes to `temporary`, without a journal: until it is renamed, nobody knows it."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.path = path
        self.temporary = path.with_name(path.name + ".restoring")
        self.revision = 0
        self._newest = 0
        self._connection: sqlite3.Connection | None = None
        if path.exists() and path.stat().st_size:
            existing = connect(path)
            try:
                self.revision = existing.execute(_REVISION).fetchone()[0] or 0
            finally:
                existing.close()
            if self.revision and not overwrite:
                raise StoreNotEmpty(str(path))

    async def begin(self, base: int) -> None:
        self._newest = base
        with told(self.temporary):
            self.discard()
            os.close(os.open(self.temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))  # it holds Secrets
            self._connection = sqlite3.connect(self.temporary, isolation_level=None, check_same_thread=False)
            for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = OFF", "synchronous = OFF"):
                self._connection.execute(f"PRAGMA {pragma}").fetchall()
            self._connection.execute("BEGIN")
            for statement in SQLite.schema:
                self._connection.execute(statement)

    async def put(self, records: Sequence[Record]) -> None:
        first = self._newest + 1
        self._newest += len(records)
        await asyncio.to_thread(self._put, first, records)

    def _put(self, first: int, records: Sequence[Record]) -> None:
        assert self._connection is not None
        with told(self.temporary):
            numbered = list(enumerate(records, first))
            self._connection.executemany(_HISTORY, [(number, each.key, each.value) for number, each in numbered])
            self._connection.executemany(_CURRENT, [(each.key, number, each.expires) for number, each in numbered])

    async def commit(self) -> int:
        await asyncio.to_thread(self._commit)
        return self._newest

    def _commit(self) -> None:
        connection = self._connection
        assert connection is not None
        with told(self.temporary):
            meta = {"format": FORMAT, "compacted": self._newest, "swept": self._newest - 1}
            connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            connection.execute("COMMIT")
            connection.close()
            sync(self.temporary)
        with told(self.path):
            self._settle_old()
            self.temporary.replace(self.path)
            sync(self.path.parent)

    def _settle_old(self) -> None:
        """What the old store's log holds goes into its file: left there, it would be taken for the new one's."""
        if not self.path.exists() or not self.path.stat().st_size:
            return
        old = connect(self.path)
        try:
            if old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                raise StoreUnavailable(f"SQLite, {self.path}: another process is reading it")
        finally:
            old.close()

    def discard(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self.temporary.unlink(missing_ok=True)


@asynccontextmanager
async def target(path: Path, *, overwrite: bool) -> AsyncIterator[SQLiteTarget]:
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        held = lock(path)
    try:
        opened = SQLiteTarget(path, overwrite=overwrite)
        try:
            yield opened
        finally:
            with contextlib.suppress(sqlite3.Error):
                opened.discard()
    finally:
        os.close(held)


def sync(path: Path) -> None:
    """Makes a file, or the names in a directory, durable."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
