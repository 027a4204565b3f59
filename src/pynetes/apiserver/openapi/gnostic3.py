"""OpenAPI v3 as protobuf, which client-go asks for by default. The messages are gnostic's `openapi.v3`."""

from collections.abc import Mapping
from typing import Any

from pynetes.apiserver.openapi.wire import (
    Messages,
    Write,
    all_whatever,
    boolean,
    delimited,
    double,
    each,
    integer,
    named,
    requirements,
    string,
    strings,
    whatever,
    within,
)

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"
#: What clients ask with: the name of the answer, and client-go's own.
ACCEPTED = (MEDIA_TYPE, "application/com.github.proto-openapi.spec.v3@v1.0+protobuf")

_MESSAGES = Messages(
    {
        "Document": 9,
        "Info": 7,
        "Paths": 2,
        "PathItem": 14,
        "Operation": 13,
        "Parameter": 14,
        "RequestBody": 4,
        "Responses": 3,
        "Response": 5,
        "MediaType": 5,
        "Components": 10,
        "SecurityScheme": 9,
        "Schema": 36,
        "ExternalDocs": 3,
    }
)


def encode(document: Mapping[str, Any]) -> bytes:
    """A whole document, as `v3` writes it."""
    return _MESSAGES.write("Document", document)


def _or_reference(name: str) -> Write:
    """`…OrReference`: the message (1), or where it is (2)."""

    def write(number: int, value: Any) -> bytes:
        inner = _MESSAGES.one("Reference")(2, value) if "$ref" in value else _MESSAGES.one(name)(1, value)
        return delimited(number, inner)

    return write


_schema = _or_reference("Schema")
_content = within(1, named(_MESSAGES.one("MediaType")))


def _additional_properties(number: int, value: Any) -> bytes:
    return delimited(number, boolean(2, value) if isinstance(value, bool) else _schema(1, value))


def _default(number: int, value: Any) -> bytes:
    """DefaultType knows scalars; of anything else no more is left than that there is one."""
    if isinstance(value, bool):
        return delimited(number, boolean(2, value))
    if isinstance(value, int | float):
        return delimited(number, double(1, value))
    return delimited(number, string(3, value) if isinstance(value, str) else b"")


def _responses(number: int, values: dict[str, Any]) -> bytes:
    return delimited(number, named(_or_reference("Response"))(2, values))


_METHODS = {"get": 4, "put": 5, "post": 6, "delete": 7, "options": 8, "head": 9, "patch": 10, "trace": 11}

_MESSAGES.define(
    {
        "Document": {
            "openapi": (1, string),
            "info": (2, _MESSAGES.one("Info")),
            "paths": (4, within(1, named(_MESSAGES.one("PathItem")))),
            "components": (5, _MESSAGES.one("Components")),
            "security": (6, requirements),
        },
        "Info": {"title": (1, string), "description": (2, string), "version": (6, string)},
        "Reference": {"$ref": (1, string), "description": (3, string)},
        "Components": {
            "schemas": (1, within(1, named(_schema))),
            "securitySchemes": (7, within(1, named(_or_reference("SecurityScheme")))),
        },
        "SecurityScheme": {"type": (1, string), "description": (2, string), "name": (3, string), "in": (4, string)},
        "PathItem": {
            "description": (3, string),
            **{method: (number, _MESSAGES.one("Operation")) for method, number in _METHODS.items()},
            "parameters": (13, each(_or_reference("Parameter"))),
        },
        "Operation": {
            "tags": (1, strings),
            "summary": (2, string),
            "description": (3, string),
            "operationId": (5, string),
            "parameters": (6, each(_or_reference("Parameter"))),
            "requestBody": (7, _or_reference("RequestBody")),
            "responses": (8, _responses),
            "deprecated": (10, boolean),
            "security": (11, requirements),
        },
        "Parameter": {
            "name": (1, string),
            "in": (2, string),
            "description": (3, string),
            "required": (4, boolean),
            "schema": (10, _schema),
        },
        "RequestBody": {"description": (1, string), "content": (2, _content), "required": (3, boolean)},
        "Response": {"description": (1, string), "content": (3, _content)},
        "MediaType": {"schema": (1, _schema)},
        "ExternalDocs": {"description": (1, string), "url": (2, string)},
        "Schema": {
            "nullable": (1, boolean),
            "readOnly": (3, boolean),
            "externalDocs": (6, _MESSAGES.one("ExternalDocs")),
            "example": (7, whatever),
            "title": (9, string),
            "multipleOf": (10, double),
            "maximum": (11, double),
            "exclusiveMaximum": (12, boolean),
            "minimum": (13, double),
            "exclusiveMinimum": (14, boolean),
            "maxLength": (15, integer),
            "minLength": (16, integer),
            "pattern": (17, string),
            "maxItems": (18, integer),
            "minItems": (19, integer),
            "uniqueItems": (20, boolean),
            "maxProperties": (21, integer),
            "minProperties": (22, integer),
            "required": (23, strings),
            "enum": (24, all_whatever),
            "type": (25, string),
            "allOf": (26, each(_schema)),
            "oneOf": (27, each(_schema)),
            "anyOf": (28, each(_schema)),
            "not": (29, _MESSAGES.one("Schema")),
            "items": (30, within(1, _schema)),
            "properties": (31, within(1, named(_schema))),
            "additionalProperties": (32, _additional_properties),
            "default": (33, _default),
            "description": (34, string),
            "format": (35, string),
        },
    }
)
