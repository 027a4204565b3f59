"""Table columns of the group."""

from typing import Any

from pynetes.apimachinery.quantity import parse
from pynetes.apis.cells import NONE, UNSET, at, number
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_SHOWN = 2
_UNKNOWN = "<unknown>"
_FIELDS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def _amount(value: Any) -> str:
    return str(parse(value if value is not None else "0"))


def _current(status: Object | None, key: str) -> str:
    current = (status or {}).get("current") or {}
    return _amount(current[key]) if current.get(key) is not None else _UNKNOWN


def _resource(source: Object, status: Object | None) -> str:
    target = source.get("target") or {}
    if target.get("averageValue") is not None:
        now = _UNKNOWN if status is None else _amount((status.get("current") or {}).get("averageValue"))
        goal = _amount(target["averageValue"])
    else:
        used = ((status or {}).get("current") or {}).get("averageUtilization")
        now = _UNKNOWN if used is None else f"{used}%"
        goal = f"{target['averageUtilization']}%" if target.get("averageUtilization") is not None else "<auto>"
    return f"{source.get('name') or ''}: {now}/{goal}"


def _metric(metric: Object, statuses: list[Object], index: int) -> str:
    field = _FIELDS.get(metric.get("type") or "")
    if field is None:
        return "<unknown type>"
    source = metric.get(field) or {}
    status = statuses[index].get(field) if index < len(statuses) else None
    target = source.get("target") or {}
    if field in ("resource", "containerResource"):
        return _resource(source, status)
    if field == "pods":
        now = _UNKNOWN if status is None else _amount((status.get("current") or {}).get("averageValue"))
        return f"{now}/{_amount(target.get('averageValue'))}"
    if target.get("averageValue") is not None:
        return f"{_current(status, 'averageValue')}/{_amount(target['averageValue'])} (avg)"
    now = _UNKNOWN if status is None else _amount((status.get("current") or {}).get("value"))
    return f"{now}/{_amount(target.get('value'))}"


def _targets(autoscaler: Object) -> str:
    metrics = at(autoscaler, "spec", "metrics") or []
    statuses = at(autoscaler, "status", "currentMetrics") or []
    if not metrics:
        return NONE
    texts = [_metric(metric, statuses, index) for index, metric in enumerate(metrics)]
    more = f" + {len(texts) - _SHOWN} more..." if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _reference(autoscaler: Object) -> str:
    target = at(autoscaler, "spec", "scaleTargetRef") or {}
    return f"{target.get('kind') or ''}/{target.get('name') or ''}"


def _min_pods(autoscaler: Object) -> str:
    replicas = at(autoscaler, "spec", "minReplicas")
    return UNSET if replicas is None else str(replicas)


_HPA = "autoscaling.v2.HorizontalPodAutoscaler"
HORIZONTAL_POD_AUTOSCALER = (
    NAME,
    Column("Reference", _reference, description=schema_text(_HPA + "Spec.scaleTargetRef")),
    Column("Targets", _targets, description=schema_text(_HPA + "Spec.metrics")),
    Column("MinPods", _min_pods, description=schema_text(_HPA + "Spec.minReplicas")),
    Column("MaxPods", number("spec", "maxReplicas"), description=schema_text(_HPA + "Spec.maxReplicas")),
    Column("Replicas", number("status", "currentReplicas"), description=schema_text(_HPA + "Status.currentReplicas")),
    AGE,
)
SCALE = (
    Column("Name", NAME.cells, description=NAME.source),
    Column(
        "Desired", number("spec", "replicas"), "integer", description=schema_text("autoscaling.v1.ScaleSpec.replicas")
    ),
    Column(
        "Available",
        number("status", "replicas"),
        "integer",
        description=schema_text("autoscaling.v1.ScaleStatus.replicas"),
    ),
    AGE,
)
CUSTOM_SCALE = (
    NAME,
    Column("Desired", number("spec", "replicas"), "integer", description="Number of desired replicas"),
    Column("Available", number("status", "replicas"), "integer", description="Number of actual replicas"),
    Column("Age", AGE.cells, "date", description=AGE.source),
)
