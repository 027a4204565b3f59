"""StorageClass and VolumeAttributesClass."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.validation import validate_label_name
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy

_MAX_PARAMETERS = 512
_MAX_PARAMETERS_SIZE = 256 * 1024
_POLICIES = ("Delete", "Retain")
_BINDING_MODES = ("Immediate", "WaitForFirstConsumer")


class StorageClassStrategy(Strategy):
    def default(self, obj: Object) -> None:
        if obj.get("reclaimPolicy") is None:
            obj["reclaimPolicy"] = "Delete"
        if obj.get("volumeBindingMode") is None:
            obj["volumeBindingMode"] = "Immediate"

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        provisioner = obj.get("provisioner") or ""
        if found.present("provisioner", provisioner):
            for message in names.qualified_name(provisioner.lower()):
                found.invalid("provisioner", provisioner.lower(), message)
        validate_parameters(found, obj.get("parameters") or {}, "parameters")
        policy = obj.get("reclaimPolicy")
        if policy and policy not in _POLICIES:
            found.not_supported("reclaimPolicy", policy, _POLICIES)
        mode = obj.get("volumeBindingMode")
        if mode is not None and mode not in _BINDING_MODES:
            found.not_supported("volumeBindingMode", mode, _BINDING_MODES)
        _topologies(found, obj.get("allowedTopologies") or [], "allowedTopologies")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        for key in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
            found.immutable(key, obj.get(key), old.get(key))
        return found


def _topologies(found: FieldErrors, terms: list[Object], path: str) -> None:
    seen: list[dict[str, set[str]]] = [{}] * len(terms)  # upstream's: no term may be empty
    for index, term in enumerate(terms):
        own = f"{path}[{index}].matchLabelExpressions"
        expressions: dict[str, set[str]] = {}
        for number, expression in enumerate(term.get("matchLabelExpressions") or ()):
            where, key = f"{own}[{number}]", expression.get("key") or ""
            values: set[str] = set()
            if not expression.get("values"):
                found.required(f"{where}.values")
            for place, value in enumerate(expression.get("values") or ()):
                if value in values:
                    found.duplicate(f"{where}.values[{place}]", value)
                values.add(value)
            found += validate_label_name(key, f"{where}.key")
            if key in expressions:
                found.duplicate(f"{where}.key", key)
            expressions[key] = values
        for earlier in seen:
            if earlier == expressions:
                found.duplicate(own, "")
        seen.append(expressions)


class VolumeAttributesClassStrategy(Strategy):
    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        driver = obj.get("driverName") or ""
        if found.present("driverName", driver):
            for message in names.qualified_name(driver.lower()):
                found.invalid("driverName", driver.lower(), message)
        parameters = obj.get("parameters") or {}
        validate_parameters(found, parameters, "parameters")
        if not parameters:
            found.required("parameters", "must contain at least one key/value pair")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        for key in ("driverName", "parameters"):
            if not semantic_equal(obj.get(key), old.get(key)):
                found.forbidden(key, f"updates to {key} are forbidden.")
        return [*found, *self.validate(obj)]


def validate_parameters(found: FieldErrors, parameters: dict[str, str], path: str) -> None:
    if len(parameters) > _MAX_PARAMETERS:
        found.too_long(path, _MAX_PARAMETERS)
        return
    if "" in parameters:
        found.invalid(path, "", "field can not be empty.")
    if sum(len(k.encode()) + len(v.encode()) for k, v in parameters.items()) > _MAX_PARAMETERS_SIZE:
        found.too_long(path, _MAX_PARAMETERS_SIZE)
