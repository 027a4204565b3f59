"""A log in a SQL database.

    history   every change: revision (primary key), key, deleted, create_revision, prev_revision, value
    current   every key that is there: key, mod_revision, create_revision, expires
    meta      compacted, swept, format

Values lie in the history once; `current` points there, so the state now costs a join by primary key, whatever the
length of the history. Compaction walks the history's revisions in slices and deletes what each change superseded.
Statements take many rows at once: each one is a hand-over of Python's interpreter lock to a busy event loop and back.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pynetes.storage.dialect import Connection, Dialect
from pynetes.storage.interface import (
    Compacted,
    Event,
    FutureRevision,
    KeyValue,
    ListResult,
    StoreError,
    StoreUnavailable,
)
from pynetes.storage.keys import prefix_end
from pynetes.storage.log import LogReader, Position
from pynetes.storage.mvcc import FIRST_REVISION, Outcome, Write, decide
from pynetes.storage.rows import history_event, history_row

T = TypeVar("T")

FORMAT = 1
_ROWS_MAX = 64
_RECLAIM_EVERY = 8

_REVISION = "SELECT max(revision) FROM history"
_META = "SELECT value FROM meta WHERE name = ?"
_PROBE = "UPDATE meta SET value = value WHERE name = 'format'"
_NEXT_EXPIRY = "SELECT min(expires) FROM current WHERE expires > 0"
_EXPIRED = "SELECT key, mod_revision FROM current WHERE expires > 0 AND expires <= ? ORDER BY expires LIMIT ?"
_SUPERSEDED = """
    SELECT revision, prev_revision, deleted FROM history
    WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT ?"""
# CROSS JOIN keeps SQLite from making the history the outer loop.
_CURRENT = """
    SELECT c.key, h.value, c.create_revision, c.mod_revision
    FROM current c CROSS JOIN history h WHERE h.revision = c.mod_revision"""
_GET = _CURRENT + " AND c.key = ?"
_RANGE = _CURRENT + " AND c.key >= ? AND c.key < ? ORDER BY c.key LIMIT ?"
_COUNT = "SELECT count(*) FROM current WHERE key >= ? AND key < ?"
_OLD_GET = """
    SELECT key, value, create_revision, revision, deleted FROM history
    WHERE key = ? AND revision <= ? ORDER BY revision DESC LIMIT 1"""
# The newest version of each key, and by the last bit whether it is a delete: all of it out of the index.
_OLD_KEYS = """
    SELECT max(revision * 2 + deleted) AS version FROM history WHERE key >= ? AND key < ? AND revision <= ?
    GROUP BY key HAVING max(revision * 2 + deleted) % 2 = 0"""
_OLD_RANGE = f"""
    SELECT h.key, h.value, h.create_revision, h.revision
    FROM ({_OLD_KEYS} ORDER BY key LIMIT ?) m CROSS JOIN history h WHERE h.revision = m.version >> 1"""
_OLD_COUNT = f"SELECT count(*) FROM ({_OLD_KEYS}) m"
_AFTER = """
    SELECT h.key, h.value, h.create_revision, h.revision, h.deleted, p.revision, p.value
    FROM history h LEFT JOIN history p ON p.revision = h.prev_revision
    WHERE h.revision > ? AND h.revision <= ? AND h.key >= ? AND h.key < ? ORDER BY h.revision LIMIT ?"""
_ALL = (1 << 62) - 1


class _Session:
    """One connection with the dialect's habits."""

    def __init__(self, dialect: Dialect, *, write: bool) -> None:
        self.dialect = dialect
        self.connection: Connection = dialect.connect(write=write)
        self._begin = dialect.begin_write if write else dialect.begin_read

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        if self.dialect.placeholder != "?":
            sql = sql.replace("?", self.dialect.placeholder)
        return self.connection.execute(sql, parameters)

    def value(self, sql: str, *parameters: Any) -> int:
        """The one number that a query gives, 0 for none."""
        row = self.execute(sql, parameters).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits at the end; on an error nothing has happened."""
        with self.undone_on_error():
            self.connection.execute(self._begin)
            yield
            self.connection.execute("COMMIT")

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """On an error, the transaction ends and nothing has happened. The driver's errors become StoreUnavailable."""
        try:
            try:
                yield
            except BaseException:
                self.dialect.rollback(self.connection)
                raise
        except StoreError:
            raise
        except Exception as e:
            why = self.dialect.unavailable(e)
            if why is None:
                raise
            raise StoreUnavailable(why) from e

    def position(self) -> Position:
        return Position(self.value(_REVISION) or FIRST_REVISION, self.value(_META, "compacted"))


