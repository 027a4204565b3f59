"""OpenAPI v2 as protobuf: what client-go reads its schema as (kubectl's validation and its look-up of kinds).

The messages are gnostic's `openapi.v2`.
"""

from collections.abc import Mapping
from typing import Any

from pynetes.apiserver.openapi.wire import (
    Fields,
    Messages,
    all_whatever,
    boolean,
    delimited,
    double,
    integer,
    named,
    requirements,
    string,
    strings,
    whatever,
    within,
)

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
#: What clients ask with: the older name (still client-go's own) and the one of the answer.
ACCEPTED = (MEDIA_TYPE, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")


_PLACES = {"header": (1, "HeaderParameter"), "query": (3, "QueryParameter"), "path": (4, "PathParameter")}
_MESSAGES = Messages(
    {
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
)


def encode(document: Mapping[str, Any]) -> bytes:
    """A whole document (`v2.tree`)."""
    return _MESSAGES.write("Document", document)


def _parameters(number: int, values: list[dict[str, Any]]) -> bytes:
    """ParametersItem → JsonReference, or Parameter."""
    return b"".join(
        delimited(number, _MESSAGES.one("Reference")(2, value) if "$ref" in value else delimited(1, _parameter(value)))
        for value in values
    )


def _parameter(value: dict[str, Any]) -> bytes:
    """Parameter → BodyParameter, or NonBodyParameter → one message a place."""
    if value["in"] == "body":
        return delimited(1, _MESSAGES.write("BodyParameter", value))
    place, message = _PLACES[value["in"]]
    return delimited(2, delimited(place, _MESSAGES.write(message, value)))


def _additional_properties(number: int, value: Any) -> bytes:
    return delimited(number, boolean(2, value) if isinstance(value, bool) else _MESSAGES.one("Schema")(1, value))


def _types(number: int, value: str | list[str]) -> bytes:
    return delimited(number, strings(1, [value] if isinstance(value, str) else value))


def _placed(type_number: int, unique_number: int) -> Fields:
    """A parameter's fields; the messages of the places differ in these two numbers."""
    return {
        "required": (1, boolean),
        "in": (2, string),
        "description": (3, string),
        "name": (4, string),
        "type": (type_number, string),
        "format": (type_number + 1, string),
        "uniqueItems": (unique_number, boolean),
    }


_MESSAGES.define(
    {
        "Document": {
            "swagger": (1, string),
            "info": (2, _MESSAGES.one("Info")),
            "paths": (8, within(2, named(_MESSAGES.one("PathItem")))),
            "definitions": (9, within(1, named(_MESSAGES.one("Schema")))),
            "parameters": (10, within(1, named(lambda number, value: delimited(number, _parameter(value))))),
            "security": (12, requirements),
            "securityDefinitions": (13, within(1, named(within(2, _MESSAGES.one("ApiKeySecurity"))))),
        },
        "Reference": {"$ref": (1, string), "description": (2, string)},
        "Info": {"title": (1, string), "version": (2, string), "description": (3, string)},
        "ApiKeySecurity": {"type": (1, string), "name": (2, string), "in": (3, string), "description": (4, string)},
        "PathItem": {
            "get": (2, _MESSAGES.one("Operation")),
            "put": (3, _MESSAGES.one("Operation")),
            "post": (4, _MESSAGES.one("Operation")),
            "delete": (5, _MESSAGES.one("Operation")),
            "options": (6, _MESSAGES.one("Operation")),
            "head": (7, _MESSAGES.one("Operation")),
            "patch": (8, _MESSAGES.one("Operation")),
            "parameters": (9, _parameters),
        },
        "Operation": {
            "tags": (1, strings),
            "description": (3, string),
            "operationId": (5, string),
            "produces": (6, strings),
            "consumes": (7, strings),
            "parameters": (8, _parameters),
            "responses": (9, within(1, named(within(1, _MESSAGES.one("Response"))))),
            "schemes": (10, strings),
            "deprecated": (11, boolean),
        },
        "Response": {"description": (1, string), "schema": (2, within(1, _MESSAGES.one("Schema")))},
        "BodyParameter": {
            "description": (1, string),
            "name": (2, string),
            "in": (3, string),
            "required": (4, boolean),
            "schema": (5, _MESSAGES.one("Schema")),
        },
        "HeaderParameter": _placed(5, 19),
        "QueryParameter": _placed(6, 20),
        "PathParameter": _placed(5, 19),
        "Schema": {
            "$ref": (1, string),
            "format": (2, string),
            "title": (3, string),
            "description": (4, string),
            "default": (5, whatever),
            "multipleOf": (6, double),
            "maximum": (7, double),
            "exclusiveMaximum": (8, boolean),
            "minimum": (9, double),
            "exclusiveMinimum": (10, boolean),
            "maxLength": (11, integer),
            "minLength": (12, integer),
            "pattern": (13, string),
            "maxItems": (14, integer),
            "minItems": (15, integer),
            "uniqueItems": (16, boolean),
            "maxProperties": (17, integer),
            "minProperties": (18, integer),
            "required": (19, strings),
            "enum": (20, all_whatever),
            "additionalProperties": (21, _additional_properties),
            "type": (22, _types),
            "items": (23, within(1, _MESSAGES.one("Schema"))),
            "allOf": (24, _MESSAGES.many("Schema")),
            "properties": (25, within(1, named(_MESSAGES.one("Schema")))),
            "readOnly": (27, boolean),
            "externalDocs": (29, _MESSAGES.one("ExternalDocs")),
            "example": (30, whatever),
        },
        "ExternalDocs": {"description": (1, string), "url": (2, string)},
    }
)
