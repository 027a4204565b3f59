"""Attributes of a device and its capacities."""

import re

from pynetes.apimachinery import names, quantity
from pynetes.apimachinery.quantity import Quantity
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_MAX_VALUE = 64
_MAX_OPTIONS = 10
_VALUES = ("bool", "int", "string", "version")
_PART = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)" + rf"(-{_PART}(\.{_PART})*)?" + r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
_ONE_VALUE = "exactly one value must be specified"


def validate_attribute(found: FieldErrors, attribute: Object, path: str) -> None:
    given = [key for key in _VALUES if attribute.get(key) is not None]
    for key in ("string", "version"):
        if key not in given:
            continue
        value = attribute[key]
        if key == "version" and not _SEMVER.fullmatch(value):
            found.invalid(f"{path}.version", value, "must be a string compatible with semver.org spec 2.0.0")
        if names.size(value) > _MAX_VALUE:
            found.too_long(f"{path}.{key}", _MAX_VALUE)
    if not given:
        found.invalid(path, "", _ONE_VALUE)
    elif len(given) > 1:
        found.invalid(path, _shown(attribute), _ONE_VALUE)


def _shown(attribute: Object) -> Object:
    kinds = {"IntValue": "int", "BoolValue": "bool", "StringValue": "string", "VersionValue": "version"}
    single = {shown: attribute.get(key) for shown, key in kinds.items()}
    return single | dict.fromkeys(("IntValues", "BoolValues", "StringValues", "VersionValues"))


def validate_capacity(found: FieldErrors, capacity: Object, shared: bool, path: str) -> None:
    """`shared`: the device may be allocated more than once; only then a share of it can be asked for."""
    policy = capacity.get("requestPolicy")
    if policy is None:
        return
    path = f"{path}.requestPolicy"
    if not shared:
        found.forbidden(path, "allowMultipleAllocations must be true")
    elif policy.get("validValues") and policy.get("validRange") is not None:
        detail = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        found.forbidden(path, detail)
    else:
        _policy(found, policy, quantity.parse(capacity.get("value") or "0"), path)


def _policy(found: FieldErrors, policy: Object, capacity: Quantity, path: str) -> None:
    for kind in ("validValues", "validRange"):
        rule = policy.get(kind)
        if rule is None or rule == []:
            continue
        if policy.get("default") is None:
            found.required(f"{path}.default", f"required when {kind} is defined")
        elif kind == "validValues":
            options = [quantity.parse(each) for each in rule]
            _options(found, options, quantity.parse(policy["default"]), capacity, f"{path}.{kind}")
        else:
            bounds = {key: quantity.parse(value) for key, value in rule.items() if value is not None}
            _range(found, bounds, quantity.parse(policy["default"]), capacity, f"{path}.{kind}")


def _options(found: FieldErrors, options: list[Quantity], default: Quantity, capacity: Quantity, path: str) -> None:
    for index in range(1, len(options)):
        if options[index - 1] > options[index]:
            found.invalid(f"{path}[{index}]", str(options[index]), "values must be sorted in ascending order")
    if len(options) > _MAX_OPTIONS:
        found.too_many(path, len(options), _MAX_OPTIONS)
    else:
        for index, option in enumerate(options):
            if option > capacity:
                detail = f"option is larger than capacity value: {capacity}"
                found.invalid(f"{path}[{index}]", str(option), detail)
        for index, option in enumerate(options):
            if _whole(option) in map(_whole, options[:index]):
                found.duplicate(f"{path}[{index}]", str(_whole(option)))
        if default in options:
            return
    found.invalid(path, str(default), "default value is not valid according to the requestPolicy")


def _range(found: FieldErrors, bounds: dict[str, Quantity], default: Quantity, capacity: Quantity, path: str) -> None:
    least, most, step = bounds.get("min"), bounds.get("max"), bounds.get("step")
    if least is None:
        found.required(f"{path}.min", "required when validRange is defined")
        return
    if least > capacity:
        found.invalid(f"{path}.min", str(least), f"min is larger than capacity value: {capacity}")
    if default < least:
        found.invalid(f"{path}.min", str(default), f"default is less than min: {least}")
    if most is not None:
        if least > most:
            found.invalid(f"{path}.max", str(least), f"min is larger than max: {most}")
        if most > capacity:
            found.invalid(f"{path}.max", str(most), f"max is larger than capacity value: {capacity}")
        if default > most:
            found.invalid(f"{path}.max", str(default), f"default is more than max: {most}")
    if step is not None:
        _steps(found, [default] if most is None else [default, most], least, step, capacity, f"{path}.step")


def _steps(
    found: FieldErrors, values: list[Quantity], least: Quantity, step: Quantity, capacity: Quantity, path: str
) -> None:
    first = least + step
    if first > capacity:
        found.invalid(path, str(step), f"one step {first} is larger than capacity value: {capacity}")
    for value in values if _whole(step) else ():
        if (_whole(value) - _whole(least)) % _whole(step):
            detail = f"value is not a multiple of a given step ({step}) from ({least})"
            found.invalid(path, str(value), detail)


def _whole(amount: Quantity) -> int:
    return amount.value()
