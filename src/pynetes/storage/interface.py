"""The store's contract: a revisioned key-value store with etcd's guarantees, whatever engine lies under it.

One global revision counts all changes. Reads happen at one revision, writes are compare-and-swap on a key's
`mod_revision`, and a watch tells every change from a revision on, in order, once. A write that returned is durable.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from msgspec import Struct


class KeyValue(Struct, frozen=True):
    """One version of a key. `mod_revision` is the change that made this version, `create_revision` the key's first."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int


class Event(Struct, frozen=True):
    """One change. For DELETE, `kv` holds the last value, and its `mod_revision` is the revision of the delete.

    `prev` is the version that the change replaced or removed; None for a key that was not there.
    """

    type: Literal["PUT", "DELETE"]
    kv: KeyValue
    prev: KeyValue | None


class ListResult(Struct, frozen=True):
    """Part of a prefix in key order. `more`: keys follow the last item; `remaining`: how many."""

    items: list[KeyValue]
    revision: int
    more: bool
    remaining: int


class Batch(Struct, frozen=True):
    """Events in order. The watch has told everything up to and including `revision`; no events means just that."""

    events: list[Event]
    revision: int


class StoreError(Exception):
    """The store refused or failed."""


class KeyExists(StoreError):
    """A create found the key; `current` is what lies there."""

    def __init__(self, current: KeyValue) -> None:
        super().__init__(f"key {current.key} exists at revision {current.mod_revision}")
        self.current = current


class RevisionConflict(StoreError):
    """An update or delete expected another version; `current` is what lies there, None when the key is gone."""

    def __init__(self, key: str, expected: int, current: KeyValue | None) -> None:
        found = f"it is at {current.mod_revision}" if current else "it does not exist"
        super().__init__(f"key {key} was expected at revision {expected}, {found}")
        self.key = key
        self.expected = expected
        self.current = current


class Compacted(StoreError):
    """History before `oldest` is gone; `revision` was asked for."""

    def __init__(self, revision: int, oldest: int) -> None:
        super().__init__(f"revision {revision} is compacted away, the oldest left is {oldest}")
        self.revision = revision
        self.oldest = oldest


class FutureRevision(StoreError):
    """A revision that has not happened yet."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(f"revision {revision} is in the future, the store is at {current}")
        self.revision = revision
        self.current = current


class StoreUnavailable(StoreError):
    """The engine failed (disk full, locked, connection lost, closed). The write was not acknowledged; try again."""


class Watch(Protocol):
    """A running watch: an async iterator of batches that never ends by itself."""

    def __aiter__(self) -> AsyncIterator[Batch]: ...

    async def __anext__(self) -> Batch:
        """The next events. Compacted when the consumer was so slow that its place in history is gone."""
        ...

    @property
    def progress(self) -> int:
        """Every event up to this revision has been returned already. Costs nothing; may run ahead of batches."""
        ...

    def request_progress(self) -> None:
        """Makes a batch (perhaps an empty one) follow soon whose revision is at least the store's at this call."""
        ...


class Store(Protocol):
    """See the module. Keys are paths (`/registry/core/pods/default/web`), ordered by code point.

    All verbs may raise StoreUnavailable. Cancelling a write leaves open whether it happened; it is never half done.
    """

    async def revision(self) -> int:
        """The newest revision: that of the last acknowledged write or later."""
        ...

    async def check(self) -> None:
        """Returns if it serves reads and writes, as far as is known. A write that failed is found out about."""
        ...

    async def size(self) -> int:
        """Bytes that the engine's files take, what is free in them included; 0 where it has none."""
        ...

    async def get(self, key: str, *, revision: int = 0) -> tuple[KeyValue | None, int]:
        """The key's version at `revision` (0: now) and the store's revision that was read at.

        Compacted, FutureRevision.
        """
        ...

    async def list(self, prefix: str, *, revision: int = 0, limit: int = 0, start: str = "") -> ListResult:
        """Keys with the prefix from `start` (inclusive) on, at most `limit` (0: all), at one revision (0: now).

        Compacted, FutureRevision.
        """
        ...

    async def create(self, key: str, value: bytes, *, ttl: int = 0) -> KeyValue:
        """Puts a key that must not exist (KeyExists). It is deleted after `ttl` seconds, 0 keeps it."""
        ...

    async def update(self, key: str, value: bytes, *, expected: int, ttl: int = 0) -> KeyValue:
        """Replaces the version `expected` (RevisionConflict). The old time to live goes; `ttl` sets a new one."""
        ...

    async def delete(self, key: str, *, expected: int) -> KeyValue:
        """Removes the version `expected` (RevisionConflict). Returns its value with the delete's `mod_revision`."""
        ...

    def watch(self, prefix: str, *, start: int) -> AbstractAsyncContextManager[Watch]:
        """Every event under the prefix with a revision of `start` or later, then those to come.

        Compacted, on entering, when `start` is at or before the compacted revision.
        """
        ...

    async def compact(self, revision: int) -> None:
        """Forgets what was superseded or deleted at or before `revision`; the state at `revision` stays readable.

        Returns when the space is free. Nothing happens where that is compacted already. FutureRevision.
        """
        ...

    async def close(self) -> None:
        """Ends watches and waiting writes (StoreUnavailable) and frees the engine."""
        ...
