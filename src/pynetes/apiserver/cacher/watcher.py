"""One client's watch: initial events, then live ones out of a bounded queue, with bookmarks."""

import asyncio
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from pynetes.apiserver.cacher.entry import Entry, Predicate
from pynetes.apiserver.cacher.events import Frames, WatchEvent
from pynetes.component import clock

_INITIAL_CHUNK = 500
CAPACITY = 8192
"""Events that may wait for a watcher. They are shared with the window, so this bounds lag more than memory."""


class Watcher:
    """Async iterator of `Frames`, and a context manager that ends the watch.

        async with await cacher.watch(...) as watcher:
            async for frames in watcher:
                await write(frames.data)

    It ends by itself when it was `close`d, when its time is up, when the cache starts anew, or when the consumer is
    too slow; what was queued until then is still returned, so a client goes on from its last resourceVersion.
    """

    def __init__(
        self,
        predicate: Predicate | None,
        *,
        bookmarks: bool = False,
        after: int = 0,
        capacity: int = CAPACITY,
    ) -> None:
        """`after`: events up to this revision are not told, should they come (a watch may start in the future)."""
        self.predicate = predicate
        self.bookmarks = bookmarks
        self.ended = False
        self.too_slow = False
        self._after = after
        self._capacity = capacity
        self._initial: Iterator[Frames] | None = None
        self._on_begun: Callable[[], None] | None = None
        self._pending: list[Frames] = []
        self._count = 0
        self._is_due = False
        self._waiter: asyncio.Future[None] | None = None
        self._on_end: list[Callable[[], None]] = []

    def begin(self, entries: list[Entry], end: WatchEvent | None) -> None:
        """Tells the state of `entries` as ADDED before anything else, then the bookmark `end`."""
        self._initial = self._initial_frames(entries, end)

    def on_begun(self, callback: Callable[[], None]) -> None:
        """Calls back once when the consumer has done with the state and its bookmark, if it is told any."""
        self._on_begun = callback

    def on_end(self, callback: Callable[[], None]) -> None:
        """Calls back once when the watch ends for whatever reason."""
        self._on_end.append(callback)

    def offer(self, frames: Frames) -> None:
        """Queues events; ends the watch when they do not fit."""
        if self.put(frames):
            self.wake()

    def put(self, frames: Frames) -> bool:
        """`offer`, but whoever calls is to `wake` the consumer soon: True if nobody has been told to yet."""
        if self.ended:
            return False
        if frames[0].entry.mod_revision <= self._after:
            frames = Frames([event for event in frames if event.entry.mod_revision > self._after])
            if not frames:
                return False
        if self._count + len(frames) > self._capacity and self._count:
            self.too_slow = True
            self.end()
            return False
        self._pending.append(frames)
        self._count += len(frames)
        wants, self._is_due = not self._is_due, True
        return wants

    def wake(self) -> None:
        """Lets the consumer take what is queued."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self) -> None:
        """No more events; those queued are still returned."""
        if self.ended:
            return
        self.ended = True
        callbacks, self._on_end = self._on_end, []
        for callback in callbacks:
            callback()
        self.wake()

    def close(self) -> None:
        """Ends the watch and forgets what is queued."""
        self.end()
        self._initial = None
        self._pending.clear()

    def _initial_frames(self, entries: list[Entry], end: WatchEvent | None) -> Iterator[Frames]:
        predicate = self.predicate
        for first in range(0, len(entries), _INITIAL_CHUNK):
            chunk = entries[first : first + _INITIAL_CHUNK]
            events = [WatchEvent("ADDED", entry) for entry in chunk if predicate is None or predicate(entry)]
            if events:
                yield Frames(events)
        if end is not None:
            yield Frames([end])

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Frames:
        if self._initial is not None:
            frames = next(self._initial, None)
            if frames is not None:
                await clock.sleep(0)  # a long state must not keep others waiting
                return frames
            self._initial = None
            if self._on_begun is not None:
                self._on_begun()
        while not self._pending:
            if self.ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._take()

    def _take(self) -> Frames:
        pending, self._pending = self._pending, []
        self._count, self._is_due = 0, False
        return pending[0] if len(pending) == 1 else pending[-1].after(pending[:-1])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
