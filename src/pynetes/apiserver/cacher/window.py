"""The last changes of a resource, for watches that start in the past."""

from collections import deque

from msgspec import Struct

from pynetes.apimachinery import errors
from pynetes.apiserver.cacher.events import Change


class WindowLimits(Struct, frozen=True):
    """How much a window holds. The newest `events_min` stay whatever their age."""

    events_min: int = 100
    events_max: int = 10_000
    bytes_max: int = 16 << 20
    seconds_max: float = 300.0


class Window:
    """Changes after the revision `floor`, in order; old ones are dropped by number, size and age."""

    def __init__(self, floor: int, limits: WindowLimits) -> None:
        self.floor = floor
        self._limits = limits
        self._changes: deque[tuple[float, Change]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._changes)

    def add(self, changes: list[Change], now: float) -> None:
        """Appends changes seen at `now` (monotonic seconds)."""
        for change in changes:
            self._changes.append((now, change))
            self._bytes += len(change.entry.bytes)
        self._evict(now)

    def since(self, revision: int) -> list[Change]:
        """Changes with a higher revision. StatusError 410 when some of them are no longer here."""
        if revision < self.floor:
            raise errors.expired(f"too old resource version: {revision} ({self.floor})")
        found: list[Change] = []
        # From the newest back: watches mostly resume close to the end.
        for _, change in reversed(self._changes):
            if change.entry.mod_revision <= revision:
                break
            found.append(change)
        found.reverse()
        return found

    def _evict(self, now: float) -> None:
        limits, changes = self._limits, self._changes
        while len(changes) > limits.events_min and (
            len(changes) > limits.events_max
            or self._bytes > limits.bytes_max
            or now - changes[0][0] > limits.seconds_max
        ):
            _, change = changes.popleft()
            self._bytes -= len(change.entry.bytes)
            self.floor = change.entry.mod_revision
