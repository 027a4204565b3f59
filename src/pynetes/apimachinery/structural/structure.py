"""Whether a schema is structural: every field has one place and one type, and what junctors (allOf, anyOf, oneOf, not)
say only restricts values of fields that are specified outside of them.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.errors import FieldError, field_forbidden, invalid_value, required
from pynetes.apimachinery.structural.nodes import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    VALIDATIONS,
    Schema,
    additional,
    children,
    items,
    properties,
)
from pynetes.apimachinery.structural.patterns import PatternError, compiled

_MOST_JUDGED = 4096
_judged: dict[bytes, bool] = {}

_INT_OR_STRING_BRANCHES = [{"type": "integer"}, {"type": "string"}]
_UNSUPPORTED = ("id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions")
_EMPTY_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
#: What may not stand in a junctor, and how the refusal ends.
_NOT_NESTED = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    LIST_MAP_KEYS: "must be empty to be structural",
    LIST_TYPE: "must be undefined to be structural",
    MAP_TYPE: "must be undefined to be structural",
    VALIDATIONS: "must be empty to be structural",
}


def unsupported(schema: Schema) -> str:
    """What no structural schema can be made of; empty if there is nothing."""
    for name in _UNSUPPORTED:
        if schema.get(name):
            return f"OpenAPIV3Schema '{name.removeprefix('$') if name == '$schema' else name}' is not supported"
    if schema.get(PRESERVE) is False:
        return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
    if isinstance(schema.get("items"), list):
        return "OpenAPIV3Schema 'items' must be a schema, but is an array"
    return next((problem for child in children(schema) if (problem := unsupported(child))), "")


def is_structural(schema: Schema) -> bool:
    """Remembered: large schemas take milliseconds, and a definition's is asked about on each of its changes."""
    form = blake2b(json_writer.encode(schema)).digest()
    if form not in _judged:
        if len(_judged) >= _MOST_JUDGED:
            _judged.clear()
        _judged[form] = not unsupported(schema) and not validate_structural(schema, "")
    return _judged[form]


def validate_structural(schema: Schema, path: str) -> list[FieldError]:
    """Sorted by their texts."""
    found = [*_invariants(schema, "root", path), *_values_complete(schema, schema, path, path)]
    return sorted(found, key=str)


