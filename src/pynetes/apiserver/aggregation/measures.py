"""Metrics of APIServices, under upstream's names."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apiserver.aggregation.availability import Verdict, is_available
from pynetes.apiserver.objects import Change
from pynetes.component import metrics

_unavailable = metrics.gauge(
    "aggregator_unavailable_apiservice",
    "Gauge of APIServices which are marked as unavailable broken down by APIService name.",
    ("name",),
)
# The client library takes a counter's name without `_total` for itself, which is that of the other.
_total = metrics.plain_counter(
    "aggregator_unavailable_apiservice_total",
    "Counter of APIServices which are marked as unavailable broken down by APIService name and reason.",
    ("name", "reason"),
)
_known: set[str] = set()


def observe(change: Change, api_service: dict[str, Any]) -> None:
    name = meta.name(api_service)
    if change != "DELETED":
        _known.add(name)
        _unavailable.labels(name).set(0 if is_available(api_service) else 1)
    elif name in _known:
        _known.discard(name)
        _unavailable.remove(name)


def judged(name: str, verdict: Verdict) -> None:
    """A verdict that is another than before."""
    status, reason, _ = verdict
    if status != "True":
        _total.labels(name, reason).inc()
