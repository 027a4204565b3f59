"""What each pod asks for and what it may use at most, as metrics of their own (`/metrics/resources`)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from pynetes.apimachinery import meta
from pynetes.apis.core.pod_resources import pod_limits, pod_requests
from pynetes.apis.core.resource_names import is_huge_page
from pynetes.component import metrics
from pynetes.component.serving import Answer, Handler, Request

Object = dict[str, Any]

_LABELS = ("namespace", "pod", "node", "scheduler", "priority", "resource", "unit")
_ABOUT = (
    "broken down by pod. This shows the resource usage the scheduler and kubelet expect per pod for resources along "
    "with the unit for the resource if any."
)
_BYTES = frozenset(("memory", "storage", "ephemeral-storage"))


def families(pods: Iterable[Object]) -> Iterator[Metric]:
    """Requests and limits of pods that have not ended; what is zero is left out."""
    going = [pod for pod in pods if not _has_ended(pod)]
    for name, text, amounts in (
        ("kube_pod_resource_limit", "Resources limit for workloads on the cluster", pod_limits),
        ("kube_pod_resource_request", "Resources requested by workloads on the cluster", pod_requests),
    ):
        family = GaugeMetricFamily(name, f"{text}, {_ABOUT}", labels=_LABELS)
        for pod in going:
            for resource, amount in amounts(pod).items():
                if value := float(amount):
                    family.add_metric([*_about(pod), resource, _unit(resource)], value)
        if family.samples:
            yield family


def handler(pods: Callable[[], Iterable[Object]]) -> Handler:
    registry = CollectorRegistry(auto_describe=False)
    metrics.collector(lambda: families(pods()), registry)

    async def answer(request: Request) -> Answer:
        return Answer(metrics.render(registry), content_type=metrics.CONTENT_TYPE)

    return answer


def _has_ended(pod: Object) -> bool:
    return bool(pod["spec"].get("nodeName")) and (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _about(pod: Object) -> tuple[str, ...]:
    spec = pod["spec"]
    priority = spec.get("priority")
    return (
        meta.namespace(pod),
        meta.name(pod),
        spec.get("nodeName") or "",
        spec.get("schedulerName") or "",
        "" if priority is None else str(priority),
    )


def _unit(resource: str) -> str:
    if resource == "cpu":
        return "cores"
    if resource in _BYTES or is_huge_page(resource):
        return "bytes"
    return "integer" if resource.startswith("attachable-volumes-") else ""
