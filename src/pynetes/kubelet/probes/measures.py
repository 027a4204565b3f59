"""What probes came to, under upstream's names, apart from the node's other metrics (`/metrics/probes`)."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from pynetes.kubelet import pod as pods
from pynetes.kubelet.probes.results import ProbeType

PROBES = CollectorRegistry(auto_describe=False)

_TOTAL = Counter(
    "prober_probe_total",
    "Cumulative number of a liveness, readiness or startup probe for a container by result.",
    ("probe_type", "result", "container", "pod", "namespace", "pod_uid"),
    registry=PROBES,
)
_SECONDS = Histogram(
    "prober_probe_duration_seconds",
    "Duration in seconds for a probe response.",
    ("probe_type", "container", "pod", "namespace"),
    registry=PROBES,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_RESULTS = {True: "successful", False: "failed", None: "unknown"}


def probed(
    kind: ProbeType, pod: Mapping[str, Any], container: Mapping[str, Any], healthy: bool | None, seconds: float
) -> None:
    """`healthy` None: nothing could be learned. Failures are counted and not timed."""
    type, name, where = kind.capitalize(), container["name"], _where(pod)
    _TOTAL.labels(type, _RESULTS[healthy], name, *where, pods.uid(pod)).inc()
    if healthy is not False:
        _SECONDS.labels(type, name, *where).observe(seconds)


def ended(kind: ProbeType, pod: Mapping[str, Any], container: Mapping[str, Any]) -> None:
    """The container is probed no more, and its samples go."""
    type, name, where = kind.capitalize(), container["name"], _where(pod)
    for result in _RESULTS.values():
        _TOTAL.remove(type, result, name, *where, pods.uid(pod))
    _SECONDS.remove(type, name, *where)


def _where(pod: Mapping[str, Any]) -> tuple[str, str]:
    return pod["metadata"]["name"], pod["metadata"].get("namespace") or ""
