"""SQLite, the embedded default: one file, one process, durable before acknowledged.

WAL with synchronous=FULL: readers and the writer do not wait for each other, and a commit is one append and one sync.
The file can be read with plain SQL at any time, by other processes too (the view `objects` is a start); a lock file
beside it keeps a second server out.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pynetes.storage.backend import Backend
from pynetes.storage.dialect import Connection
from pynetes.storage.interface import StoreUnavailable
from pynetes.storage.sql_log import SQLLog

_BUSY_SECONDS = 2.0
_CACHE_KIB = 8192
_CHECKPOINT_PAGES = 2000
_RECLAIM_PAGES = 500
_RECLAIM_FROM = 4096


class SQLiteStore(Backend):
    """A store in one file."""

    @classmethod
    async def open(cls, path: str | Path) -> Self:
        """Opens or makes the file and the directories above it. StoreUnavailable says what is in the way."""
        dialect = SQLite(Path(path))
        try:
            return cls(SQLLog(dialect), threads=True)
        except BaseException:
            dialect.close()
            raise


class SQLite:
    """The dialect. Takes the lock file when made; `close` gives it back."""

    placeholder = "?"
    begin_write = "BEGIN IMMEDIATE"
    begin_read = "BEGIN"
    upsert_current = """ON CONFLICT (key) DO UPDATE SET
        mod_revision = excluded.mod_revision, create_revision = excluded.create_revision, expires = excluded.expires"""
    upsert_meta = "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    # In a row of history, the value comes last: what is before it can be read without the pages of a long value.
    schema: Sequence[str] = (
        """CREATE TABLE IF NOT EXISTS history (
            revision INTEGER PRIMARY KEY, key TEXT NOT NULL, deleted INTEGER NOT NULL,
            create_revision INTEGER NOT NULL, prev_revision INTEGER NOT NULL, value BLOB)""",
        "CREATE UNIQUE INDEX IF NOT EXISTS history_key ON history (key, revision, deleted)",
        """CREATE TABLE IF NOT EXISTS current (
            key TEXT PRIMARY KEY, mod_revision INTEGER NOT NULL, create_revision INTEGER NOT NULL,
            expires INTEGER NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX IF NOT EXISTS current_expires ON current (expires) WHERE expires > 0",
        "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        """CREATE VIEW IF NOT EXISTS objects AS
            SELECT c.key, c.create_revision, c.mod_revision, c.expires, CAST(h.value AS TEXT) AS value
            FROM current c JOIN history h ON h.revision = c.mod_revision""",
    )

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = lock(path)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # it holds Secrets
        except OSError as e:
            raise StoreUnavailable(f"cannot open the store {path}: {e.strerror}") from e

    def connect(self, *, write: bool) -> Connection:
        try:
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
            )
            for pragma in _pragmas(write):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.Error as e:
            raise StoreUnavailable(f"cannot open the store {self._path}: {e}") from e
        return connection

    def begin_at_once(self, connection: Connection) -> None:
        connection.execute("PRAGMA busy_timeout = 0").fetchall()
        try:
            connection.execute(self.begin_write)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_SECONDS * 1000)}").fetchall()

    def unavailable(self, error: Exception) -> str | None:
        return f"SQLite, {self._path}: {error}" if isinstance(error, sqlite3.Error) else None

    def rollback(self, connection: Connection) -> None:
        assert isinstance(connection, sqlite3.Connection)
        with contextlib.suppress(sqlite3.Error):  # on a full disk, SQLite may have rolled back by itself
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def reclaim(self, connection: Connection) -> None:
        # Freed pages are used again, so only a great surplus is worth the writing.
        with contextlib.suppress(sqlite3.Error):
            if connection.execute("PRAGMA freelist_count").fetchone()[0] > _RECLAIM_FROM:
                connection.execute(f"PRAGMA incremental_vacuum({_RECLAIM_PAGES})").fetchall()

    def close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _pragmas(write: bool) -> list[str]:
    common = [f"cache_size = -{_CACHE_KIB if write else _CACHE_KIB // 4}", "temp_store = MEMORY"]
    if not write:
        return ["query_only = ON", *common]
    return [
        "auto_vacuum = INCREMENTAL",
        "journal_mode = WAL",
        "synchronous = FULL",
        f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        f"journal_size_limit = {_CHECKPOINT_PAGES * 4096 * 8}",
        *common,
    ]


def lock(store: Path) -> int:
    """Takes the lock file beside the store, whose text is the holder's process id. StoreUnavailable, OSError."""
    file = os.open(store.with_name(store.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(file, 20).decode(errors="replace").strip()
        os.close(file)
        raise StoreUnavailable(f"the store {store} is in use by process {holder}") from None
    with contextlib.suppress(OSError):  # the lock holds on a full disk, too
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    return file
