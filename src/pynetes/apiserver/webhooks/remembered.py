"""Answers that are remembered for a while, the oldest forgotten first."""

from collections import OrderedDict
from typing import Generic, TypeVar

from pynetes.component import clock

V = TypeVar("V")


class Remembered(Generic[V]):
    """At most `limit` answers, each until its own time."""

    def __init__(self, limit: int = 8192) -> None:
        self._limit = limit
        self._found: OrderedDict[bytes, tuple[float, V]] = OrderedDict()

    def get(self, key: bytes) -> V | None:
        found = self._found.get(key)
        if found is None:
            return None
        until, value = found
        if clock.monotonic() < until:
            return value
        del self._found[key]
        return None

    def put(self, key: bytes, value: V, seconds: float) -> None:
        """Nothing is remembered for no time."""
        if seconds <= 0:
            return
        self._found[key] = clock.monotonic() + seconds, value
        self._found.move_to_end(key)
        if len(self._found) > self._limit:
            self._found.popitem(last=False)
