"""Exponential back-off per key, as pulls use it: 10 s doubling to 5 minutes, forgotten after twice that in peace."""

from msgspec import Struct

from pynetes.component import clock

INITIAL = 10.0
MAXIMUM = 300.0


class _Entry(Struct):
    delay: float
    updated: float


class Backoff:
    def __init__(self, initial: float = INITIAL, maximum: float = MAXIMUM) -> None:
        self._initial, self._maximum = initial, maximum
        self._entries: dict[str, _Entry] = {}

    def fail(self, key: str) -> None:
        """Notes a failure: the next attempt waits, twice as long as the last time."""
        now = clock.monotonic()
        entry = self._entries.get(key)
        if entry is None or now - entry.updated > 2 * self._maximum:
            self._entries[key] = _Entry(self._initial, now)
        else:
            entry.delay, entry.updated = min(2 * entry.delay, self._maximum), now

    def active(self, key: str) -> bool:
        return self.remaining(key) > 0

    def remaining(self, key: str) -> float:
        entry = self._entries.get(key)
        return max(0.0, entry.updated + entry.delay - clock.monotonic()) if entry else 0.0

    def collect(self) -> None:
        """Forgets what has been quiet for long, so that the table does not grow for ever."""
        now = clock.monotonic()
        for key in [k for k, e in self._entries.items() if now - e.updated > 2 * self._maximum]:
            del self._entries[key]
