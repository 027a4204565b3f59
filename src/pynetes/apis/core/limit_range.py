"""LimitRange."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.quantity import Quantity, parse
from pynetes.apis.core.container_defaults import default_resource_list
from pynetes.apis.core.pod_resources import amounts
from pynetes.apis.core.resource_names import (
    is_overcommit_allowed,
    validate_container_resource_name,
    validate_resource_name,
)
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import WHOLE, Object, Strategy
from pynetes.component.uids import new_uid

_FIELDS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
_TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_ONE = parse("1")


class LimitRangeStrategy(Strategy):
    update_metadata = WHOLE
    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        for item in obj.setdefault("spec", {}).setdefault("limits", None) or ():
            if item.get("type") == "Container":
                _fill(item)
            for field in _FIELDS:
                default_resource_list(item.get(field))

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        if not obj["metadata"].get("name") and not obj["metadata"].get("generateName"):
            obj["metadata"]["name"] = new_uid()

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        seen: set[str] = set()
        for index, item in enumerate(obj["spec"].get("limits") or ()):
            own, kind = f"spec.limits[{index}]", item.get("type") or ""
            if found.rule(f"{own}.type", kind, names.qualified_name) and "/" not in kind and kind not in _TYPES:
                found.invalid(f"{own}.type", kind, "must be a standard limit type or fully qualified")
            if kind in seen:
                found.duplicate(f"{own}.type", kind)
            seen.add(kind)
            _item(found, item, kind, own)
        return found


def _fill(item: Object) -> None:
    """Defaults follow from the bounds: limit from max, request from limit, else from min."""
    limits, requests = item.get("default") or {}, item.get("defaultRequest") or {}
    limits = {**copy(item.get("max") or {}), **limits}
    requests = {**copy(item.get("min") or {}), **copy(limits), **requests}
    for field, values in (("default", limits), ("defaultRequest", requests)):
        if values:
            item[field] = values


def _item(found: FieldErrors, item: Object, kind: str, path: str) -> None:
    values: dict[str, dict[str, Quantity]] = {field: {} for field in _FIELDS}
    check = validate_container_resource_name if kind in ("Pod", "Container") else validate_resource_name
    for field in _FIELDS:
        if kind == "Pod" and field in ("default", "defaultRequest"):
            if item.get(field):
                found.forbidden(f"{path}.{field}", "may not be specified when `type` is 'Pod'")
            continue
        values[field] = amounts(item.get(field))
        for name in values[field]:
            check(found, name, f"{path}.{field}[{name}]")
    if kind == "PersistentVolumeClaim" and not any("storage" in values[f] for f in ("min", "max")):
        detail = "either minimum or maximum storage value is required, but neither was provided"
        found.required(f"{path}.limits", detail)
    for name in sorted({n for field in _FIELDS for n in values[field]}):
        _consistent(found, name, {field: values[field].get(name) for field in _FIELDS}, path)


def _consistent(found: FieldErrors, name: str, values: dict[str, Quantity | None], path: str) -> None:
    def ordered(low: str, high: str, field: str, low_text: str, high_text: str, shown: str) -> None:
        lower, upper, value = values[low], values[high], values[shown]
        if lower is not None and upper is not None and lower > upper:
            detail = f"{low_text} value {lower} is greater than {high_text} value {upper}"
            found.invalid(f"{path}.{field}[{name}]", str(value), detail)

    ordered("min", "max", "min", "min", "max", "min")
    ordered("min", "defaultRequest", "defaultRequest", "min", "default request", "defaultRequest")
    ordered("defaultRequest", "max", "defaultRequest", "default request", "max", "defaultRequest")
    ordered("defaultRequest", "default", "defaultRequest", "default request", "default limit", "defaultRequest")
    ordered("min", "default", "default", "min", "default", "min")
    ordered("default", "max", "default", "default", "max", "max")
    ratio, low, high = values["maxLimitRequestRatio"], values["min"], values["max"]
    own = f"{path}.maxLimitRequestRatio[{name}]"
    if ratio is not None and ratio < _ONE:
        found.invalid(own, str(ratio), f"ratio {ratio} is less than 1")
    if ratio is not None and low and high is not None:
        limit = float(high) / float(low)
        if float(ratio) > limit:
            found.invalid(own, str(ratio), f"ratio {ratio} is greater than max/min = {limit:f}")
    limit_value, request = values["default"], values["defaultRequest"]
    if not is_overcommit_allowed(name) and limit_value is not None and request is not None and limit_value != request:
        detail = f"default value {limit_value} must equal to defaultRequest value {request} in {name}"
        found.invalid(f"{path}.defaultRequest[{name}]", str(request), detail)
