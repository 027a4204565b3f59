"""Reading one node of a schema."""

from collections.abc import Iterator
from typing import Any

import msgspec

Schema = dict[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
LIST_TYPE = "x-kubernetes-list-type"
LIST_MAP_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
VALIDATIONS = "x-kubernetes-validations"

META_FIELDS = frozenset(("apiVersion", "kind", "metadata"))

_STRING_FORMATS = frozenset(
    (
        *("bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac"),
        *("uuid", "uuid3", "uuid4", "uuid5", "isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor"),
        *("byte", "password", "date", "duration", "datetime", "k8sshortname", "k8slongname"),
    )
)
_FORMATS = {"integer": frozenset(("int32", "int64")), "number": frozenset(("float", "double"))}


def properties(schema: Schema) -> dict[str, Schema]:
    return schema.get("properties") or {}


def items(schema: Schema) -> Schema | None:
    """The schema of a list's items; None without one."""
    found = schema.get("items")
    return found if isinstance(found, dict) else None


def additional(schema: Schema) -> Schema | None:
    """The schema of values under other keys; None if there is none (whether or not such keys are allowed)."""
    found = schema.get("additionalProperties")
    return found if isinstance(found, dict) else None


def types(schema: Schema) -> tuple[str, ...]:
    """What a value may be; empty for anything."""
    if schema.get(INT_OR_STRING):
        return ("integer", "string")
    kind = schema.get("type")
    return (kind,) if kind else ()


def known_format(schema: Schema) -> str:
    """The format that is enforced: others, and those that do not go with the type, are ignored."""
    stated = schema.get("format") or ""
    return stated if stated and is_known_format(stated, types(schema)) else ""


def is_known_format(stated: str, kinds: tuple[str, ...]) -> bool:
    kind = kinds[0] if len(kinds) == 1 else ""
    if kind in ("", "string"):
        return stated.replace("-", "") in _STRING_FORMATS
    return stated in _FORMATS.get(kind, ())


def children(schema: Schema) -> Iterator[Schema]:
    """Every schema directly within, junctors included."""
    yield from properties(schema).values()
    for key in ("items", "additionalProperties", "not", "additionalItems"):
        inner = schema.get(key)
        if isinstance(inner, dict):
            yield inner
        elif key == "items" and isinstance(inner, list):
            yield from inner
    for key in ("allOf", "anyOf", "oneOf"):
        yield from schema.get(key) or ()
    for key in ("patternProperties", "definitions"):
        yield from (schema.get(key) or {}).values()
    for inner in (schema.get("dependencies") or {}).values():
        if isinstance(inner, dict):
            yield inner


def walk(schema: Schema) -> Iterator[Schema]:
    """The schema and every one within."""
    yield schema
    for child in children(schema):
        yield from walk(child)


def structure(schema: Schema) -> Iterator[Schema]:
    """The schema and those that give its structure: properties, items, additional properties."""
    yield schema
    for inner in (*properties(schema).values(), items(schema), additional(schema)):
        if inner is not None:
            yield from structure(inner)


def shape(value: Any) -> str:
    """The schema's word for a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "object" if isinstance(value, dict) else "array"


def same(one: Any, other: Any) -> bool:
    """Deep equality of JSON values that tells `true` from 1 and 1 from 1.0."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict | list):
        # To Python `true`, 1 and 1.0 are one; their texts differ.
        return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")
    return True
