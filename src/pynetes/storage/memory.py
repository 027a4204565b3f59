"""A store in memory, for tests and simulations: same contract, no threads, gone when the process ends."""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from typing import TypeAlias

from pynetes.storage.backend import Backend
from pynetes.storage.interface import Compacted, Event, FutureRevision, KeyValue, ListResult
from pynetes.storage.keys import prefix_end
from pynetes.storage.log import LogReader, Position
from pynetes.storage.mvcc import FIRST_REVISION, Outcome, Write, decide

_Versions: TypeAlias = list[tuple[int, KeyValue | None]]


class MemoryStore(Backend):
    """An empty store."""

    def __init__(self) -> None:
        super().__init__(MemoryLog(), threads=False)


class MemoryLog:
    """Log and reader in one."""

    def __init__(self) -> None:
        self._revision = FIRST_REVISION
        self._compacted = 0
        self._current: dict[str, KeyValue] = {}
        self._keys: list[str] = []
        self._versions: dict[str, _Versions] = {}  # of each key, oldest first; None: deleted
        self._events: list[Event] = []
        self._expires: dict[str, int] = {}
        self._expiry_queue: list[tuple[int, str]] = []  # also holds keys that have another expiry by now

    # --- log

    def append(self, writes: Sequence[Write]) -> list[Outcome]:
        current = {write.key: kv for write in writes if (kv := self._current.get(write.key))}
        outcomes = decide(writes, current, self._revision)
        for write, outcome in zip(writes, outcomes, strict=True):
            if isinstance(outcome, Event):
                self._record(outcome, write.expires)
        return outcomes

    def _record(self, event: Event, expires: int) -> None:
        key, deleted = event.kv.key, event.type == "DELETE"
        self._revision = event.kv.mod_revision
        self._events.append(event)
        self._versions.setdefault(key, []).append((self._revision, None if deleted else event.kv))
        self._expires.pop(key, None)
        if deleted:
            del self._current[key]
            del self._keys[bisect_left(self._keys, key)]
            return
        if event.prev is None:
            insort(self._keys, key)
        self._current[key] = event.kv
        if expires:
            self._expires[key] = expires
            heapq.heappush(self._expiry_queue, (expires, key))

    def stage(self, writes: Sequence[Write]) -> list[Outcome]:
        return self.append(writes)

    def commit(self) -> None:
        """It has happened."""

    def expire(self, now: int, limit: int) -> list[Event]:
        writes: list[Write] = []
        while len(writes) < limit and 0 < self.next_expiry() <= now:
            _, key = heapq.heappop(self._expiry_queue)
            del self._expires[key]
            writes.append(Write(key, None, self._current[key].mod_revision))
        return [outcome for outcome in self.append(writes) if isinstance(outcome, Event)]

    def compact(self, revision: int, limit: int) -> bool:
        if revision <= self._compacted:
            return True
        self._compacted = revision
        last = self._event_index(revision)
        for event in self._events[:last]:
            self._forget_before(event.kv.key, revision)
        del self._events[:last]
        return True

    def _forget_before(self, key: str, revision: int) -> None:
        versions = self._versions.get(key, [])
        newest = bisect_right(versions, revision, key=_revision_of) - 1
        if newest >= 0 and versions[newest][1] is None:
            newest += 1
        del versions[: max(newest, 0)]
        if not versions:
            self._versions.pop(key, None)

    def _event_index(self, revision: int) -> int:
        """How many of the kept events have at most this revision."""
        return bisect_right(self._events, revision, key=lambda event: event.kv.mod_revision)

    def probe(self) -> None:
        """Memory takes everything."""

    def reader(self) -> LogReader:
        return self

    def close(self) -> None:
        """Nothing to free."""

    # --- reader

    def position(self) -> Position:
        return Position(self._revision, self._compacted)

    def size(self) -> int:
        return 0

    def next_expiry(self) -> int:
        queue = self._expiry_queue
        while queue and self._expires.get(queue[0][1]) != queue[0][0]:
            heapq.heappop(queue)
        return queue[0][0] if queue else 0

    def get(self, key: str, revision: int) -> tuple[KeyValue | None, int]:
        self._check(revision)
        return self._version(key, revision), self._revision

    def range(self, prefix: str, revision: int, limit: int, start: str) -> ListResult:
        self._check(revision)
        found = self._current_range(prefix, start) if not revision else self._old_range(prefix, start, revision)
        items = found[:limit] if limit else found
        remaining = len(found) - len(items)
        return ListResult(items, revision or self._revision, remaining > 0, remaining)

    def _current_range(self, prefix: str, start: str) -> list[KeyValue]:
        first = bisect_left(self._keys, max(prefix, start))
        last = bisect_left(self._keys, prefix_end(prefix))
        return [self._current[key] for key in self._keys[first:last]]

    def _old_range(self, prefix: str, start: str, revision: int) -> list[KeyValue]:
        keys = sorted(key for key in self._versions if key.startswith(prefix) and key >= start)
        return [kv for key in keys if (kv := self._version(key, revision))]

    def _version(self, key: str, revision: int) -> KeyValue | None:
        if not revision:
            return self._current.get(key)
        versions = self._versions.get(key, [])
        newest = bisect_right(versions, revision, key=_revision_of) - 1
        return versions[newest][1] if newest >= 0 else None

    def _check(self, revision: int) -> None:
        if revision > self._revision:
            raise FutureRevision(revision, self._revision)
        if revision and revision < self._compacted:
            raise Compacted(revision, self._compacted)

    def after(self, prefix: str, revision: int, upto: int, limit: int) -> list[Event]:
        if revision < self._compacted:
            raise Compacted(revision + 1, self._compacted + 1)
        found: list[Event] = []
        for event in self._events[self._event_index(revision) : self._event_index(upto)]:
            if event.kv.key.startswith(prefix):
                found.append(event)
                if len(found) == limit:
                    break
        return found


def _revision_of(version: tuple[int, KeyValue | None]) -> int:
    return version[0]
