"""The layer under the backend: durable history with the current state, synchronous.

A log knows nothing of event loops. One thread at a time appends and compacts; any number of readers, each used by one
thread at a time, read meanwhile without waiting for it. The backend decides on which threads all of that runs: of a
write, only `commit` waits for the disk.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from pynetes.storage.interface import Event, KeyValue, ListResult
from pynetes.storage.mvcc import Outcome, Write


class Position(Struct, frozen=True):
    """Newest revision and the newest compacted one (0: nothing is)."""

    revision: int
    compacted: int


class LogReader(Protocol):
    """Reads, each at one moment. All raise StoreUnavailable; those that take a revision, Compacted, FutureRevision."""

    def position(self) -> Position: ...

    def get(self, key: str, revision: int) -> tuple[KeyValue | None, int]:
        """The key's version at `revision` (0: now), and the store's revision."""
        ...

    def range(self, prefix: str, revision: int, limit: int, start: str) -> ListResult:
        """See `Store.list`."""
        ...

    def after(self, prefix: str, revision: int, upto: int, limit: int) -> list[Event]:
        """The first `limit` events under the prefix with `revision` < theirs <= `upto`."""
        ...

    def size(self) -> int:
        """See `Store.size`."""
        ...

    def next_expiry(self) -> int:
        """The wall-clock second at which the next key expires, 0 for none."""
        ...

    def close(self) -> None: ...


class Log(Protocol):
    """Appends, expires and compacts. What it returned is durable."""

    def append(self, writes: Sequence[Write]) -> list[Outcome]:
        """Does the writes in order in one transaction. StoreUnavailable: none of them happened."""
        ...

    def stage(self, writes: Sequence[Write]) -> list[Outcome]:
        """`append` without the wait: it fails where that would have to wait, and nothing has happened, nor may be told,
        before `commit`, which must be called next."""
        ...

    def commit(self) -> None:
        """Makes what was staged durable. StoreUnavailable: none of it happened."""
        ...

    def expire(self, now: int, limit: int) -> list[Event]:
        """Deletes at most `limit` keys whose time is over at the wall-clock second `now`."""
        ...

    def compact(self, revision: int, limit: int) -> bool:
        """One slice of compaction, about `limit` old versions; True when none is left at or before `revision`."""
        ...

    def probe(self) -> None:
        """Writes something that means nothing. StoreUnavailable if nothing can be written."""
        ...

    def reader(self) -> LogReader: ...

    def close(self) -> None: ...
