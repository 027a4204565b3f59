"""The layer under the log: what differs between SQL databases.

A dialect connects, speaks its database's SQL where that is its own, and tells which errors mean that the database is
not available. Connections are DB-API's in autocommit mode; `SQLLog` begins and ends transactions itself.
"""

from collections.abc import Sequence
from typing import Any, Protocol


class Cursor(Protocol):
    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """One connection, used by one thread at a time."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor: ...

    def close(self) -> None: ...


class Dialect(Protocol):
    """`placeholder` stands for a parameter; the statements of `SQLLog` are written with `?`."""

    placeholder: str
    schema: Sequence[str]
    """Statements that make the tables where they are missing."""
    begin_write: str
    begin_read: str
    upsert_current: str
    """What follows the rows of an INSERT INTO current (key, mod_revision, create_revision, expires) to replace them."""
    upsert_meta: str
    """The same for meta (name, value)."""

    size: str
    """Asks for the bytes that the tables take."""

    def connect(self, *, write: bool) -> Connection:
        """A new connection. StoreUnavailable."""
        ...

    def begin_at_once(self, connection: Connection) -> None:
        """`begin_write` that fails where it would have to wait for another process."""
        ...

    def unavailable(self, error: Exception) -> str | None:
        """Why the database failed, if `error` is of its driver."""
        ...

    def rollback(self, connection: Connection) -> None:
        """Ends a transaction that failed, if the database has not ended it already."""
        ...

    def reclaim(self, connection: Connection) -> None:
        """Gives some of the room that compaction freed back to the disk, if that is cheap."""
        ...

    def close(self) -> None:
        """Frees what all connections shared."""
        ...
