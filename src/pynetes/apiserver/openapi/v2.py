"""OpenAPI v2 (Swagger): one document of everything served."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from pynetes.apimachinery.schema.definitions import VERSION
from pynetes.apis.resource import Resource
from pynetes.apiserver.openapi import gnostic, schemas
from pynetes.apiserver.openapi.operations import PATCH, Operation, all_operations, by_path
from pynetes.apiserver.openapi.parameters import Parameter
from pynetes.apiserver.openapi.signature import signature

Extra = Mapping[str, dict[str, Any]]

_REFERENCE = "#/definitions/"
_OBJECT = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
_STREAM = [*_OBJECT, "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"]
_PATCHES = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
]
_CODES = {200: "OK", 201: "Created", 202: "Accepted"}
_latest: tuple[str, bytes] = ("", b"")
_latest_protobuf: tuple[str, bytes] = ("", b"")


def tree(resources: Sequence[Resource], extra: Extra = {}) -> dict[str, Any]:  # noqa: B006 (never changed)
    """The document as a dict; not cached."""
    found = all_operations(resources, extra)
    names = schemas.needed((name for operation in found for name in (operation.body, operation.answer)), extra)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": f"v{VERSION}.0"},
        "paths": _paths(found),
        "definitions": {name: schemas.lookup(name, extra) for name in names},
        "securityDefinitions": {
            "BearerToken": {
                "description": "Bearer Token authentication",
                "type": "apiKey",
                "name": "authorization",
                "in": "header",
            }
        },
        "security": [{"BearerToken": []}],
    }


def document(resources: Sequence[Resource], extra: Extra = {}) -> bytes:  # noqa: B006
    """`/openapi/v2` as JSON; the last one is kept."""
    global _latest
    key = signature(resources, extra)
    if _latest[0] != key:
        _latest = (key, orjson.dumps(tree(resources, extra)))
    return _latest[1]


def protobuf(resources: Sequence[Resource], extra: Extra = {}) -> bytes:  # noqa: B006
    """The same as protobuf; the last one is kept, too."""
    global _latest_protobuf
    key = signature(resources, extra)
    if _latest_protobuf[0] != key:
        _latest_protobuf = (key, gnostic.encode(tree(resources, extra)))
    return _latest_protobuf[1]


def document_hash(resources: Sequence[Resource], extra: Extra = {}) -> str:  # noqa: B006
    """For the ETag."""
    return signature(resources, extra)


def _paths(found: Sequence[Operation]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for name, path in by_path(found).items():
        paths[name] = {operation.method: _operation(operation, path.own(operation)) for operation in path.operations}
        if path.shared:
            paths[name]["parameters"] = [_parameter(parameter) for parameter in path.shared]
    return paths


def _parameter(parameter: Parameter) -> dict[str, Any]:
    out: dict[str, Any] = {
        "uniqueItems": True,
        "type": parameter.type,
        "description": parameter.description,
        "name": parameter.name,
        "in": parameter.place,
    }
    if parameter.required:
        out["required"] = True
    return out


def _schema(definition: str) -> dict[str, Any]:
    return {"$ref": _REFERENCE + definition} if definition else {"type": "string"}


def _operation(operation: Operation, own: Sequence[Parameter]) -> dict[str, Any]:
    parameters = [_parameter(parameter) for parameter in own]
    if operation.body:
        body: dict[str, Any] = {"name": "body", "in": "body", "schema": _schema(operation.body)}
        if operation.method != "delete":
            body["required"] = True
        parameters.insert(0, body)
    produces = {"object": _OBJECT, "stream": _STREAM, "raw": ["*/*"]}[operation.media]
    if not operation.answer and operation.media == "object":  # a log
        produces = ["text/plain", *_OBJECT]
    answer = _schema(operation.answer)
    out: dict[str, Any] = {
        "description": operation.description,
        "consumes": _PATCHES if operation.body == PATCH else ["*/*"],
        "produces": produces,
        "schemes": ["https"],
        "tags": [operation.tag],
        "operationId": operation.id,
    }
    if parameters:
        out["parameters"] = parameters
    out["responses"] = {str(code): {"description": _CODES[code], "schema": answer} for code in operation.codes}
    out["responses"]["401"] = {"description": "Unauthorized"}
    if operation.action:
        out["x-kubernetes-action"] = operation.action
    if operation.gvk is not None:
        gvk = operation.gvk
        out["x-kubernetes-group-version-kind"] = {"group": gvk.group, "kind": gvk.kind, "version": gvk.version}
    return out
