"""Exponential back-off by key, as upstream's flowcontrol.Backoff: 10 s, 20 s, … 5 min, forgotten after quiet time."""

from msgspec import Struct

from pynetes.component import clock


class _Entry(Struct):
    delay: float
    last_update: float


class Backoff:
    """Times are wall-clock seconds, for they are compared with the runtime's (a container's end)."""

    def __init__(self, initial: float = 10.0, maximum: float = 300.0) -> None:
        self._initial, self._maximum = initial, maximum
        self._forget_after = 2 * maximum
        self._entries: dict[str, _Entry] = {}

    def get(self, key: str) -> float:
        entry = self._entries.get(key)
        return entry.delay if entry else 0.0

    def next(self, key: str, event_time: float) -> None:
        """Another attempt is made now, after what happened at `event_time`: the next one waits twice as long."""
        entry = self._entries.get(key)
        if entry is None or event_time - entry.last_update > self._forget_after:
            self._entries[key] = _Entry(self._initial, clock.time_seconds())
            return
        entry.delay = min(entry.delay * 2, self._maximum)
        entry.last_update = clock.time_seconds()

    def in_backoff_since(self, key: str, event_time: float) -> bool:
        """Whether an attempt after what happened at `event_time` must still wait."""
        entry = self._entries.get(key)
        if entry is None or event_time - entry.last_update > self._forget_after:
            return False
        return clock.time_seconds() - event_time < entry.delay

    def collect(self) -> None:
        """Drops keys that nobody asked to wait for a long time."""
        now = clock.time_seconds()
        for key in [k for k, e in self._entries.items() if now - e.last_update > self._forget_after]:
            del self._entries[key]
