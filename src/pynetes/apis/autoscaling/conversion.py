"""autoscaling/v1 ↔ v2 HorizontalPodAutoscaler.

v1 knows one metric, CPU utilization. All else travels in annotations, in v1's own (historic) shape of metrics, so that
a v1 client can read, change and write an object back without losing what v2 clients put there.
"""

from typing import Any

import orjson

from pynetes.apimachinery import quantity
from pynetes.apimachinery.meta import copy
from pynetes.apis.strategy import Object

DEFAULT_CPU_UTILIZATION = 80
_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_ROUND_TRIP = (
    _METRICS,
    _CURRENT_METRICS,
    _BEHAVIOR,
    _CONDITIONS,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
)
# type → the field that holds it
_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def cpu_utilization_metric(utilization: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": utilization}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _is_cpu_utilization(metric: Object) -> bool:
    resource = metric.get("resource") or {}
    utilization = (resource.get("target") or {}).get("averageUtilization")
    return metric.get("type") == "Resource" and resource.get("name") == "cpu" and utilization is not None


def _put(out: Object, **fields: Any) -> Object:
    """Sets those fields that are there."""
    out.update({k: v for k, v in fields.items() if v is not None})
    return out


def _spec_to_v1(kind: str, source: Object) -> Object:
    target = source.get("target") or {}
    metric = source.get("metric") or {}
    average, value = target.get("averageValue"), target.get("value")
    if kind in ("Resource", "ContainerResource"):
        out = _put({}, name=source.get("name"), container=source.get("container"))
        return _put(out, targetAverageUtilization=target.get("averageUtilization"), targetAverageValue=average)
    if kind == "Pods":
        return _put(
            {"metricName": metric.get("name", ""), "targetAverageValue": average or "0"},
            selector=metric.get("selector"),
        )
    if kind == "Object":
        out = {"target": source.get("describedObject") or {}, "metricName": metric.get("name", "")}
        return _put(out | {"targetValue": value or "0"}, selector=metric.get("selector"), averageValue=average)
    return _put(
        {"metricName": metric.get("name", "")},
        metricSelector=metric.get("selector"),
        targetValue=value,
        targetAverageValue=average,
    )


def _metric(source: Object, selector: str = "selector") -> Object:
    return _put({"name": source.get("metricName", "")}, selector=source.get(selector))


def _spec_to_v2(kind: str, source: Object) -> Object:
    average = source.get("targetAverageValue")
    if kind in ("Resource", "ContainerResource"):
        utilization = source.get("targetAverageUtilization")
        type_name = "AverageValue" if utilization is None else "Utilization"
        target = _put({"type": type_name}, averageValue=average, averageUtilization=utilization)
        return _put({"name": source.get("name"), "target": target}, container=source.get("container"))
    if kind == "Pods":
        return {"metric": _metric(source), "target": {"type": "AverageValue", "averageValue": average or "0"}}
    if kind == "Object":
        per_pod, value = source.get("averageValue"), source.get("targetValue") or "0"
        if per_pod is None:
            target = {"type": "Value", "value": value}
        else:
            # v1 cannot leave targetValue out: zero beside an average means that there was none.
            target = _put({"type": "AverageValue", "averageValue": per_pod}, value=_unless_zero(value))
        return {"describedObject": source.get("target") or {}, "metric": _metric(source), "target": target}
    value = source.get("targetValue")
    target = _put({"type": "AverageValue" if value is None else "Value"}, value=value, averageValue=average)
    return {"metric": _metric(source, "metricSelector"), "target": target}


def _unless_zero(value: str) -> str | None:
    return None if quantity.parse(value) == quantity.parse("0") else value


def _status_to_v1(kind: str, source: Object) -> Object:
    current = source.get("current") or {}
    metric = source.get("metric") or {}
    average, value = current.get("averageValue"), current.get("value")
    if kind in ("Resource", "ContainerResource"):
        out = _put({"name": source.get("name")}, container=source.get("container"))
        out = _put(out, currentAverageUtilization=current.get("averageUtilization"))
        return out | {"currentAverageValue": average or "0"}
    if kind == "Pods":
        out = {"metricName": metric.get("name", ""), "currentAverageValue": average or "0"}
        return _put(out, selector=metric.get("selector"))
    if kind == "Object":
        out = {"target": source.get("describedObject") or {}, "metricName": metric.get("name", "")}
        return _put(out | {"currentValue": value or "0"}, selector=metric.get("selector"), averageValue=average)
    out = _put({"metricName": metric.get("name", "")}, metricSelector=metric.get("selector"))
    return _put(out | {"currentValue": value or "0"}, currentAverageValue=average)


def _status_to_v2(kind: str, source: Object) -> Object:
    if kind in ("Resource", "ContainerResource"):
        current = _put(
            {"averageValue": source.get("currentAverageValue") or "0"},
            averageUtilization=source.get("currentAverageUtilization"),
        )
        return _put({"name": source.get("name"), "current": current}, container=source.get("container"))
    if kind == "Pods":
        return {"metric": _metric(source), "current": {"averageValue": source.get("currentAverageValue") or "0"}}
    value = source.get("currentValue") or "0"
    if kind == "Object":
        current = _put({"value": value}, averageValue=source.get("averageValue"))
        return {"metric": _metric(source), "current": current, "describedObject": source.get("target") or {}}
    current = _put({"value": value}, averageValue=source.get("currentAverageValue"))
    return {"metric": _metric(source, "metricSelector"), "current": current}


def _metrics(entries: list[Object], convert: Any) -> list[Object]:
    out = []
    for entry in entries:
        kind = entry.get("type", "")
        field = _SOURCES.get(kind)
        converted: Object = {"type": kind}
        if field and entry.get(field) is not None:
            converted[field] = convert(kind, entry[field])
        out.append(converted)
    return out


def _capitalized(value: Any) -> Any:
    """The annotation for behavior holds Go's field names (it was never given wire names)."""
    if isinstance(value, dict):
        return {k[:1].upper() + k[1:]: _capitalized(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_capitalized(v) for v in value]
    return value


def _uncapitalized(value: Any) -> Any:
    if isinstance(value, dict):
        return {k[:1].lower() + k[1:]: _uncapitalized(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_uncapitalized(v) for v in value]
    return value


def _without_round_trip(metadata: Object) -> dict[str, str]:
    return {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in _ROUND_TRIP}


def _set_annotations(metadata: Object, annotations: dict[str, str]) -> None:
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _load(annotations: dict[str, str], key: str) -> Any:
    try:
        return orjson.loads(annotations[key])
    except (KeyError, orjson.JSONDecodeError):
        return None


def v2_to_v1(obj: Object) -> Object:
    obj = copy(obj)
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    annotations = _without_round_trip(obj["metadata"])
    metrics = spec.pop("metrics", None) or []
    cpu = next((m for m in metrics if _is_cpu_utilization(m)), None)
    if cpu:
        spec["targetCPUUtilizationPercentage"] = cpu["resource"]["target"]["averageUtilization"]
    others = _metrics([m for m in metrics if not _is_cpu_utilization(m)], _spec_to_v1)
    if others:
        annotations[_METRICS] = _dump(others)
    behavior = spec.pop("behavior", None)
    if behavior is not None:
        annotations[_BEHAVIOR] = _dump(_capitalized(behavior))
    current = status.pop("currentMetrics", None) or []
    for metric in current:
        resource = metric.get("resource") or {}
        utilization = (resource.get("current") or {}).get("averageUtilization")
        if metric.get("type") == "Resource" and resource.get("name") == "cpu" and utilization is not None:
            status["currentCPUUtilizationPercentage"] = utilization
    if current:
        annotations[_CURRENT_METRICS] = _dump(_metrics(current, _status_to_v1))
    conditions = status.pop("conditions", None)
    if conditions:
        annotations[_CONDITIONS] = _dump(conditions)
    if "status" in obj:
        status.setdefault("currentReplicas", 0)
    _set_annotations(obj["metadata"], annotations)
    obj["apiVersion"] = "autoscaling/v1"
    return obj


def v1_to_v2(obj: Object) -> Object:
    obj = copy(obj)
    spec, status = obj.setdefault("spec", {}), obj.get("status")
    annotations = obj["metadata"].get("annotations") or {}
    cpu = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = _metrics(_load(annotations, _METRICS) or [], _spec_to_v2)
    if cpu is not None:
        metrics.append(cpu_utilization_metric(cpu))
    # v1's default for CPU needs all metrics, so it is applied here and not among v1's defaults.
    spec["metrics"] = metrics or [cpu_utilization_metric(DEFAULT_CPU_UTILIZATION)]
    behavior = _load(annotations, _BEHAVIOR)
    if behavior:
        spec["behavior"] = _uncapitalized(behavior)
    if status is not None:
        utilization = status.pop("currentCPUUtilizationPercentage", None)
        current = _metrics(_load(annotations, _CURRENT_METRICS) or [], _status_to_v2)
        if not current and utilization is not None:
            current = [
                {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": utilization}}}
            ]
        if current:
            status["currentMetrics"] = current
        conditions = _load(annotations, _CONDITIONS)
        if conditions:
            status["conditions"] = conditions
    _set_annotations(obj["metadata"], _without_round_trip(obj["metadata"]))
    obj["apiVersion"] = "autoscaling/v2"
    return obj
