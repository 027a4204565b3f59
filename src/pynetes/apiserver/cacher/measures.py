"""The watch cache's metrics, under upstream's names."""

from collections.abc import Iterable

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from pynetes.component import metrics

_LABELS = ("group", "resource")
_OBJECTS = metrics.gauge("apiserver_resource_objects", "Number of stored objects, by resource.", _LABELS)
_RECEIVED = metrics.counter(
    "apiserver_watch_cache_events_received_total", "Events that the watch cache received, by resource.", _LABELS
)
_DISPATCHED = metrics.counter(
    "apiserver_watch_cache_events_dispatched_total", "Events that the watch cache handed to watchers.", _LABELS
)
_INITIALIZATIONS = metrics.counter(
    "apiserver_watch_cache_initializations_total", "How often the watch cache was loaded, by resource.", _LABELS
)
_TERMINATED = metrics.counter(
    "apiserver_terminated_watchers_total", "Watchers ended because they were too slow, by resource.", _LABELS
)


def _objects_by_older_name() -> Iterable[Metric]:
    """The same numbers as dashboards ask for them: resource and group in one."""
    family = GaugeMetricFamily(
        "apiserver_storage_objects", "Number of stored objects, by resource.", labels=["resource"]
    )
    for metric in _OBJECTS.collect():
        for sample in metric.samples:
            group, resource = sample.labels["group"], sample.labels["resource"]
            family.add_metric([f"{resource}.{group}" if group else resource], sample.value)
    yield family


metrics.collector(_objects_by_older_name)


def _received_from_store() -> Iterable[Metric]:
    """The same numbers again: what the watch cache receives is what the store tells."""
    text = "Number of changes that the store told, by resource."
    family = CounterMetricFamily("apiserver_storage_events_received", text, labels=_LABELS)
    for metric in _RECEIVED.collect():
        for sample in metric.samples:
            family.add_metric([sample.labels[label] for label in _LABELS], sample.value)
    yield family


metrics.collector(_received_from_store)


_SENT_SIZES = metrics.Durations(
    "apiserver_watch_events_sizes",
    "Sizes of the events that watches were sent, in bytes, by resource.",
    ("group", "version", "resource"),
    buckets=metrics.exponential(1024, 2, 8),
)


def _sent() -> Iterable[Metric]:
    text = "Events that watches were sent, by resource."
    family = CounterMetricFamily("apiserver_watch_events_total", text, labels=("group", "version", "resource"))
    for values, count in _SENT_SIZES.totals():
        family.add_metric(values, count)
    yield family


metrics.collector(_sent)


def sent(gvr: tuple[str, str, str], events: int, size: int) -> None:
    """A watch of this resource was sent so many events, `size` bytes in all."""
    _SENT_SIZES.note_all(gvr, events, size)


_LISTED = metrics.Durations(
    "apiserver_watch_list_duration_seconds",
    "Time until a watch that begins with the state was sent all of it, by resource and scope.",
    ("group", "version", "resource", "scope"),
    buckets=(0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8, 10, 15, 20, 30, 45, 60),
)


def listed(gvr: tuple[str, str, str], scope: str, seconds: float) -> None:
    """A streaming list of this resource has been sent."""
    _LISTED.note((*gvr, scope), seconds)


class Measures:
    """The series of one resource, named by its prefix (`/registry/core/pods/`)."""

    def __init__(self, prefix: str) -> None:
        *_, group, resource = prefix.strip("/").split("/")
        labels = ("" if group == "core" else group, resource)
        self.objects = _OBJECTS.labels(*labels)
        self.received = _RECEIVED.labels(*labels)
        self.dispatched = _DISPATCHED.labels(*labels)
        self.initializations = _INITIALIZATIONS.labels(*labels)
        self.terminated = _TERMINATED.labels(*labels)
