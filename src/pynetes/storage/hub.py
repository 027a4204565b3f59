"""The watch hub: hands each committed event to the watches it concerns, in order, once.

A watch is a cursor in the history. While it keeps up, events come to it straight from the commits; a new watch, or
one whose queue overflowed, reads the log until it has caught up. So a slow consumer costs no memory and misses nothing
until its place is compacted away.

Where other servers write to the same store, the hub runs a moment behind it: `newest` then asks the store itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

from pynetes.storage.interface import Batch, Event, StoreError, StoreUnavailable

ReadAfter = Callable[[str, int, int, int], Awaitable[list[Event]]]
"""`LogReader.after`, awaited: prefix, revision, upto, limit. More than `limit` to keep a revision's events together."""

Newest = Callable[[], "asyncio.Future[int]"]
"""The store's revision, at the time of the call or later. StoreUnavailable."""

_CAPACITY = 4096
_REPLAY = 1000
_COME_TO = 5.0


class Hub:
    """All watches of one store. `published`: all events up to it have been handed out."""

    def __init__(self, read_after: ReadAfter, *, capacity: int = _CAPACITY, newest: Newest | None = None) -> None:
        self.published = 0
        self.capacity = capacity
        self.read_after = read_after
        self.newest = newest or self._newest
        self._by_directory: defaultdict[str, dict[HubWatch, None]] = defaultdict(dict)
        self._others: dict[HubWatch, None] = {}
        self._reached: list[tuple[int, asyncio.Future[None]]] = []
        self._closed: StoreError | None = None

    def _newest(self) -> "asyncio.Future[int]":
        newest: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        newest.set_result(self.published)
        return newest

    @asynccontextmanager
    async def watch(self, prefix: str, start: int) -> AsyncIterator["HubWatch"]:
        if self._closed is not None:
            raise self._closed
        watch = HubWatch(self, prefix, start - 1)
        # Most prefixes are whole directories of the key's path, and those are found by lookup.
        watches = self._by_directory[prefix] if prefix.endswith("/") else self._others
        watches[watch] = None
        try:
            if start > self.published:
                # Whether it is compacted shows only there.
                await self.come_to(min(start, await self.newest()))
            await watch.catch_up()
            yield watch
        finally:
            del watches[watch]
            if not watches:
                self._by_directory.pop(prefix, None)

    def publish(self, events: list[Event], revision: int) -> None:
        """Hands out what one transaction did; transactions come in order."""
        concerned: dict[HubWatch, list[Event]] = {}
        for event in events:
            for watch in self._concerned(event.kv.key):
                concerned.setdefault(watch, []).append(event)
        for watch, found in concerned.items():
            watch.offer(found)
        self.published = max(self.published, revision)
        if self._reached:
            self._wake_reached()

    async def come_to(self, revision: int) -> None:
        """Waits until everything up to `revision` has been handed out. StoreUnavailable when that takes long."""
        try:
            async with asyncio.timeout(_COME_TO):
                await self.reached(revision)
        except TimeoutError:
            raise StoreUnavailable(f"the store's changes are told up to revision {self.published} only") from None

    def reached(self, revision: int) -> "asyncio.Future[None]":
        """Done when everything up to `revision` has been handed out, or the hub was closed or restarted."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if revision <= self.published or self._closed is not None:
            future.set_result(None)
        else:
            self._reached.append((revision, future))
        return future

    def _wake_reached(self, *, all_of_them: bool = False) -> None:
        waiting, self._reached = self._reached, []
        for revision, future in waiting:
            if future.done():
                continue
            if all_of_them or revision <= self.published:
                future.set_result(None)
            else:
                self._reached.append((revision, future))

    def _concerned(self, key: str) -> list["HubWatch"]:
        found: list[HubWatch] = [watch for watch in self._others if key.startswith(watch.prefix)]
        slash = key.find("/")
        while slash >= 0:
            watches = self._by_directory.get(key[: slash + 1])
            if watches:
                found += watches
            slash = key.find("/", slash + 1)
        return found

    def restart(self, error: StoreError, revision: int) -> None:
        """Ends all watches with the error and goes on from `revision`: what lay between cannot be told."""
        self.published = revision
        self._fail(error)

    def close(self) -> None:
        """Ends all watches with StoreUnavailable."""
        self._closed = StoreUnavailable("the store is closed")
        self._fail(self._closed)

    def _fail(self, error: StoreError) -> None:
        for watches in (self._others, *self._by_directory.values()):
            for watch in watches:
                watch.fail(error)
        self._wake_reached(all_of_them=True)


class HubWatch:
    """One watch; see `interface.Watch`. Everything up to `_cursor` was returned.

    `_queue` collects commits, None while the watch leaves them to the log; `_replayed` is what the log told, up to
    `_replayed_to`. Live means: what is not in the queue was returned or does not exist.
    """

    def __init__(self, hub: Hub, prefix: str, cursor: int) -> None:
        self.prefix = prefix
        self._hub = hub
        self._cursor = cursor
        self._live = False
        self._queue: list[Event] | None = None
        self._replayed: list[Event] = []
        self._replayed_to = cursor
        self._progress_wanted = False
        self._asked: asyncio.Future[int] | None = None
        self._goal: asyncio.Future[None] | None = None
        self._error: StoreError | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def progress(self) -> int:
        if self._live and not self._queue and not self._replayed:
            return max(self._cursor, self._hub.published)
        return self._cursor

    def request_progress(self) -> None:
        self._progress_wanted = True
        self._wake()

    def offer(self, events: list[Event]) -> None:
        """Events from a commit."""
        if self._queue is None:
            return
        if events[0].kv.mod_revision <= self._cursor:  # the watch starts in the future
            events = [event for event in events if event.kv.mod_revision > self._cursor]
        if len(self._queue) + len(events) > self._hub.capacity:
            self._queue = None
            self._live = False
        else:
            self._queue += events
        self._wake()

    def fail(self, error: StoreError) -> None:
        """Ends the watch with the error."""
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def catch_up(self) -> None:
        """Reads the next part of history; live when that was the rest of it."""
        goal = self._hub.published
        # Listen before reading: what is committed meanwhile is in the queue, all before it in the log.
        self._queue = []
        if self._cursor < goal:
            try:
                events = await self._hub.read_after(self.prefix, self._cursor, goal, _REPLAY)
            except BaseException:
                self._queue = None
                raise
            if len(events) >= _REPLAY:
                self._queue = None
                goal = events[-1].kv.mod_revision
            if events:
                self._replayed, self._replayed_to = events, goal
            else:
                self._cursor = goal
        self._live = self._queue is not None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        while True:
            if self._error is not None:
                raise self._error
            if self._replayed:
                events, self._replayed, self._cursor = self._replayed, [], self._replayed_to
                return Batch(events, self._cursor)
            self._seek_progress()
            if not self._live:
                await self.catch_up()
            elif self._queue or self._goal_reached():
                events, self._queue = self._queue or [], []
                self._cursor = max(self._cursor, self._hub.published)
                return Batch(events, self._cursor)
            else:
                await self._wait()

    def _seek_progress(self) -> None:
        """Progress is told once the hub has come to where the store was when asked; events do not wait for that."""
        self._take_answer()
        if self._progress_wanted and self._asked is None:
            self._progress_wanted = False
            self._asked = self._hub.newest()
            self._asked.add_done_callback(self._answered)
            self._take_answer()

    def _answered(self, asked: "asyncio.Future[int]") -> None:
        if not asked.cancelled():
            asked.exception()  # the watch may have ended: then it is nobody's
        self._wake()

    def _take_answer(self) -> None:
        if self._asked is None or not self._asked.done():
            return
        asked, self._asked = self._asked, None
        if not asked.cancelled() and asked.exception() is None:  # else whoever needs it asks again
            self._goal = self._hub.reached(asked.result())
            self._goal.add_done_callback(lambda _: self._wake())

    def _goal_reached(self) -> bool:
        if self._goal is None or not self._goal.done():
            return False
        self._goal = None
        return True

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
