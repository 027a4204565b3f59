"""OpenAPI v2 as protobuf: what client-go reads its schema as (kubectl's validation and its look-up of kinds).

The messages are gnostic's `openapi.v2`. A message is a table here: JSON key → (field number, how the value is written);
keys that begin with `x-` are vendor extensions, each a name and its value as text. Only what our document holds is
listed; an unknown key is an error, so that nothing is lost unseen.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

from pynetes.apimachinery import json_writer

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
#: What clients ask with: the older name (still client-go's own) and the one of the answer.
ACCEPTED = (MEDIA_TYPE, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")

#: Bytes of a field's value, whole with its tag, from the field's number and its JSON value.
Write = Callable[[int, Any], bytes]
#: JSON key → number and how it is written.
Fields = dict[str, tuple[int, Write]]


def encode(document: Mapping[str, Any]) -> bytes:
    """A whole document (`v2.tree`)."""
    return _message("Document", document)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _delimited(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _string(number: int, value: str) -> bytes:
    return _delimited(number, value.encode())


def _strings(number: int, values: list[str]) -> bytes:
    return b"".join(_string(number, value) for value in values)


def _bool(number: int, value: bool) -> bytes:
    return _varint(number << 3) + (b"\x01" if value else b"\x00")


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value & 0xFFFFFFFFFFFFFFFF)


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _any(number: int, value: Any) -> bytes:
    """gnostic.Any: field 2 is YAML, of which JSON is a part."""
    return _delimited(number, _delimited(2, json_writer.encode(value) + b"\n"))


def _anys(number: int, values: list[Any]) -> bytes:
    return b"".join(_any(number, value) for value in values)


def _one(name: str) -> Write:
    return lambda number, value: _delimited(number, _message(name, value))


def _many(name: str) -> Write:
    return lambda number, values: b"".join(_delimited(number, _message(name, value)) for value in values)


def _within(inner: int, write: Write) -> Write:
    """A message with one field, or with one of several chosen: TypeItem, ItemsItem, AdditionalPropertiesItem, …"""
    return lambda number, value: _delimited(number, write(inner, value))


def _named(write: Write) -> Write:
    """`repeated Named…`: a JSON object as pairs of a name (1) and a value (2)."""
    return lambda number, values: b"".join(
        _delimited(number, _string(1, name) + write(2, value)) for name, value in values.items()
    )


def _parameters(number: int, values: list[dict[str, Any]]) -> bytes:
    """ParametersItem → Parameter → BodyParameter, or NonBodyParameter → one message a place."""
    return b"".join(_delimited(number, _delimited(1, _parameter(value))) for value in values)


def _parameter(value: dict[str, Any]) -> bytes:
    if value["in"] == "body":
        return _delimited(1, _message("BodyParameter", value))
    place, message = _PLACES[value["in"]]
    return _delimited(2, _delimited(place, _message(message, value)))


def _security(number: int, values: list[dict[str, list[str]]]) -> bytes:
    """SecurityRequirement: from a scheme to its scopes."""
    requirement = _named(_within(1, _strings))
    return b"".join(_delimited(number, requirement(1, value)) for value in values)


def _additional_properties(number: int, value: Any) -> bytes:
    return _delimited(number, _bool(2, value) if isinstance(value, bool) else _delimited(1, _message("Schema", value)))


def _types(number: int, value: str | list[str]) -> bytes:
    return _delimited(number, _strings(1, [value] if isinstance(value, str) else value))


_PLACES = {"header": (1, "HeaderParameter"), "query": (3, "QueryParameter"), "path": (4, "PathParameter")}
_EXTENSIONS = {
    "Document": 16,
    "Info": 7,
    "PathItem": 10,
    "Operation": 13,
    "BodyParameter": 6,
    "HeaderParameter": 22,
    "QueryParameter": 23,
    "PathParameter": 22,
    "Response": 5,
    "Schema": 31,
}


def _placed(type_number: int, unique_number: int) -> Fields:
    """A parameter's fields; the messages of the places differ in these two numbers."""
    return {
        "required": (1, _bool),
        "in": (2, _string),
        "description": (3, _string),
        "name": (4, _string),
        "type": (type_number, _string),
        "format": (type_number + 1, _string),
        "uniqueItems": (unique_number, _bool),
    }


_MESSAGES: dict[str, Fields] = {
    "Document": {
        "swagger": (1, _string),
        "info": (2, _one("Info")),
        "paths": (8, _within(2, _named(_one("PathItem")))),
        "definitions": (9, _within(1, _named(_one("Schema")))),
        "security": (12, _security),
        "securityDefinitions": (13, _within(1, _named(_within(2, _one("ApiKeySecurity"))))),
    },
    "Info": {"title": (1, _string), "version": (2, _string), "description": (3, _string)},
    "ApiKeySecurity": {"type": (1, _string), "name": (2, _string), "in": (3, _string), "description": (4, _string)},
    "PathItem": {
        "get": (2, _one("Operation")),
        "put": (3, _one("Operation")),
        "post": (4, _one("Operation")),
        "delete": (5, _one("Operation")),
        "options": (6, _one("Operation")),
        "head": (7, _one("Operation")),
        "patch": (8, _one("Operation")),
        "parameters": (9, _parameters),
    },
    "Operation": {
        "tags": (1, _strings),
        "description": (3, _string),
        "operationId": (5, _string),
        "produces": (6, _strings),
        "consumes": (7, _strings),
        "parameters": (8, _parameters),
        "responses": (9, _within(1, _named(_within(1, _one("Response"))))),
        "schemes": (10, _strings),
        "deprecated": (11, _bool),
    },
    "Response": {"description": (1, _string), "schema": (2, _within(1, _one("Schema")))},
    "BodyParameter": {
        "description": (1, _string),
        "name": (2, _string),
        "in": (3, _string),
        "required": (4, _bool),
        "schema": (5, _one("Schema")),
    },
    "HeaderParameter": _placed(5, 18),
    "QueryParameter": _placed(6, 20),
    "PathParameter": _placed(5, 18),
    "Schema": {
        "$ref": (1, _string),
        "format": (2, _string),
        "title": (3, _string),
        "description": (4, _string),
        "default": (5, _any),
        "multipleOf": (6, _double),
        "maximum": (7, _double),
        "exclusiveMaximum": (8, _bool),
        "minimum": (9, _double),
        "exclusiveMinimum": (10, _bool),
        "maxLength": (11, _int),
        "minLength": (12, _int),
        "pattern": (13, _string),
        "maxItems": (14, _int),
        "minItems": (15, _int),
        "uniqueItems": (16, _bool),
        "maxProperties": (17, _int),
        "minProperties": (18, _int),
        "required": (19, _strings),
        "enum": (20, _anys),
        "additionalProperties": (21, _additional_properties),
        "type": (22, _types),
        "items": (23, _within(1, _one("Schema"))),
        "allOf": (24, _many("Schema")),
        "properties": (25, _within(1, _named(_one("Schema")))),
        "readOnly": (27, _bool),
        "externalDocs": (29, _one("ExternalDocs")),
        "example": (30, _any),
    },
    "ExternalDocs": {"description": (1, _string), "url": (2, _string)},
}


def _message(name: str, value: Mapping[str, Any]) -> bytes:
    fields = _MESSAGES[name]
    out = []
    for key, part in value.items():
        if key.startswith("x-"):
            out.append(_delimited(_EXTENSIONS[name], _string(1, key) + _any(2, part)))
        else:
            number, write = fields[key]
            out.append(write(number, part))
    return b"".join(out)
