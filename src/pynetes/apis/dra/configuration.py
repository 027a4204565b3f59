"""What DeviceClass, ResourceClaim and its template, and allocations say for drivers and taints."""

from typing import Any

from pynetes.apimachinery import json_writer, names
from pynetes.apimachinery.validation import validate_label_name
from pynetes.apis.dra.names_validation import validate_driver_name, validate_list
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

MAX_CONFIGS = 32
_MAX_PARAMETERS = 10 * 1024
_MAX_CONDITIONS = 4
_EFFECTS = ("NoExecute", "NoSchedule", "None")
_OPERATORS = ("Equal", "Exists")


def validate_configuration(found: FieldErrors, config: Object, path: str, *, stored: bool = False) -> None:
    """`stored` parameters may be larger than new ones."""
    opaque = config.get("opaque")
    if opaque is None:
        found.required(f"{path}.opaque")
        return
    path = f"{path}.opaque"
    validate_driver_name(found, opaque.get("driver") or "", f"{path}.driver")
    validate_raw(found, opaque.get("parameters"), f"{path}.parameters", stored=stored)


def validate_raw(found: FieldErrors, value: Any, path: str, *, stored: bool = False) -> None:
    if value is None:
        found.required(path)
    elif not stored and len(json_writer.encode(value)) > _MAX_PARAMETERS:
        found.too_long(path, _MAX_PARAMETERS)
    elif not isinstance(value, dict):
        found.invalid(path, "<value omitted>", "must be a valid JSON object")


def validate_taint(found: FieldErrors, taint: Object, path: str) -> None:
    found += validate_label_name(taint.get("key") or "", f"{path}.key")
    if taint.get("value"):
        found.rule(f"{path}.value", taint["value"], names.label_value)
    found.one_of(f"{path}.effect", taint.get("effect"), _EFFECTS)


def validate_toleration(found: FieldErrors, toleration: Object, path: str) -> None:
    if toleration.get("key"):
        found += validate_label_name(toleration["key"], f"{path}.key")
    value, operator = toleration.get("value") or "", toleration.get("operator")
    if operator == "Exists" and value:
        found.invalid(f"{path}.value", value, "must be empty for operator `Exists`")
    elif operator == "Equal":
        found.rule(f"{path}.value", value, names.label_value)
    else:
        found.one_of(f"{path}.operator", operator, _OPERATORS)
    if toleration.get("effect"):
        found.one_of(f"{path}.effect", toleration["effect"], _EFFECTS)


def validate_binding(found: FieldErrors, device: Object, path: str) -> None:
    """Conditions that say whether a device is ready, and whether it will never be: both or neither."""
    kinds = ("bindingConditions", "bindingFailureConditions")
    ready, failed = (device.get(kind) or [] for kind in kinds)
    for kind, conditions in zip(kinds, (ready, failed), strict=True):
        validate_list(found, conditions, _MAX_CONDITIONS, _condition, f"{path}.{kind}")
    for kind, conditions in zip(kinds, (ready, failed), strict=True):
        for index, condition in enumerate(conditions):
            own = f"{path}.{kind}[{index}]"
            if condition in conditions[:index]:
                found.duplicate(own, condition)
            if conditions is failed and condition in ready:
                found.invalid(own, condition, "bindingFailureConditions must not overlap with bindingConditions")
    if failed and not ready:
        detail = "bindingConditions are required to use bindingFailureConditions"
        found.invalid(f"{path}.bindingConditions", device.get(kinds[0]), detail)
    if ready and not failed:
        detail = "bindingFailureConditions are required to use bindingConditions"
        found.invalid(f"{path}.bindingFailureConditions", device.get(kinds[1]), detail)


def _condition(found: FieldErrors, condition: str, path: str) -> None:
    found += validate_label_name(condition, path)
