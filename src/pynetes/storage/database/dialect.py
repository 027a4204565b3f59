"""What differs between database servers: connecting, the write lock, statements for many rows, errors.

Keys are bytes in the database (UTF-8): then every one of them orders and compares keys by code point.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct, field

from pynetes.storage.interface import StoreUnavailable

Row: TypeAlias = Sequence[Any]


class ConnectionLost(StoreUnavailable):
    """The connection broke; what it was about to do has not happened, unless it was committing."""


class NoAnswer(ConnectionLost):
    """The database stayed silent: trying again would take as long again."""


class StatementRefused(StoreUnavailable):
    """The database refused a statement and did nothing of its transaction: too large, no room, deadlock, no right."""


class OutcomeUnknown(StoreUnavailable):
    """The connection broke during a commit."""


class Changes(Struct):
    """The rows of one transaction: `history` as `rows.history_row` with the key as bytes; `current` (key,
    mod_revision, create_revision, expires) replaces a key's row; `gone` are keys without one from now on."""

    history: list[Row] = field(default_factory=list)
    current: list[Row] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)


class Session(Protocol):
    """One connection, used by one task at a time. Methods raise the driver's errors."""

    committing: bool
    """Set by who commits: if it breaks now, nobody knows whether it did."""

    @property
    def is_closed(self) -> bool: ...

    async def fetch(self, sql: str, *parameters: Any) -> Sequence[Row]:
        """A statement with `?` for parameters. Outside of `begin` and `commit`, it is a transaction of its own."""
        ...

    async def begin(self) -> None:
        """Begins a transaction and takes the store's write lock, which ends with it. Statements from then on see all
        that was committed under the lock."""
        ...

    async def begin_view(self) -> None:
        """Begins a transaction that reads one moment, and takes no lock."""
        ...

    async def load(self, keys: Sequence[bytes]) -> Sequence[Row]:
        """One row for each of the keys that is there, and one at least: newest revision (None: no history), key (None:
        no key), value, create_revision, mod_revision."""
        ...

    async def record(self, changes: Changes) -> None: ...

    async def commit(self, revision: int) -> None:
        """Commits durably, and tells other servers that listen."""
        ...

    async def rollback(self) -> None: ...

    async def try_lock(self, purpose: str) -> bool:
        """Takes a lock of this store for as long as the connection lives; False when another connection has it."""
        ...

    async def forget(self, revisions: Sequence[int]) -> None:
        """Deletes rows of history."""
        ...

    async def harden(self) -> None:
        """Returns when all that was visible at the call is durable. Called only if `Dialect.visible_early`."""
        ...

    def terminate(self) -> None:
        """Drops the connection at once, and with it an open transaction."""
        ...


class Dialect(Protocol):
    where: str
    """The database in messages: kind, host, name."""
    visible_early: bool
    """Others may see a commit before it is durable, and an engine that is killed then forgets what they saw."""
    listens: bool
    """Whether it tells of others' commits; otherwise the history is polled."""
    size: str
    """The statement for the bytes that the tables take on disk."""

    async def connect(self) -> Session: ...

    async def create_tables(self, session: Session) -> None:
        """Makes what is missing, while others may do the same."""
        ...

    async def listen(self, told: Callable[[int], None]) -> None:
        """Calls back with 0 once it listens, then with each newest revision that is committed. Returns or raises when
        the connection is lost."""
        ...

    def error(self, error: Exception) -> ConnectionLost | StatementRefused | None:
        """What a driver's error means; None for one that is no driver's."""
        ...
