"""What `/metrics` tells of work queues, under upstream's names: how much waits, for how long, and how long work takes.

Queues count by themselves, which costs them next to nothing; the families are made when somebody asks.
"""

import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from msgspec import Struct, field
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from pynetes.component import clock, metrics

_BOUNDS = metrics.exponential(1e-8, 10, 10)


class Durations(Struct):
    """A histogram of seconds: how many fell below each bound and not below the one before it."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        return sum(self.counts)

    def add(self, other: "Durations") -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def buckets(self) -> list[tuple[str, float]]:
        """Bound and how many fell below it, as Prometheus wants them."""
        out, so_far = [], 0
        for bound, count in zip((*_BOUNDS, None), self.counts, strict=True):
            so_far += count
            out.append(("+Inf" if bound is None else f"{bound:g}", float(so_far)))
        return out


class QueueMetrics(Struct):
    """Counts since the queue was made: seconds that keys waited, and that work on them took."""

    adds: int = 0
    retries: int = 0
    waited: Durations = field(default_factory=Durations)
    worked: Durations = field(default_factory=Durations)


class Measured(Protocol):
    """A queue, as far as it is measured."""

    name: str
    metrics: QueueMetrics

    def __len__(self) -> int: ...

    def running(self, now: float) -> list[float]: ...


_queues: weakref.WeakSet[Measured] = weakref.WeakSet()


def publish(queue: Measured) -> None:
    """Its metrics are shown for as long as it lives; those of one name together."""
    _queues.add(queue)


class _Sum(Struct):
    depth: int = 0
    running: list[float] = field(default_factory=list)
    counts: QueueMetrics = field(default_factory=QueueMetrics)


def _sums(queues: Iterable[Measured], now: float) -> dict[str, _Sum]:
    found: dict[str, _Sum] = {}
    for queue in queues:
        known, counts = found.setdefault(queue.name, _Sum()), queue.metrics
        known.depth += len(queue)
        known.running += queue.running(now)
        known.counts.adds += counts.adds
        known.counts.retries += counts.retries
        known.counts.waited.add(counts.waited)
        known.counts.worked.add(counts.worked)
    return dict(sorted(found.items()))


def families(queues: Iterable[Measured], now: float) -> Iterator[Metric]:
    """`now` is monotonic seconds."""
    sums = _sums(queues, now)
    gauges: tuple[tuple[str, str, Callable[[_Sum], float]], ...] = (
        ("depth", "Keys that wait", lambda s: s.depth),
        ("unfinished_work_seconds", "Seconds that work under way has taken so far", lambda s: sum(s.running)),
        ("longest_running_processor_seconds", "Seconds of the longest work under way", lambda s: max(s.running or [0])),
    )
    for name, text, value in gauges:
        gauge = GaugeMetricFamily(f"workqueue_{name}", text, labels=["name"])
        for queue, found in sums.items():
            gauge.add_metric([queue], value(found))
        yield gauge
    for name, text in (("adds", "Keys that were added"), ("retries", "Keys that were added again after a failure")):
        counter = CounterMetricFamily(f"workqueue_{name}", text, labels=["name"])
        for queue, found in sums.items():
            counter.add_metric([queue], getattr(found.counts, name))
        yield counter
    for name, text, part in (
        ("queue_duration_seconds", "Seconds that keys waited", "waited"),
        ("work_duration_seconds", "Seconds that work on keys took", "worked"),
    ):
        histogram = HistogramMetricFamily(f"workqueue_{name}", text, labels=["name"])
        for queue, found in sums.items():
            durations: Durations = getattr(found.counts, part)
            histogram.add_metric([queue], durations.buckets(), durations.total)
        yield histogram


metrics.collector(lambda: families(list(_queues), clock.monotonic()))
