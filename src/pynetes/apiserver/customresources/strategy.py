"""The strategy of custom resources: one object for each version of a definition."""

from typing import Any

from pynetes.apimachinery import jsonpath, names
from pynetes.apimachinery.errors import FieldError, invalid_value
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.structural.nodes import same
from pynetes.apimachinery.structural.numbers import go_text
from pynetes.apimachinery.structural.objectschema import ObjectSchema
from pynetes.apis.resource import ScalePaths
from pynetes.apis.strategy import CHANGE, METADATA_FIELDS, Object, Strategy
from pynetes.apiserver.customresources.measures import COMPILATION, EVALUATION
from pynetes.component import clock

_STANDARD_FINALIZERS = frozenset(("orphan", "foregroundDeletion", "kubernetes"))
_MAX_REPLICAS = 2**31 - 1
_GO_TYPES = {str: "string", bool: "bool", float: "float64", dict: "map[string]interface {}", list: "[]interface {}"}


class CustomResourceStrategy(Strategy):
    """Decoding has pruned and defaulted what comes here."""

    maintains_generation = True
    allow_unconditional_update = False
    qualified_finalizers = False
    update_metadata = CHANGE
    name_rule = staticmethod(names.dns1123_subdomain)

    def __init__(
        self,
        kind: GroupVersionKind,
        schema: ObjectSchema,
        *,
        namespaced: bool,
        status: bool,
        scale: ScalePaths | None = None,
        selectable: tuple[str, ...] = (),
    ) -> None:
        """`selectable` are paths without their first dot: `spec.color`."""
        self.kind = kind
        self.schema = schema
        self.has_status = status
        self._scale = scale
        self._ratcheted: list[str] = []
        self._compiled = False
        own = METADATA_FIELDS if namespaced else frozenset(("metadata.name",))
        self.selectable = own | frozenset(selectable)
        self._paths = {path: jsonpath.parse("." + path) for path in selectable}

    # --- preparing

    def prepare_for_create(self, obj: Object) -> None:
        if self.has_status:
            obj.pop("status", None)
        obj["metadata"]["generation"] = 1

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        if self.has_status:
            if "status" in old:
                obj["status"] = copy(old["status"])
            else:
                obj.pop("status", None)
        if not same(_without_metadata(obj), _without_metadata(old)):
            obj["metadata"]["generation"] = (old["metadata"].get("generation") or 0) + 1

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        """Only the status comes from the request; who manages which field has been worked out from it already."""
        sent = obj.get("status")
        had = "status" in obj
        managed = obj["metadata"].get("managedFields")
        obj.clear()
        obj.update(copy(old))
        if managed is not None:
            obj["metadata"]["managedFields"] = managed
        else:
            obj["metadata"].pop("managedFields", None)
        if had:
            obj["status"] = sent
        else:
            obj.pop("status", None)

    # --- validating

    def validate(self, obj: Object) -> list[FieldError]:
        return self._validate_type(obj) or self._with_rules(
            obj,
            None,
            [*self.schema.validate(obj), *self._validate_scale_spec(obj), *self._validate_scale_status(obj)],
        )

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return self._validate_type(obj) or self._with_rules(
            obj,
            old,
            [*self.schema.validate(obj, old), *self._validate_scale_spec(obj), *self._validate_scale_status(obj)],
        )

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return self._validate_type(obj) or self._with_rules(
            obj, old, [*self.schema.validate_status(obj, old), *self._validate_scale_status(obj)]
        )

    def _with_rules(self, obj: Object, old: Object | None, errors: list[FieldError]) -> list[FieldError]:
        time = clock.timer()
        if not self._compiled:
            self._compiled, began = True, time()
            if self.schema.has_rules:
                COMPILATION.note((), time() - began)
        if not self.schema.has_rules:
            self._ratcheted = []
            return errors
        began = time()
        found, self._ratcheted = self.schema.run_rules(obj, old, errors)
        EVALUATION.note((), time() - began)
        return errors + found

    def _validate_type(self, obj: Object) -> list[FieldError]:
        errors = []
        for field, wanted in (("kind", self.kind.kind), ("apiVersion", self.kind.api_version)):
            if obj.get(field) != wanted:
                errors.append(invalid_value(field, obj.get(field) or "", f"must be {wanted}"))
        return errors

    def _validate_scale_spec(self, obj: Object) -> list[FieldError]:
        return _validate_replicas(obj, self._scale.spec_replicas) if self._scale is not None else []

    def _validate_scale_status(self, obj: Object) -> list[FieldError]:
        if self._scale is None:
            return []
        errors = _validate_replicas(obj, self._scale.status_replicas)
        if self._scale.label_selector:
            _, problem = nested(obj, self._scale.label_selector, str)
            if problem:
                errors.append(invalid_value("." + ".".join(self._scale.label_selector), "", problem))
        return errors

    # --- the rest

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        known = (old["metadata"].get("finalizers") or []) if old is not None else []
        ratcheted, self._ratcheted = self._ratcheted, []  # of the validation just before, in the same turn of the loop
        added = sorted(set(obj["metadata"].get("finalizers") or ()) - set(known))
        return ratcheted + [text for finalizer in added for text in _finalizer_warnings(finalizer)]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        fields = super().selectable_fields(obj)
        for name, path in self._paths.items():
            found = path.find(obj)
            fields[name] = go_text(found[0]) if found and found[0] is not None else ""
        return fields


def _without_metadata(obj: Object) -> Object:
    return {field: value for field, value in obj.items() if field != "metadata"}


def nested(obj: Object, path: tuple[str, ...], kind: type) -> tuple[Any, str]:
    """The value at a path (None if there is none), and what is wrong with it, if it is not of the kind."""
    value: Any = obj
    for i, step in enumerate(path):
        if not isinstance(value, dict):
            return None, _accessor_error(path[: i + 1], value, "map[string]interface{}")
        if step not in value:
            return None, ""
        value = value[step]
    if type(value) is not kind:
        return None, _accessor_error(path, value, "int64" if kind is int else "string")
    return value, ""


def _accessor_error(path: tuple[str, ...], value: Any, wanted: str) -> str:
    shown = "<nil>" if value is None else value if isinstance(value, str) else go_text(value)
    kind = "<nil>" if value is None else _GO_TYPES.get(type(value), "int64")
    return f".{'.'.join(path)} accessor error: {shown} is of the type {kind}, expected {wanted}"


def _validate_replicas(obj: Object, path: tuple[str, ...]) -> list[FieldError]:
    where = "." + ".".join(path)
    replicas, problem = nested(obj, path, int)
    if problem:
        return [invalid_value(where, 0, problem)]
    if replicas is not None and replicas < 0:
        return [invalid_value(where, replicas, "should be a non-negative integer")]
    if replicas is not None and replicas > _MAX_REPLICAS:
        return [invalid_value(where, replicas, f"should be less than or equal to {_MAX_REPLICAS}")]
    return []


def _finalizer_warnings(finalizer: str) -> list[str]:
    where = f'metadata.finalizers: "{finalizer}": '
    out = [where + message for message in names.qualified_name(finalizer)]
    if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
        path = " including a path (/)" if "." in finalizer else ""
        out.append(
            f"{where}prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer "
            "writers"
        )
    return out
