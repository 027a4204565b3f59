"""Prometheus metrics of one process.

One registry a process, so that several components in it answer `/metrics` together. The constructors return the metric
already there when a name is asked for again (components come and go within a test run).
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry(auto_describe=False)
#: Results of health checks, which `/metrics/slis` shows apart from the rest.
SLIS = CollectorRegistry(auto_describe=False)
ProcessCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_WHOLE_BOUND = re.compile(rb'(le="-?\d+)\.0"')
_WHOLE_VALUE = re.compile(rb"( -?\d+)\.0\n")

_metrics: dict[str, MetricWrapperBase] = {}
M = TypeVar("M", bound=MetricWrapperBase)


def _once(cls: type[M], name: str, make: M | None) -> M:
    if make is not None:
        _metrics[name] = make
    found = _metrics[name]
    if not isinstance(found, cls):
        raise ValueError(f"metric {name} exists as another type")
    return found


def counter(name: str, text: str, labels: Sequence[str] = ()) -> Counter:
    """`name` with its `_total`, as it is exposed."""
    return _once(Counter, name, None if name in _metrics else Counter(name, text, labels, registry=REGISTRY))


class PlainCounter(Gauge):
    """A counter whose name does not end in `_total`, as the client library wants it, or is another's with that end."""


def plain_counter(name: str, text: str, labels: Sequence[str] = ()) -> PlainCounter:
    return _once(PlainCounter, name, None if name in _metrics else PlainCounter(name, text, labels, registry=REGISTRY))


def gauge(name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
    return _once(Gauge, name, None if name in _metrics else Gauge(name, text, labels, registry=REGISTRY))


def histogram(name: str, text: str, labels: Sequence[str] = (), *, buckets: Sequence[float] | None = None) -> Histogram:
    """`buckets` are upper bounds, without the infinite one."""
    if name in _metrics:
        return _once(Histogram, name, None)
    bounds = tuple(buckets) if buckets else Histogram.DEFAULT_BUCKETS
    return _once(Histogram, name, Histogram(name, text, labels, registry=REGISTRY, buckets=bounds))


def exponential(start: float, factor: float, count: int) -> tuple[float, ...]:
    """Bounds of a histogram that grow by `factor`."""
    return tuple(start * factor**n for n in range(count))


def collector(collect: Callable[[], Iterable[Metric]], registry: CollectorRegistry = REGISTRY) -> None:
    """Families that are made when somebody asks for metrics, from counts that are kept elsewhere."""
    registry.register(_Collector(collect))


_told: dict[str, Callable[[], Iterable[Metric]]] = {}


def told(name: str, collect: Callable[[], Iterable[Metric]]) -> None:
    """`collector` under a name: who tells last, tells alone."""
    if name not in _told:
        collector(lambda: _told[name]())
    _told[name] = collect


_disabled: frozenset[str] = frozenset()


def disable(names: Iterable[str]) -> None:
    """Of these, and only these, nothing is shown."""
    global _disabled
    _disabled = frozenset(names)


class _Collector(Collector):
    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()


class Durations:
    """A histogram that is fed several times in every request: the client library's own costs ten times as much.

    `buckets` are upper bounds, without the infinite one.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str], *, buckets: Sequence[float]) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._bounds = tuple(buckets)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        if not labels:
            self._begin(())  # shown before anything is noted
        collector(self._collect)

    def note(self, values: tuple[str, ...], seconds: float) -> None:
        """`values` are those of the labels, in their order."""
        counts = self._counts.get(values) or self._begin(values)
        counts[bisect_left(self._bounds, seconds)] += 1
        self._sums[values] += seconds

    def _begin(self, values: tuple[str, ...]) -> list[int]:
        counts = self._counts[values] = [0] * (len(self._bounds) + 1)
        self._sums[values] = 0.0
        return counts

    def note_all(self, values: tuple[str, ...], count: int, total: float) -> None:
        """`count` values that add up to `total`, each taken for their mean."""
        if count:
            counts = self._counts.get(values) or self._begin(values)
            counts[bisect_left(self._bounds, total / count)] += count
            self._sums[values] += total

    def totals(self) -> list[tuple[tuple[str, ...], int]]:
        """How often each values were noted."""
        return [(values, sum(counts)) for values, counts in self._counts.items()]

    def count(self, *values: str) -> int:
        """How often these values were noted."""
        return sum(self._counts.get(values, ()))

    def _collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for values, counts in list(self._counts.items()):
            totals = list(accumulate(counts))
            texts = (*map(floatToGoString, self._bounds), "+Inf")
            family.add_metric(values, list(zip(texts, map(float, totals), strict=True)), self._sums[values])
        yield family


class _Sorted(CollectorRegistry):
    """Another registry's metrics in the order of their names, as Go's come."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(auto_describe=False)
        self._of = registry

    def collect(self) -> Iterable[Metric]:
        shown = (metric for metric in self._of.collect() if not _names(metric) & _disabled)
        return sorted(shown, key=lambda metric: metric.name)


def _names(metric: Metric) -> frozenset[str]:
    """As it may be called: counters are exposed with `_total`."""
    return frozenset((metric.name, f"{metric.name}_total"))


def render(registry: CollectorRegistry = REGISTRY) -> bytes:
    """A whole registry in the text format."""
    text = generate_latest(_Sorted(registry))
    for name, metric in _metrics.items():
        if isinstance(metric, PlainCounter):
            text = text.replace(f"# TYPE {name} gauge\n".encode(), f"# TYPE {name} counter\n".encode())
    # Whole numbers as Go writes them: rules of dashboards ask for `le="1"`.
    return _WHOLE_VALUE.sub(rb"\1\n", _WHOLE_BOUND.sub(rb'\1"', text))
