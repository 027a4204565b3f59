"""Wakes watchers a few at a time.

Telling a thousand watchers of one change takes tens of milliseconds, in which nobody else would be served. So they are
told some in each turn of the event loop; writes, reads and further changes come in between, and those whose turn is
still to come get all that has changed until then in one go.
"""

import asyncio
from collections import deque

from pynetes.apiserver.cacher.events import Frames
from pynetes.apiserver.cacher.watcher import Watcher

PER_TURN = 32
"""About a millisecond of sending."""


class Pacer:
    """The watchers that have something to take, in the order in which it came."""

    def __init__(self) -> None:
        self._due: deque[Watcher] = deque()
        self._has_turn = False

    def put(self, watcher: Watcher, frames: Frames) -> None:
        """Queues events for a watcher, which is woken when its turn comes."""
        if watcher.put(frames):
            self._due.append(watcher)

    def begin(self) -> None:
        """To be called after the last `put` of a change. The first few have their turn now."""
        if not self._has_turn:
            self._take_turn()

    def _take_turn(self) -> None:
        for _ in range(min(PER_TURN, len(self._due))):
            self._due.popleft().wake()
        self._has_turn = bool(self._due)
        if self._has_turn:
            asyncio.get_running_loop().call_soon(self._take_turn)
