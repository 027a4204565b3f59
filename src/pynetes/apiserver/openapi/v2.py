"""OpenAPI v2 (Swagger): one document of everything served."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
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
from pynetes.apiserver.openapi.shared import Pool
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
_MEDIA = {
    "object": _OBJECT,
    "stream": _STREAM,
    "raw": ["*/*"],
    "log": ["text/plain", *_OBJECT],
    "json": ["application/json"],
    "keys": ["application/jwk-set+json"],
}
_CUSTOM = ["application/json", "application/yaml"]
#: What is written once for the whole document, part by part.
_SECTIONS = ("paths", "definitions", "parameters")
_CODES = {200: "OK", 201: "Created", 202: "Accepted"}


def tree(resources: Sequence[Resource], extra: Extra = {}) -> dict[str, Any]:  # noqa: B006 (never changed)
    """The document as a dict; not cached."""
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": VERSION},
        **_content(all_operations(resources, extra), extra),
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


def _content(found: Sequence[Operation], extra: Extra) -> dict[str, Any]:
    """The operations, the definitions that they need and the parameters that they share."""
    pool = Pool()
    names = schemas.needed((name for operation in found for name in (operation.body, operation.answer)), extra)
    return {
        "paths": _paths(found, pool),
        "definitions": {name: schemas.lookup(name, extra) for name in names},
        "parameters": pool.found,
    }


class Document:
    """The document of a changing set of resources: what is built in is written once, each custom resource once."""

    def __init__(self, built_in: Sequence[Resource]) -> None:
        self._built_in = _BuiltIn(tuple(built_in))
        self._custom: dict[Resource, _Custom] = {}
        self._others: tuple[tuple[str, dict[str, Any]], ...] = ()
        self.current = self._version()

    def update(self, custom: Sequence[tuple[Resource, Extra]]) -> None:
        """Custom resources, each with its definitions."""
        before, self._custom = self._custom, {}
        for resource, extra in custom:
            kept = before.get(resource)
            same = kept is not None and kept.extra is extra
            self._custom[resource] = kept if kept and same else _Custom(self._built_in, resource, extra)
        self.current = self._version()

    def extend(self, others: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """What other servers describe, each a hash and its entries of every section."""
        self._others = tuple(others)
        self.current = self._version()

    def _version(self) -> "Version":
        return Version(self._built_in, tuple(self._custom.values()), self._others)


class Version:
    """The document as it is until something changes. It may be written in another thread, one at a time."""

    def __init__(
        self,
        built_in: "_BuiltIn",
        custom: "tuple[_Custom, ...]",
        others: tuple[tuple[str, dict[str, Any]], ...],
    ) -> None:
        self._built_in = built_in
        self._custom = custom
        self._others = others

    @cached_property
    def hash(self) -> str:
        """For the ETag."""
        hashes = [self._built_in.hash, *(custom.hash for custom in self._custom), *(found for found, _ in self._others)]
        return hashlib.sha512("".join(hashes).encode()).hexdigest().upper()

    @cached_property
    def json(self) -> bytes:
        parts = self._parts
        sections = []
        for section in _SECTIONS:
            written = b",".join(part.json[section] for part in parts if part.json[section])
            sections.append(b',"%b":{%b}' % (section.encode(), written))
        return parts[0].head + b"".join(sections) + b"}"

    @cached_property
    def protobuf(self) -> bytes:
        """Fields that a message has in several places are merged: so parts can simply follow each other."""
        return b"".join(part.protobuf for part in self._parts)

    @cached_property
    def _parts(self) -> "list[_Part]":
        parts = [self._built_in.part, *(custom.part for custom in self._custom)]
        return [*parts, *self._borrowed(parts)]

    def _borrowed(self, own: "Sequence[_Part]") -> "list[_Part]":
        """Of entries of the same name the first is kept, and our own before any other's."""
        known = {section: {name for part in own for name in part.names(section)} for section in _SECTIONS}
        parts = []
        for _, content in self._others:
            new = {
                section: {name: value for name, value in (content.get(section) or {}).items() if name not in names}
                for section, names in known.items()
            }
            for section, entries in new.items():
                known[section] |= entries.keys()
            parts.append(_Part(new))
        return parts


class _BuiltIn:
    """The resources that are always there."""

    def __init__(self, resources: tuple[Resource, ...]) -> None:
        self.resources = resources

    @cached_property
    def hash(self) -> str:
        return signature(self.resources, {})

    @cached_property
    def part(self) -> "_Part":
        return _Part(tree(self.resources))


class _Custom:
    """A custom resource, and what it adds to what is there for the built-in ones."""

    def __init__(self, built_in: _BuiltIn, resource: Resource, extra: Extra) -> None:
        self._built_in = built_in
        self._resource = resource
        self.extra = extra

    @cached_property
    def hash(self) -> str:
        return signature((self._resource,), self.extra)

    @cached_property
    def part(self) -> "_Part":
        content = _content(list(operations(self._resource, self.extra)), self.extra)
        for section in ("definitions", "parameters"):
            known = self._built_in.part.content[section]
            content[section] = {name: value for name, value in content[section].items() if name not in known}
        return _Part(content)


class _Part:
    """Some entries of each section, written without what encloses them; `head` is all else, without its end."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.json = {section: json_writer.encode(content.get(section) or {})[1:-1] for section in _SECTIONS}
        self.head = json_writer.encode({key: value for key, value in content.items() if key not in _SECTIONS})[:-1]

    def names(self, section: str) -> list[str]:
        return list(self.content.get(section) or ())

    @cached_property
    def protobuf(self) -> bytes:
        return gnostic.encode(self.content)


def _consumes(operation: Operation) -> list[str]:
    if operation.body != PATCH:
        return _CUSTOM if operation.custom else _MEDIA[operation.takes] if operation.takes else []
    return [kind for kind in _PATCHES if "strategic" not in kind] if operation.custom else _PATCHES


def _paths(found: Sequence[Operation], pool: Pool) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for name, path in by_path(found).items():
        paths[name] = {each.method: _operation(each, path.own(each), pool) for each in path.operations}
        if path.shared:
            paths[name]["parameters"] = [pool.parameter(parameter) for parameter in path.shared]
    return paths


def _schema(definition: str) -> dict[str, Any]:
    return {"$ref": _REFERENCE + definition} if definition else {"type": "string"}


def _operation(operation: Operation, own: Sequence[Parameter], pool: Pool) -> dict[str, Any]:
    parameters = [pool.parameter(parameter) for parameter in own]
    if operation.body:
        parameters.insert(0, pool.body(_schema(operation.body), operation.method != "delete"))
    answer = _schema(operation.answer)
    consumes = _consumes(operation)
    out: dict[str, Any] = {
        "description": operation.description,
        **({"consumes": consumes} if consumes else {}),
        "produces": _CUSTOM if operation.custom else _MEDIA[operation.media],
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
