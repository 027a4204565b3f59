"""How long the store takes and how large it is, under the names that etcd's part of upstream's metrics has, whichever
store it is."""

import asyncio
from collections.abc import Iterable
from types import TracebackType

from prometheus_client.metrics_core import CounterMetricFamily, Metric

from pynetes.component import clock, metrics
from pynetes.storage import Store, StoreUnavailable

_ONLY_CLUSTER = "etcd-0"  # the name that upstream gives to the first
_LABELS = ("operation", "group", "resource")
_SECONDS = (0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60)
_durations = metrics.Durations(
    "etcd_request_duration_seconds",
    "Time that requests to the store took, in seconds, by operation and resource.",
    _LABELS,
    buckets=_SECONDS,
)
_failed = metrics.counter(
    "etcd_request_errors_total", "Requests to the store that failed, by operation and resource.", _LABELS
)

_size = metrics.gauge(
    "apiserver_storage_size_bytes", "Size of the storage database file allocated in bytes.", ["storage_cluster_id"]
)
_SIZE_TIMEOUT = 1.0


async def note_size(store: Store) -> None:
    """Asks the store. A store that does not answer has no size."""
    try:
        async with asyncio.timeout(_SIZE_TIMEOUT):
            _size.labels(_ONLY_CLUSTER).set(await store.size())
    except (StoreUnavailable, TimeoutError):
        _size.clear()


def _requests() -> Iterable[Metric]:
    family = CounterMetricFamily(
        "etcd_requests_total", "Requests to the store, by operation and resource.", labels=_LABELS
    )
    for values, count in _durations.totals():
        family.add_metric(values, count)
    yield family


metrics.collector(_requests)


class Asked:
    """Times one request to the store."""

    __slots__ = ("_began", "_labels", "_time")

    def __init__(self, operation: str, group: str, resource: str) -> None:
        self._labels = (operation, group, resource)
        self._time = clock.timer()
        self._began = self._time()

    def __enter__(self) -> None: ...

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _durations.note(self._labels, self._time() - self._began)
        if isinstance(exc, StoreUnavailable):
            _failed.labels(*self._labels).inc()
