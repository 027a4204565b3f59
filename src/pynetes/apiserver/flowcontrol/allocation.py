"""How many seats each priority level has: its share, more while others lend, less while it lends."""

from collections.abc import Mapping
from math import ceil, inf
from typing import Any

from msgspec import Struct

Object = dict[str, Any]


class Bounds(Struct, frozen=True):
    """`least` is never lent; `most` may be reached by borrowing."""

    nominal: int
    least: int
    most: float


def bounds(levels: Mapping[str, Object], total: int) -> dict[str, Bounds]:
    """Of every level, by its spec; `total` seats are shared by nominal concurrency shares."""
    shares = {name: _part(spec).get("nominalConcurrencyShares", _default(spec)) for name, spec in levels.items()}
    whole = sum(shares.values())
    found = {}
    for name, spec in levels.items():
        nominal = ceil(total * shares[name] / whole) if whole else 0
        part = _part(spec)
        lendable = _percent(nominal, part.get("lendablePercent", 0))
        limit = part.get("borrowingLimitPercent")
        most = inf if limit is None else nominal + _percent(nominal, limit)
        found[name] = Bounds(nominal, nominal - lendable, most)
    return found


def _part(spec: Object) -> Object:
    return spec.get("exempt" if spec.get("type") == "Exempt" else "limited") or {}


def _default(spec: Object) -> int:
    return 0 if spec.get("type") == "Exempt" else 30


def _percent(whole: int, percent: int) -> int:
    return int(whole * percent / 100 + 0.5)


def allocate(limits: Mapping[str, Bounds], demand: Mapping[str, float]) -> dict[str, int]:
    """Current seats: each gets what it lately demanded, within its bounds; what is left or lacking is shared alike.

    The sum stays that of the nominal seats (rounding aside).
    """
    total = sum(each.nominal for each in limits.values())
    targets = {name: max(demand.get(name, 0.0), each.least, 1.0) for name, each in limits.items()}

    def seats(fraction: float) -> dict[str, float]:
        return {name: min(max(fraction * targets[name], each.least), each.most) for name, each in limits.items()}

    low, high = 0.0, 2.0
    while sum(seats(high).values()) < total and high < 1e9:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if sum(seats(middle).values()) < total:
            low = middle
        else:
            high = middle
    return {name: max(int(value + 0.5), 1 if limits[name].nominal else 0) for name, value in seats(high).items()}


class Demand:
    """How many seats a level has lately wanted: the peaks of the last periods, remembered with a decay."""

    _DECAY = 0.977  # as upstream's smoothing: half of a peak is forgotten after five minutes

    def __init__(self) -> None:
        self.smooth = 0.0
        self._peak = 0

    def note(self, seats: int) -> None:
        if seats > self._peak:
            self._peak = seats

    def period(self, seats_now: int) -> float:
        """Ends a period; what is to be counted with in the next."""
        peak, self._peak = max(self._peak, seats_now), seats_now
        self.smooth = max(float(peak), self._DECAY * self.smooth + (1 - self._DECAY) * peak)
        return self.smooth
