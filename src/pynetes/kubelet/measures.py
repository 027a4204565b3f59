"""The kubelet's metrics, under upstream's names. What runs is counted when somebody asks."""

import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from pynetes.component import metrics
from pynetes.kubelet import pod as pods

if TYPE_CHECKING:
    from pynetes.kubelet.pleg import PLEG

_PODS = metrics.counter("kubelet_started_pods_total", "Sandboxes made")
_POD_ERRORS = metrics.counter("kubelet_started_pods_errors_total", "Sandboxes that could not be made")
_CONTAINERS = metrics.counter("kubelet_started_containers_total", "Starts of containers", ["container_type"])
_CONTAINER_ERRORS = metrics.counter(
    "kubelet_started_containers_errors_total", "Starts of containers that failed", ["container_type", "code"]
)
_ENDS = metrics.counter(
    "kubelet_terminated_containers_total", "Ends of containers", ["container_type", "exit_code", "reason"]
)
_TYPES = {"initContainers": "init_container", "containers": "container", "ephemeralContainers": "ephemeral_container"}
_STATUSES = {
    "initContainerStatuses": "init_container",
    "containerStatuses": "container",
    "ephemeralContainerStatuses": "ephemeral_container",
}

_published: "weakref.WeakSet[PLEG]" = weakref.WeakSet()


def pod_started(*, failed: bool = False) -> None:
    """A sandbox was asked for."""
    _PODS.inc()
    if failed:
        _POD_ERRORS.inc()


def container_started(pod: Mapping[str, Any], name: str, error: str = "") -> None:
    """A start was tried; `error` is the reason why it failed."""
    kind = next((_TYPES[kind] for kind, each in pods.all_containers(pod) if each["name"] == name), "container")
    _CONTAINERS.labels(kind).inc()
    if error:
        _CONTAINER_ERRORS.labels(kind, error).inc()


def containers_ended(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Counts the containers that have ended between two statuses of a pod."""
    for field, kind in _STATUSES.items():
        known = {each["name"] for each in old.get(field) or () if (each.get("state") or {}).get("terminated")}
        for status in new.get(field) or ():
            end = (status.get("state") or {}).get("terminated")
            if end and status["name"] not in known:
                _ENDS.labels(kind, str(end.get("exitCode", 0)), end.get("reason", "")).inc()


def publish(pleg: "PLEG") -> None:
    """Shows what this one knows of the runtime for as long as it lives."""
    _published.add(pleg)


def _families() -> Iterator[Metric]:
    sandboxes, states = 0, Counter[str]()
    for pleg in list(_published):
        for pod in pleg.runtime_pods.values():
            sandboxes += any(pod.sandboxes.values())
            states.update(state.value for state in pod.containers.values())
    yield GaugeMetricFamily("kubelet_running_pods", "Pods with a running sandbox", value=sandboxes)
    containers = GaugeMetricFamily("kubelet_running_containers", "Containers by state", labels=["container_state"])
    for state, count in sorted(states.items()):
        containers.add_metric([state], count)
    yield containers


metrics.collector(_families)
