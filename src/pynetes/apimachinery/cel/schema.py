"""Structural schemas as CEL types, and objects as values of these types.

A schema is a plain dict in OpenAPI's form with `x-kubernetes-*` extensions. Expressions see of an object what its
schema declares: properties (under escaped names), items, additional properties. They do not see what is only preserved.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from pynetes.apimachinery.cel.escaping import escape
from pynetes.apimachinery.cel.library.conversions import to_timestamp
from pynetes.apimachinery.cel.types import (
    BOOL_DECL,
    BYTES,
    DOUBLE_DECL,
    DURATION,
    DYN,
    INT_DECL,
    STRING,
    STRING_DECL,
    TIMESTAMP,
    DeclType,
    Field,
    list_decl,
    map_decl,
    object_decl,
)
from pynetes.apimachinery.cel.values import CelError, Duration, MapList, SetList
from pynetes.apimachinery.times import parse_duration_ns

Schema = Mapping[str, Any]

#: The largest request, which bounds everything that a schema does not.
MAX_REQUEST = 3 * 1024 * 1024
_MAX_TEXT = MAX_REQUEST - 2
_MIN_DURATION, _MIN_DATE, _MIN_DATE_TIME = 3, 12, 21
_MAX_DURATION = _MAX_DATE_TIME = 32
_STRING: dict[str, Any] = {"type": "string"}
_META: dict[str, Any] = {"type": "object", "properties": {"name": _STRING, "generateName": _STRING}}


def declare(schema: Schema | None, *, resource_root: bool = False) -> DeclType | None:
    """The type of a schema; None if expressions cannot see what it describes.

    `resource_root` is for the root of an object: apiVersion, kind, metadata.name and metadata.generateName are there
    even if the schema does not say so.
    """
    if schema is None:
        return None
    if schema.get("x-kubernetes-int-or-string"):
        longest = schema.get("maxLength")
        return DeclType(DYN, 1, max(longest, 0) * 4 if longest is not None else _MAX_TEXT)
    if resource_root:
        schema = with_object_meta(schema)
    match schema.get("type"):
        case "array":
            return _array(schema)
        case "object":
            return _object(schema)
        case "string":
            return _string(schema)
        case "boolean":
            return BOOL_DECL
        case "number":
            return DOUBLE_DECL
        case "integer":
            return INT_DECL
    return None


def with_object_meta(schema: Schema) -> Schema:
    """The schema with the properties that every object has."""
    properties = schema.get("properties") or {}
    meta = (properties.get("metadata") or {}).get("properties") or {}
    if all(_is(properties.get(key), "string") for key in ("kind", "apiVersion")) and all(
        _is(meta.get(key), "string") for key in ("name", "generateName")
    ):
        return schema
    return {**schema, "properties": {**properties, "kind": _STRING, "apiVersion": _STRING, "metadata": _META}}


def _is(schema: Schema | None, kind: str) -> bool:
    return schema is not None and schema.get("type") == kind


def _embedded(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-embedded-resource"))


def _items(schema: Schema) -> Schema | None:
    items = schema.get("items")
    return items if isinstance(items, Mapping) else None


def _additional(schema: Schema) -> Schema | None:
    found = schema.get("additionalProperties")
    return found if isinstance(found, Mapping) else None


def _array(schema: Schema) -> DeclType | None:
    items = _items(schema)
    element = declare(items, resource_root=_embedded(items)) if items is not None else None
    if element is None:
        return None
    most = schema.get("maxItems")
    return list_decl(element, max(most, 0) if most is not None else _MAX_TEXT // (element.min_size + 1))


def _object(schema: Schema) -> DeclType | None:
    additional = _additional(schema)
    if additional is not None:
        element = declare(additional, resource_root=_embedded(additional))
        if element is None:
            return None
        most = schema.get("maxProperties")
        # A key takes quotes, a colon, a comma and two characters.
        return map_decl(STRING_DECL, element, max(most, 0) if most is not None else _MAX_TEXT // (element.min_size + 6))
    required = set(schema.get("required") or ())
    fields: dict[str, Field] = {}
    size = 2
    for name, each in (schema.get("properties") or {}).items():
        declared = declare(each, resource_root=_embedded(each))
        if declared is None:
            continue
        identifier = escape(name)
        if identifier is not None:
            fields[identifier] = Field(name, declared, name in required)
        if name in required and each.get("default") is None:
            size += len(name.encode()) + declared.min_size + 4
    return object_decl("object", fields, size)


def _string(schema: Schema) -> DeclType:
    longest = schema.get("maxLength")
    match schema.get("format"):
        case "byte":
            return DeclType(BYTES, 2, max(longest, 0) if longest is not None else _MAX_TEXT)
        case "duration":
            return DeclType(DURATION, _MIN_DURATION, _MAX_DURATION)
        case "date":
            return DeclType(TIMESTAMP, _MIN_DATE, _MIN_DATE)
        case "date-time":
            return DeclType(TIMESTAMP, _MIN_DATE_TIME, _MAX_DATE_TIME)
    if longest is not None:
        # A character can take four bytes.
        return DeclType(STRING, 2, max(longest, 0) * 4)
    texts = [len(each.encode()) for each in schema.get("enum") or () if isinstance(each, str)]
    return DeclType(STRING, 2, max(texts, default=0) if schema.get("enum") else _MAX_TEXT)


def max_cardinality(min_size: int) -> int:
    """How often a value of at least that size can occur in one request."""
    return MAX_REQUEST // (min_size + 1)


# --- values

#: Turns an object into a value: gives back the object itself where nothing in it needs to be turned.
Convert = Callable[[Any], Any]


def converter(schema: Schema | None) -> Convert | None:
    """What makes values of objects with that schema: times, durations, bytes, doubles, lists that are sets or maps, and
    null properties, which count as absent. None: every object is its own value."""
    if schema is None or schema.get("x-kubernetes-int-or-string"):
        return None
    match schema.get("type"):
        case "array":
            return _array_converter(schema)
        case "object":
            return _object_converter(schema)
        case "number":
            return _to_double
        case "string":
            return _FORMATS.get(schema.get("format") or "")
    return None


def _to_double(value: Any) -> Any:
    return float(value) if type(value) is int else value


def _array_converter(schema: Schema) -> Convert | None:
    inner = converter(_items(schema))
    kind = schema.get("x-kubernetes-list-type")
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    if inner is None and kind not in ("set", "map"):
        return None

    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        items = [inner(each) for each in value] if inner is not None else value
        if kind == "set":
            return SetList(items)
        return MapList(items, keys) if kind == "map" else items

    return convert


def _object_converter(schema: Schema) -> Convert | None:
    additional = _additional(schema)
    if additional is not None:
        inner = converter(additional)
        if inner is None:
            return None

        def convert_all(value: Any) -> Any:
            return {key: inner(each) for key, each in value.items()} if isinstance(value, dict) else value

        return convert_all
    properties = schema.get("properties") or {}
    if not properties:
        return None
    inners = {name: each for name, found in properties.items() if (each := converter(found)) is not None}
    nullable = [name for name, each in properties.items() if each.get("nullable")]
    if not inners and not nullable:
        return None

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        made = value
        for name in nullable:
            if name in value and value[name] is None:
                made = {key: each for key, each in made.items() if key != name}
        for name, inner in inners.items():
            if name in made:
                before = made[name]
                after = inner(before)
                if after is not before:
                    if made is value:
                        made = dict(value)
                    made[name] = after
        return made

    return convert


_WORDY = re.compile(r"([+-]?[0-9.]+)\s*([a-zµμ]+)", re.IGNORECASE)
_DAY = 24 * 3600 * 10**9
_WORDS = {
    **dict.fromkeys(("ns", "nano", "nanos", "nanosecond", "nanoseconds"), 1),
    **dict.fromkeys(("us", "µs", "μs", "micro", "micros", "microsecond", "microseconds"), 10**3),
    **dict.fromkeys(("ms", "milli", "millis", "millisecond", "milliseconds"), 10**6),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 10**9),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60 * 10**9),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600 * 10**9),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "week", "weeks", "wk", "wks"), 7 * _DAY),
}


def _duration(text: Any) -> Any:
    """Go's form, or words as OpenAPI's format knows them: `3 days`."""
    if not isinstance(text, str):
        return text
    try:
        return Duration(parse_duration_ns(text))
    except (ValueError, CelError):
        total = 0
        for match in _WORDY.finditer(text):
            unit = _WORDS.get(match.group(2).lower())
            if unit is None:
                return text
            total += int(float(match.group(1)) * unit)
        return Duration(total) if total else text


def _date(text: Any) -> Any:
    try:
        return to_timestamp(f"{text}T00:00:00Z")
    except CelError:
        return text


def _date_time(text: Any) -> Any:
    try:
        return to_timestamp(text.upper().replace(" ", "T", 1)) if isinstance(text, str) else text
    except CelError:
        return text


def _bytes(text: Any) -> Any:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else text
    except (binascii.Error, ValueError):
        return text


_FORMATS: dict[str, Convert] = {"duration": _duration, "date": _date, "date-time": _date_time, "byte": _bytes}
