"""OpenAPI v2 (Swagger): one document of everything served."""

from collections.abc import Mapping, Sequence
from typing import Any

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.schema.definitions import VERSION
from pynetes.apis.resource import Resource
from pynetes.apiserver.openapi import gnostic, schemas
from pynetes.apiserver.openapi.operations import (
    PATCH,
    Operation,
    all_operations,
    by_path,
    operations,
)
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
_CUSTOM = ["application/json", "application/yaml"]
_CUSTOM_STREAM = [*_CUSTOM, "application/json;stream=watch"]
_CODES = {200: "OK", 201: "Created", 202: "Accepted"}


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


class Document:
    """The document of a changing set of resources: what is built in is written once, each custom resource once."""

    def __init__(self, built_in: Sequence[Resource]) -> None:
        self._built_in = tuple(built_in)
        self._custom: tuple[tuple[Resource, Extra], ...] = ()
        self._written: dict[Resource, _Part] = {}
        self._others: tuple[tuple[str, dict[str, Any]], ...] = ()
        self._base: _Part | None = None
        self._known: frozenset[str] = frozenset()
        self._json = b""
        self._protobuf = b""
        self._hash = ""

    def update(self, custom: Sequence[tuple[Resource, Extra]]) -> None:
        """Custom resources, each with its definitions."""
        self._custom = tuple(custom)
        served = {resource for resource, _ in custom}
        self._written = {resource: part for resource, part in self._written.items() if resource in served}
        self._json = self._protobuf = b""
        self._hash = ""

    def extend(self, others: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """What other servers describe, each a hash and its `paths` and `definitions`."""
        self._others = tuple(others)
        self._json = self._protobuf = b""
        self._hash = ""

    @property
    def hash(self) -> str:
        """For the ETag."""
        if not self._hash:
            extra = {name: schema for _, own in self._custom for name, schema in own.items()}
            if self._others:
                extra[""] = {"others": [found for found, _ in self._others]}
            self._hash = signature([*self._built_in, *(resource for resource, _ in self._custom)], extra)
        return self._hash

    def json(self) -> bytes:
        if not self._json:
            base, parts = self._parts()
            paths = b",".join(part.paths for part in (base, *parts) if part.paths)
            definitions = b",".join(part.definitions for part in (base, *parts) if part.definitions)
            self._json = b'%b,"paths":{%b},"definitions":{%b}}' % (base.head, paths, definitions)
        return self._json

    def protobuf(self) -> bytes:
        """Fields that a message has in several places are merged: so parts can simply follow each other."""
        if not self._protobuf:
            base, parts = self._parts()
            self._protobuf = b"".join(part.protobuf() for part in (base, *parts))
        return self._protobuf

    def _parts(self) -> "tuple[_Part, list[_Part]]":
        if self._base is None:
            whole = tree(self._built_in)
            self._known = frozenset(whole["definitions"])
            self._base = _Part(whole)
        parts = []
        for resource, extra in self._custom:
            if resource not in self._written:
                self._written[resource] = self._part(resource, extra)
            parts.append(self._written[resource])
        return self._base, [*parts, *self._borrowed(parts)]

    def _borrowed(self, custom: "Sequence[_Part]") -> "list[_Part]":
        """Of the same path or definition the first is kept, and our own before any other's."""
        assert self._base is not None
        known = {
            name for part in (self._base, *custom) for kind in ("paths", "definitions") for name in part.names(kind)
        }
        parts = []
        for _, content in self._others:
            own = {
                kind: {name: value for name, value in (content.get(kind) or {}).items() if name not in known}
                for kind in ("paths", "definitions")
            }
            known |= own["paths"].keys() | own["definitions"].keys()
            parts.append(_Part(own))
        return parts

    def _part(self, resource: Resource, extra: Extra) -> "_Part":
        found = list(operations(resource, extra))
        names = schemas.needed((name for operation in found for name in (operation.body, operation.answer)), extra)
        own = {name: schemas.lookup(name, extra) for name in names if name not in self._known}
        return _Part({"paths": _paths(found), "definitions": own})


class _Part:
    """Some paths and definitions, written without what encloses them; `head` is all else, without its end."""

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        self._protobuf = b""
        self.paths = json_writer.encode(content.get("paths") or {})[1:-1]
        self.definitions = json_writer.encode(content.get("definitions") or {})[1:-1]
        self.head = json_writer.encode({k: v for k, v in content.items() if k not in ("paths", "definitions")})[:-1]

    def names(self, kind: str) -> list[str]:
        return list(self._content.get(kind) or ())

    def protobuf(self) -> bytes:
        if not self._protobuf:
            self._protobuf = gnostic.encode(self._content)
        return self._protobuf


def _consumes(operation: Operation) -> list[str]:
    if operation.body != PATCH:
        return _CUSTOM if operation.custom else ["*/*"]
    return [kind for kind in _PATCHES if "strategic" not in kind] if operation.custom else _PATCHES


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
    if operation.custom:
        produces = _CUSTOM_STREAM if operation.media == "stream" else _CUSTOM
    else:
        produces = {"object": _OBJECT, "stream": _STREAM, "raw": ["*/*"]}[operation.media]
    if not operation.answer and operation.media == "object":  # a log
        produces = ["text/plain", *_OBJECT]
    answer = _schema(operation.answer)
    out: dict[str, Any] = {
        "description": operation.description,
        "consumes": _consumes(operation),
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
