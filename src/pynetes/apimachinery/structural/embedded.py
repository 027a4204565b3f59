"""Resources within resources (`x-kubernetes-embedded-resource`): they have a type, and metadata like any other."""

from typing import Any

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError, invalid_value, required
from pynetes.apimachinery.structural.nodes import EMBEDDED, Schema, additional, items, properties, structure
from pynetes.apimachinery.structural.objectmeta import MetadataError, lenient_metadata, typed_metadata
from pynetes.apimachinery.validation import validate_object_meta

Object = dict[str, Any]


def has_embedded(schema: Schema) -> bool:
    return any(node.get(EMBEDDED) for node in structure(schema))


class Coercion:
    """Checks the types of embedded metadata and prunes it; the first wrong one ends it with `problem`.

    `lenient`: what is wrong is dropped instead, for objects that were stored before there was a check.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self.problem: FieldError | None = None
        self.unknown: list[str] = []
        self._lenient = lenient

    def run(self, value: Any, schema: Schema | None, path: str = "") -> None:
        if schema is None or self.problem is not None:
            return
        if isinstance(value, dict):
            if schema.get(EMBEDDED):
                self._resource(value, path)
            own, others = properties(schema), additional(schema)
            for name, item in value.items():
                if name in own:
                    self.run(item, own[name], _join(path, name))
                elif others is not None:
                    self.run(item, others, f"{path}[{name}]")
        elif isinstance(value, list):
            for i, item in enumerate(value):
                self.run(item, items(schema), f"{path}[{i}]")

    def _resource(self, obj: Object, path: str) -> None:
        for name in ("apiVersion", "kind"):
            if name in obj and not isinstance(obj[name], str):
                if self._lenient:
                    del obj[name]
                else:
                    self.problem = invalid_value(_join(path, name), obj[name], "must be a string")
                    return
        if "metadata" not in obj:
            return
        if self._lenient:
            obj["metadata"] = lenient_metadata(obj["metadata"])
            return
        try:
            obj["metadata"], unknown = typed_metadata(obj["metadata"])
        except MetadataError as error:
            self.problem = invalid_value(_join(path, "metadata"), obj["metadata"], str(error))
            return
        self.unknown += [_join(path, f"metadata.{name}") for name in unknown]


def validate_embedded(value: Any, schema: Schema | None, path: str = "") -> list[FieldError]:
    if schema is None:
        return []
    errors: list[FieldError] = []
    if isinstance(value, dict):
        if schema.get(EMBEDDED):
            errors += _validate_resource(value, path)
        own, others = properties(schema), additional(schema)
        for name, item in value.items():
            if name in own:
                errors += validate_embedded(item, own[name], _join(path, name))
            elif others is not None:
                errors += validate_embedded(item, others, f"{path}[{name}]")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            errors += validate_embedded(item, items(schema), f"{path}[{i}]")
    return errors


def _validate_resource(obj: Object, path: str) -> list[FieldError]:
    errors = [required(_join(path, name)) for name in ("apiVersion", "kind") if name not in obj]
    if "apiVersion" in obj:
        errors += _validate_api_version(obj["apiVersion"], _join(path, "apiVersion"))
    if "kind" in obj:
        errors += _validate_kind(obj["kind"], _join(path, "kind"))
    if "metadata" in obj:
        errors += validate_metadata(obj["metadata"], _join(path, "metadata"))
    return errors


def validate_metadata(metadata: Any, path: str) -> list[FieldError]:
    try:
        typed, _ = typed_metadata(metadata)
    except MetadataError as error:
        return [invalid_value(path, metadata, str(error))]
    named = {**typed, "name": typed.get("name") or "fakename"}  # a name is not asked for
    return validate_object_meta(named, path, namespaced=bool(typed.get("namespace")), name_rule=names.path_segment_name)


def _validate_api_version(value: Any, path: str) -> list[FieldError]:
    if not isinstance(value, str):
        return [invalid_value(path, value, "must be a string")]
    if not value:
        return [invalid_value(path, value, "must not be empty")]
    if value.count("/") > 1:
        return [invalid_value(path, value, f"unexpected GroupVersion string: {value}")]
    return []


def _validate_kind(value: Any, path: str) -> list[FieldError]:
    if not isinstance(value, str):
        return [invalid_value(path, value, "must be a string")]
    if not value:
        return [invalid_value(path, value, "must not be empty")]
    messages = names.dns1035_label(value.lower())
    if not messages:
        return []
    return [invalid_value(path, value, "may have mixed case, but should otherwise match: " + ",".join(messages))]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
