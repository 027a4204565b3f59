"""What autoscalers may measure."""

from collections.abc import Callable

from pynetes.apimachinery import names, quantity
from pynetes.apis.core.resource_names import validate_container_resource_name
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_TYPES = ("ContainerResource", "External", "Object", "Pods", "Resource")
_TARGETS = ("Utilization", "Value", "AverageValue")
_ZERO = quantity.parse("0")


def validate_reference(found: FieldErrors, reference: Object, path: str, *, grouped: bool = False) -> None:
    """`grouped`: a group must be named."""
    for field in ("kind", "name"):
        found.required_rule(f"{path}.{field}", reference.get(field), names.path_segment_name)
    version = reference.get("apiVersion") or ""
    if version.count("/") > 1:
        found.invalid(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}")
    elif grouped and not version.rpartition("/")[0]:
        found.invalid(f"{path}.apiVersion", version, "apiVersion must specify API group")


def validate_metrics(found: FieldErrors, metrics: list[Object], min_replicas: int | None, path: str) -> None:
    for index, metric in enumerate(metrics):
        _metric(found, metric, f"{path}[{index}]")
    if min_replicas == 0 and not any(m.get("type") in ("Object", "External") for m in metrics):
        found.forbidden(path, "must specify at least one Object or External metric to support scaling to zero replicas")


def _metric(found: FieldErrors, metric: Object, path: str) -> None:
    kind = metric.get("type") or ""
    if not kind:
        found.required(f"{path}.type", "must specify a metric source type")
    if kind not in _TYPES:
        found.not_supported(f"{path}.type", kind, _TYPES)
    given = [field for field in _SOURCES if metric.get(field) is not None]
    if given:
        _SOURCES[given[0]](found, metric[given[0]], f"{path}.{given[0]}")
    expected = kind[:1].lower() + kind[1:]
    if kind not in _TYPES:
        found.not_supported(f"{path}.type", kind, _TYPES)  # clients see it twice
    elif expected not in given:
        found.required(f"{path}.{expected}", "must populate information for the given metric source")
    if len(given) != 1:
        for field in given:
            if field != expected:
                found.forbidden(f"{path}.{field}", "must populate the given metric source only")


def _identifier(found: FieldErrors, source: Object, path: str) -> None:
    name = (source.get("metric") or {}).get("name")
    if found.present(f"{path}.metric.name", name, "must specify a metric name"):
        found.rule(f"{path}.metric.name", name, names.path_segment_name)


def _target(found: FieldErrors, source: Object, path: str) -> Object:
    target: Object = source.get("target") or {}
    own, kind = f"{path}.target", target.get("type") or ""
    if not kind:
        found.required(f"{own}.type", "must specify a metric target type")
    if kind not in _TARGETS:
        found.invalid(f"{own}.type", kind, "must be either Utilization, Value, or AverageValue")
    for field in ("value", "averageValue"):
        if target.get(field) is not None and quantity.parse(target[field]) <= _ZERO:
            found.invalid(f"{own}.{field}", str(quantity.parse(target[field])), "must be positive")
    utilization = target.get("averageUtilization")
    if utilization is not None and utilization < 1:
        found.invalid(f"{own}.averageUtilization", utilization, "must be greater than 0")
    return target


def _object(found: FieldErrors, source: Object, path: str) -> None:
    validate_reference(found, source.get("describedObject") or {}, f"{path}.describedObject")
    _identifier(found, source, path)
    target = _target(found, source, path)
    if target.get("value") is None and target.get("averageValue") is None:
        found.required(f"{path}.target.averageValue", "must set either a target value or averageValue")


def _external(found: FieldErrors, source: Object, path: str) -> None:
    _identifier(found, source, path)
    target = _target(found, source, path)
    value, average = target.get("value"), target.get("averageValue")
    if value is None and average is None:
        detail = "must set either a target value for metric or a per-pod target"
        found.required(f"{path}.target.averageValue", detail)
    if value is not None and average is not None:
        found.forbidden(f"{path}.target.value", "may not set both a target value for metric and a per-pod target")


def _pods(found: FieldErrors, source: Object, path: str) -> None:
    _identifier(found, source, path)
    if _target(found, source, path).get("averageValue") is None:
        found.required(f"{path}.target.averageValue", "must specify a positive target averageValue")


def _resource(found: FieldErrors, source: Object, path: str) -> None:
    found.present(f"{path}.name", source.get("name"), "must specify a resource name")
    _resource_target(found, source, path)


def _container_resource(found: FieldErrors, source: Object, path: str) -> None:
    if found.present(f"{path}.name", source.get("name"), "must specify a resource name"):
        validate_container_resource_name(found, source["name"], f"{path}.name")
    if found.present(f"{path}.container", source.get("container"), "must specify a container"):
        found.rule(f"{path}.container", source["container"], names.dns1123_label)
    _resource_target(found, source, path)


def _resource_target(found: FieldErrors, source: Object, path: str) -> None:
    target = _target(found, source, path)
    share, amount = target.get("averageUtilization"), target.get("averageValue")
    if share is None and amount is None:
        detail = "must set either a target raw value or a target utilization"
        found.required(f"{path}.target.averageUtilization", detail)
    if share is not None and amount is not None:
        detail = "may not set both a target raw value and a target utilization"
        found.forbidden(f"{path}.target.averageValue", detail)


_SOURCES: dict[str, Callable[[FieldErrors, Object, str], None]] = {
    "object": _object,
    "external": _external,
    "pods": _pods,
    "resource": _resource,
    "containerResource": _container_resource,
}