def _child(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _property(path: str, name: str) -> str:
    return f"{_child(path, 'properties')}[{name}]"


# --- the structure itself


def _invariants(schema: Schema, level: str, path: str) -> Iterator[FieldError]:
    kind = schema.get("type") or ""
    inner = items(schema)
    if inner is not None:
        yield from _invariants(inner, "item", _child(path, "items"))
    elif kind == "array":
        yield required(_child(path, "items"), "must be specified")
    for name, child in properties(schema).items():
        yield from _invariants(child, "field", _property(path, name))
    if "additionalProperties" in schema:
        yield from _additional(schema, level, path)
    yield from _extensions(schema, path)
    yield from _values(schema, path, skip_any=_is_int_or_string(schema), skip_first=_is_int_or_string_in_all(schema))
    yield from _kind(schema, kind, level, path)
    if level == "root" or schema.get(EMBEDDED):
        for name in ("kind", "apiVersion"):
            own = properties(schema).get(name)
            if own is not None and own.get("type") != "string":
                yield invalid_value(f"{_property(path, name)}.type", own.get("type") or "", "must be string")
    yield from _metadata(schema, level, _property(path, "metadata"))
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not properties(schema):
        text = (
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        )
        yield required(_child(path, "properties"), text)


def _additional(schema: Schema, level: str, path: str) -> Iterator[FieldError]:
    here = _child(path, "additionalProperties")
    if level == "root":
        yield field_forbidden(here, "must not be used at the root")
    values = additional(schema)
    if values is not None:
        yield from _invariants(values, "field", here)
    if schema.get(EMBEDDED):
        yield field_forbidden(here, "must not be used if x-kubernetes-embedded-resource is set")


def _extensions(schema: Schema, path: str) -> Iterator[FieldError]:
    if schema.get(INT_OR_STRING):
        for name in (PRESERVE, EMBEDDED):
            if schema.get(name):
                yield invalid_value(_child(path, name), True, "must be false if x-kubernetes-int-or-string is true")


def _kind(schema: Schema, kind: str, level: str, path: str) -> Iterator[FieldError]:
    here = _child(path, "type")
    if schema.get(EMBEDDED) and kind != "object":
        text = "must be object if x-kubernetes-embedded-resource is true"
        yield invalid_value(here, kind, text) if kind else required(here, text)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield required(here, _EMPTY_TYPE[level])
    if level == "root" and kind and kind != "object":
        yield invalid_value(here, kind, "must be object at the root")


def _metadata(schema: Schema, level: str, path: str) -> Iterator[FieldError]:
    own = properties(schema).get("metadata")
    if own is None:
        return
    if (level == "root" or schema.get(EMBEDDED)) and own.get("type") != "object":
        yield invalid_value(f"{path}.type", own.get("type") or "", "must be object")
    if level == "root" and _says_more_than_names(own):
        text = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        yield field_forbidden(path, text)


def _says_more_than_names(metadata: Schema) -> bool:
    left = {key: value for key, value in metadata.items() if key not in ("type", "default") and value}
    if left.get("properties") and left["properties"].keys() <= {"name", "generateName"}:
        del left["properties"]
    return bool(left)


def _is_int_or_string(schema: Schema) -> bool:
    return schema.get("anyOf") == _INT_OR_STRING_BRANCHES


def _is_int_or_string_in_all(schema: Schema) -> bool:
    every: list[Schema] = schema.get("allOf") or []
    return bool(every) and _is_int_or_string(every[0])


# --- what junctors say


def _values(schema: Schema, path: str, *, skip_any: bool = False, skip_first: bool = False) -> Iterator[FieldError]:
    if not skip_any:
        yield from _branches(schema, "anyOf", path)
    for i, branch in enumerate(schema.get("allOf") or ()):
        yield from _nested(branch, f"{_child(path, 'allOf')}[{i}]", skip_any=skip_first and i == 0)
    yield from _branches(schema, "oneOf", path)
    if schema.get("not") is not None:
        yield from _nested(schema["not"], _child(path, "not"))
    pattern = schema.get("pattern")
    if pattern:
        try:
            compiled(pattern)
        except PatternError as error:
            text = f"must be a valid regular expression, but isn't: {error}"
            yield invalid_value(_child(path, "pattern"), pattern, text)


def _branches(schema: Schema, junctor: str, path: str) -> Iterator[FieldError]:
    for i, branch in enumerate(schema.get(junctor) or ()):
        yield from _nested(branch, f"{_child(path, junctor)}[{i}]")


def _nested(schema: Schema, path: str, *, skip_any: bool = False) -> Iterator[FieldError]:
    yield from _values(schema, path, skip_any=skip_any)
    inner = items(schema)
    if inner is not None:
        yield from _nested(inner, _child(path, "items"))
    for name, child in properties(schema).items():
        yield from _nested(child, _property(path, name))
    for name, text in _NOT_NESTED.items():
        value = schema.get(name)
        if value or (name == "default" and value is not None):
            yield field_forbidden(_child(path, name), text)
    if "metadata" in properties(schema):
        yield field_forbidden(_property(path, "metadata"), "must not be specified in a nested context")


# --- whether all that junctors speak of is specified


def _values_complete(values: Schema, schema: Schema | None, path: str, said: str) -> Iterator[FieldError]:
    if values.get("not") is not None:
        yield from _complete(values["not"], schema, path, _child(said, "not"))
    for junctor in ("allOf", "anyOf", "oneOf"):
        for i, branch in enumerate(values.get(junctor) or ()):
            yield from _complete(branch, schema, path, f"{_child(said, junctor)}[{i}]")


def _complete(values: Any, schema: Schema | None, path: str, said: str) -> Iterator[FieldError]:
    if schema is None:
        yield required(path, f"because it is defined in {said}")
        return
    yield from _values_complete(values, schema, path, said)
    inner = items(values)
    if inner is not None:
        yield from _complete(inner, items(schema), _child(path, "items"), _child(said, "items"))
    for name, child in properties(values).items():
        here, there = _property(path, name), _property(said, name)
        own = properties(schema).get(name)
        if own is None:
            yield required(here, f"because it is defined in {there}")
        else:
            yield from _complete(child, own, here, there)
