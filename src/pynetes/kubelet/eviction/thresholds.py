"""Eviction thresholds: which are crossed, since when, and what that means for the node's conditions."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from pynetes.apimachinery import quantity


class Signal(NamedTuple):
    """What a signal is about: the node condition it raises and the resource to reclaim."""

    condition: str
    resource: str


SIGNALS: dict[str, Signal] = {
    "memory.available": Signal("MemoryPressure", "memory"),
    "allocatableMemory.available": Signal("MemoryPressure", "memory"),
    "nodefs.available": Signal("DiskPressure", "ephemeral-storage"),
    "nodefs.inodesFree": Signal("DiskPressure", "inodes"),
    "imagefs.available": Signal("DiskPressure", "ephemeral-storage"),
    "imagefs.inodesFree": Signal("DiskPressure", "inodes"),
    "containerfs.available": Signal("DiskPressure", "ephemeral-storage"),
    "containerfs.inodesFree": Signal("DiskPressure", "inodes"),
    "pid.available": Signal("PIDPressure", "pids"),
}


class Amount(NamedTuple):
    """A number of bytes (or inodes, or processes), or a fraction of the capacity."""

    number: int = 0
    fraction: float | None = None

    def of(self, capacity: int) -> int:
        return self.number if self.fraction is None else int(capacity * self.fraction)


class Observation(NamedTuple):
    available: int
    capacity: int


_NOTHING = Amount()


class Threshold(Struct, frozen=True):
    """`grace` is seconds a soft threshold must be crossed, None for a hard one; `minimum_reclaim` comes on top until
    the pressure counts as over."""

    signal: str
    value: Amount
    grace: float | None = None
    minimum_reclaim: Amount = _NOTHING

    @property
    def hard(self) -> bool:
        return self.grace is None


def parse_amount(text: str) -> Amount:
    """A quantity or a percentage. Raises ValueError."""
    if text.endswith("%"):
        percent = float(text[:-1])
        if not 0 <= percent <= 100:
            raise ValueError(f"eviction percentage threshold {text} must be between 0% and 100%")
        return Amount(fraction=percent / 100)
    number = quantity.parse(text).value()
    if number < 0:
        raise ValueError(f"eviction threshold {text} must be positive")
    return Amount(number)


def parse(
    hard: Mapping[str, str],
    soft: Mapping[str, str],
    soft_grace: Mapping[str, float],
    minimum_reclaim: Mapping[str, str],
) -> list[Threshold]:
    """The configured thresholds; `0%` and `100%` turn one off. Raises ValueError."""
    for name in (*hard, *soft, *soft_grace, *minimum_reclaim):
        if name not in SIGNALS:
            raise ValueError(f"unsupported eviction signal {name}")
    found = []
    for name, text in hard.items():
        found.append(Threshold(name, parse_amount(text), None, parse_amount(minimum_reclaim.get(name, "0"))))
    for name, text in soft.items():
        if name not in soft_grace:
            raise ValueError(f"grace period must be specified for the soft eviction threshold {name}")
        reclaim = parse_amount(minimum_reclaim.get(name, "0"))
        found.append(Threshold(name, parse_amount(text), soft_grace[name], reclaim))
    found = [t for t in found if t.value.fraction not in (0.0, 1.0)]
    memory = [t for t in found if t.signal == "memory.available" and t.hard]
    return found + [Threshold("allocatableMemory.available", t.value, None, t.minimum_reclaim) for t in memory]


def met(thresholds: Iterable[Threshold], observed: Mapping[str, Observation], *, with_reclaim: bool) -> list[Threshold]:
    """Those crossed now; `with_reclaim` asks for the minimum reclaim on top."""
    found = []
    for threshold in thresholds:
        observation = observed.get(threshold.signal)
        if observation is None:
            continue
        wanted = threshold.value.of(observation.capacity)
        if with_reclaim:
            wanted += threshold.minimum_reclaim.of(observation.capacity)
        if observation.available < wanted:
            found.append(threshold)
    return found


def merge(first: list[Threshold], second: list[Threshold]) -> list[Threshold]:
    return list(dict.fromkeys([*first, *second]))


def past_grace(since: Mapping[Threshold, float], now: float) -> list[Threshold]:
    """Crossed for long enough to act."""
    return [threshold for threshold, first in since.items() if now - first >= (threshold.grace or 0)]


def by_priority(thresholds: Iterable[Threshold]) -> list[Threshold]:
    """Memory before all else."""
    return sorted(thresholds, key=lambda t: SIGNALS[t.signal].resource != "memory")
