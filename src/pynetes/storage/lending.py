"""Lends the interpreter lock to the store's threads while the event loop is busy.

CPython's lock is not fair. A busy event loop lets go of it for a microsecond at each of its turns, which wakes a
waiting thread but is over before that runs, and which also keeps the thread's wait from ever timing out; so the thread
waits until the loop has nothing to do. Measured with a loop kept busy by turns of 20 to 200 µs: no write at all in
seconds, whatever `sys.setswitchinterval` says, against hundreds to thousands a second with lending.
"""

import asyncio

from pynetes.component import clock

_PERIOD = 0.001
_WINDOW = 0.0001


class Lender:
    """Counts the work that threads have been given; while some is open and none ends, the loop rests now and then."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._given = 0
        self._done = 0
        self._done_before = 0
        self._timer: asyncio.TimerHandle | None = None

    def given(self) -> None:
        """A thread has something to do."""
        self._given += 1
        if self._timer is None:
            self._done_before = self._done
            self._timer = self._loop.call_later(_PERIOD, self._look)

    def done(self, number: int = 1) -> None:
        """That much of it is done."""
        self._done += number

    def _look(self) -> None:
        if self._done == self._given:
            self._timer = None
            return
        if self._done == self._done_before:
            clock.sleep_blocking(_WINDOW)
        self._done_before = self._done
        self._timer = self._loop.call_later(_PERIOD, self._look)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