class SQLLog:
    """Opens the database and makes its tables. StoreUnavailable when that fails or the format is a newer one."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._db = _Session(dialect, write=True)
        self._slices = 0
        with self._db.transaction():
            for statement in dialect.schema:
                self._db.execute(statement)
            found = self._db.value(_META, "format")
            if not found:
                self._set_meta(format=FORMAT)
            elif found > FORMAT:
                raise StoreUnavailable(f"the store was written by a newer version (format {found}, known: {FORMAT})")

    def append(self, writes: Sequence[Write]) -> list[Outcome]:
        with self._db.transaction():
            return self._append(writes)

    def stage(self, writes: Sequence[Write]) -> list[Outcome]:
        with self._db.undone_on_error():
            self._dialect.begin_at_once(self._db.connection)
            return self._append(writes)

    def commit(self) -> None:
        with self._db.undone_on_error():
            self._db.connection.execute("COMMIT")

    def _append(self, writes: Sequence[Write]) -> list[Outcome]:
        current = self._load({write.key for write in writes})
        outcomes = decide(writes, current, self._db.value(_REVISION) or FIRST_REVISION)
        done = [
            (outcome, write.expires)
            for write, outcome in zip(writes, outcomes, strict=True)
            if isinstance(outcome, Event)
        ]
        if done:
            self._record(done)
        return outcomes

    def _load(self, keys: set[str]) -> dict[str, KeyValue]:
        found: dict[str, KeyValue] = {}
        for part in _parts(sorted(keys)):
            sql = f"{_CURRENT} AND c.key IN ({_places(len(part))})"
            found.update((row[0], KeyValue(*row)) for row in self._db.execute(sql, part).fetchall())
        return found

    def _record(self, done: list[tuple[Event, int]]) -> None:
        history = [history_row(event) for event, _ in done]
        self._insert("history (revision, key, deleted, create_revision, prev_revision, value)", history)
        last = {event.kv.key: (event, expires) for event, expires in done}
        current = [
            (key, event.kv.mod_revision, event.kv.create_revision, expires)
            for key, (event, expires) in last.items()
            if event.type == "PUT"
        ]
        columns = "current (key, mod_revision, create_revision, expires)"
        self._insert(columns, current, self._dialect.upsert_current)
        self._delete("current", "key", [key for key, (event, _) in last.items() if event.type == "DELETE"])

    def _insert(self, into: str, rows: list[tuple[Any, ...]], upsert: str = "") -> None:
        for part in _parts(rows):
            places = ", ".join([f"({_places(len(part[0]))})"] * len(part))
            self._db.execute(f"INSERT INTO {into} VALUES {places} {upsert}", [value for row in part for value in row])

    def _delete(self, table: str, column: str, values: Sequence[Any]) -> None:
        for part in _parts(values):
            self._db.execute(f"DELETE FROM {table} WHERE {column} IN ({_places(len(part))})", part)

    def _set_meta(self, **values: int) -> None:
        self._insert("meta (name, value)", list(values.items()), self._dialect.upsert_meta)

    def expire(self, now: int, limit: int) -> list[Event]:
        with self._db.transaction():
            rows = self._db.execute(_EXPIRED, (now, limit)).fetchall()
            outcomes = self._append([Write(key, None, revision) for key, revision in rows]) if rows else []
        return [outcome for outcome in outcomes if isinstance(outcome, Event)]

    def compact(self, revision: int, limit: int) -> bool:
        with self._db.transaction():
            newest = self._db.value(_REVISION)
            swept = self._db.value(_META, "swept")
            rows = self._db.execute(_SUPERSEDED, (swept, revision, limit)).fetchall()
            done = len(rows) < limit
            # The newest row stays, even if it tells of a delete: the store's revision is read from it.
            old = [prev for _, prev, _ in rows if prev]
            old += [deleted for deleted, _, is_deleted in rows if is_deleted and deleted != newest]
            self._delete("history", "revision", old)
            swept = max(swept, min(revision, newest - 1)) if done else rows[-1][0]
            self._set_meta(compacted=max(revision, self._db.value(_META, "compacted")), swept=swept)
        self._slices += 1
        if done or self._slices % _RECLAIM_EVERY == 0:
            self._dialect.reclaim(self._db.connection)
        return done

    def probe(self) -> None:
        with self._db.transaction():
            self._db.execute(_PROBE)

    def reader(self) -> LogReader:
        return SQLReader(self._dialect)

    def close(self) -> None:
        self._db.connection.close()
        self._dialect.close()


class SQLReader:
    """Reads on a connection of its own, each call in one read transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self._db = _Session(dialect, write=False)

    def position(self) -> Position:
        with self._db.transaction():
            return self._db.position()

    def size(self) -> int:
        with self._db.transaction():
            return self._db.value(self._db.dialect.size)

    def next_expiry(self) -> int:
        with self._db.transaction():
            return self._db.value(_NEXT_EXPIRY)

    def get(self, key: str, revision: int) -> tuple[KeyValue | None, int]:
        with self._db.transaction():
            newest = self._check(revision)
            if not revision or revision == newest:
                row = self._db.execute(_GET, (key,)).fetchone()
                return (KeyValue(*row) if row else None), newest
            row = self._db.execute(_OLD_GET, (key, revision)).fetchone()
            return (KeyValue(*row[:4]) if row and not row[4] else None), newest

    def range(self, prefix: str, revision: int, limit: int, start: str) -> ListResult:
        first, end = max(prefix, start), prefix_end(prefix)
        with self._db.transaction():
            newest = self._check(revision)
            at = (revision,) if revision and revision != newest else ()
            rows = self._db.execute(_OLD_RANGE if at else _RANGE, (first, end, *at, limit or _ALL)).fetchall()
            if at:
                rows.sort()  # mostly is; a sort in the database would copy the values
            remaining = 0
            if limit and len(rows) == limit:
                remaining = self._db.value(_OLD_COUNT if at else _COUNT, rows[-1][0] + "\0", end, *at)
        return ListResult([KeyValue(*row) for row in rows], revision or newest, remaining > 0, remaining)

    def after(self, prefix: str, revision: int, upto: int, limit: int) -> list[Event]:
        with self._db.transaction():
            compacted = self._db.position().compacted
            if revision < compacted:
                raise Compacted(revision + 1, compacted + 1)
            rows = self._db.execute(_AFTER, (revision, upto, prefix, prefix_end(prefix), limit)).fetchall()
        return [history_event(*row) for row in rows]

    def _check(self, revision: int) -> int:
        position = self._db.position()
        if revision > position.revision:
            raise FutureRevision(revision, position.revision)
        if revision and revision < position.compacted:
            raise Compacted(revision, position.compacted)
        return position.revision

    def close(self) -> None:
        self._db.connection.close()


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Runs of 64, 32, … 1 items: few statements for any number, and few statement texts for the driver to keep."""
    first, size = 0, _ROWS_MAX
    while first < len(items):
        while size > len(items) - first:
            size >>= 1
        yield items[first : first + size]
        first += size


def _places(number: int) -> str:
    return ", ".join("?" * number)
