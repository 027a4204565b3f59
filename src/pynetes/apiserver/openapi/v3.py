"""OpenAPI v3: an index of documents with their hashes, and one document for each group version."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.schema.definitions import VERSION
from pynetes.apis.resource import Resource
from pynetes.apiserver.openapi import gnostic3, schemas
from pynetes.apiserver.openapi.operations import (
    PATCH,
    Operation,
    by_path,
    group_root,
    groups_root,
    issuer_documents,
    operations,
    version_info,
    version_root,
)
from pynetes.apiserver.openapi.parameters import Parameter
from pynetes.apiserver.openapi.signature import signature

Extra = Mapping[str, dict[str, Any]]

_REFERENCE = "#/components/schemas/"
_OBJECT = ("application/json", "application/vnd.kubernetes.protobuf", "application/yaml")
_STREAM = (
    "application/json",
    "application/json;stream=watch",
    "application/vnd.kubernetes.protobuf",
    "application/vnd.kubernetes.protobuf;stream=watch",
    "application/yaml",
)
_PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
_MEDIA = {
    "object": _OBJECT,
    "stream": _STREAM,
    "raw": ("*/*",),
    "log": ("text/plain", *_OBJECT),
    "json": ("application/json",),
    "keys": ("application/jwk-set+json",),
}
_CUSTOM: tuple[str, ...] = ("application/json", "application/yaml")
_CUSTOM_INFO = {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}
_SECURITY = {
    "securitySchemes": {
        "BearerToken": {
            "description": "Bearer Token authentication",
            "in": "header",
            "name": "authorization",
            "type": "apiKey",
        }
    }
}
_CODES = {200: "OK", 201: "Created", 202: "Accepted"}
#: How many written documents are kept.
_KEPT = 256


class Document:
    """What is said of one group version, or of one path that describes no resources; written when it is asked for."""

    def __init__(self, key: str, members: Sequence[Resource], extra: Extra, root: Operation | None = None) -> None:
        """`extra`: definitions of the members that are custom resources. `root`: the only operation, instead."""
        self.key = key
        self._members = members
        self._extra = extra
        self._root = root

    @cached_property
    def hash(self) -> str:
        """For the index and the ETag; it changes when the document does."""
        return signature(self._members, self._extra or {"": {"key": self.key}})

    @cached_property
    def json(self) -> bytes:
        return _write(_operations(self._members, self._root, self._extra), self._members, self._extra)

    @cached_property
    def protobuf(self) -> bytes:
        return gnostic3.encode(orjson.loads(self.json))

    def forget(self) -> None:
        """Drops what was written."""
        for form in ("json", "protobuf"):
            self.__dict__.pop(form, None)

    def is_of(self, custom: "Custom") -> bool:
        """Whether it describes these custom resources, in the same words."""
        return len(custom) == len(self._members) and all(
            resource is member and all(self._extra.get(name) is schema for name, schema in own.items())
            for member, (resource, own) in zip(self._members, custom, strict=True)
        )


#: Custom resources, each with its definitions.
Custom = Sequence[tuple[Resource, Extra]]


class Documents:
    """The documents of a changing set of resources; those whose resources stay are kept."""

    def __init__(self, built_in: Sequence[Resource]) -> None:
        self._built_in = _by_key((resource, {}) for resource in built_in)
        self._always = {key: Document(key, (), {}, root) for key, root in _roots(built_in).items()}
        self._found: dict[str, Document] = {}
        self._written: OrderedDict[str, Document] = OrderedDict()
        self.update(())

    def update(self, custom: Custom) -> None:
        groups = dict(self._built_in)
        for key, members in _by_key(custom).items():
            groups[key] = [*groups.get(key, ()), *members]
        before, self._found = self._found, dict(self._always)
        for key, members in groups.items():
            kept = before.get(key)
            self._found[key] = kept if kept is not None and kept.is_of(members) else _document(key, members)

    def index(self) -> dict[str, Any]:
        """`paths` of `/openapi/v3`: where each document is, with its hash."""
        return {
            key: {"serverRelativeURL": f"/openapi/v3/{key}?hash={document.hash}"}
            for key, document in sorted(self._found.items())
        }

    def find(self, key: str) -> Document | None:
        """The document of `apis/apps/v1`, `api/v1`, `apis/apps`, `version`; None for others. About to be written: what
        was written longest ago is forgotten."""
        found = self._found.get(key)
        if found is not None:
            self._written[key] = found
            self._written.move_to_end(key)
            if len(self._written) > _KEPT:
                self._written.popitem(last=False)[1].forget()
        return found


def _document(key: str, members: Custom) -> Document:
    extra = {name: schema for _, own in members for name, schema in own.items()}
    return Document(key, tuple(resource for resource, _ in members), extra)


def _by_key(resources: Iterable[tuple[Resource, Extra]]) -> "dict[str, list[tuple[Resource, Extra]]]":
    groups: dict[str, list[tuple[Resource, Extra]]] = {}
    for resource, own in resources:
        gvk = resource.gvk
        key = f"apis/{gvk.group}/{gvk.version}" if gvk.group else f"api/{gvk.version}"
        groups.setdefault(key, []).append((resource, own))
    return groups


def _roots(built_in: Sequence[Resource]) -> dict[str, Operation]:
    """The documents that describe no resources; groups of custom resources have none."""
    out = {"apis": groups_root(), "version": version_info(), **issuer_documents()}
    for group in {resource.gvk.group for resource in built_in}:
        out[f"apis/{group}" if group else "api"] = group_root(group)
    return out


def _operations(members: Sequence[Resource], root: Operation | None, extra: Extra) -> list[Operation]:
    if root is not None:
        return [root]
    gvk = members[0].gvk
    found = [] if _custom(members) else [version_root(gvk.group, gvk.version)]
    for resource in members:
        found += operations(resource, extra)
    return found


def _custom(members: Sequence[Resource]) -> bool:
    """Whether a document is of custom resources, which the original describes by another program."""
    return bool(members) and all(resource.schema is not None for resource in members)


def _write(found: Sequence[Operation], members: Sequence[Resource], extra: Extra) -> bytes:
    versions = {("", "v1"), *((resource.gvk.group, resource.gvk.version) for resource in members)}
    custom = _custom(members)
    names = schemas.needed((name for operation in found for name in (operation.body, operation.answer)), extra)
    written = {
        name: schemas.v3(name, extra, lambda kind: custom or (kind["group"], kind["version"]) in versions)
        for name in names
    }
    return json_writer.encode(
        {
            "openapi": "3.0.0",
            "info": _CUSTOM_INFO if custom else {"title": "Kubernetes", "version": VERSION},
            "paths": _paths(found),
            "components": {**({"schemas": written} if written else {}), **({} if custom else _SECURITY)},
        }
    )


def _paths(found: Sequence[Operation]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for name, path in by_path(found).items():
        paths[name] = {operation.method: _operation(operation, path.own(operation)) for operation in path.operations}
        if path.shared:
            paths[name]["parameters"] = [_parameter(parameter) for parameter in path.shared]
    return paths


def _parameter(parameter: Parameter) -> dict[str, Any]:
    out: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": {"type": parameter.type, "uniqueItems": True},
    }
    if parameter.required:
        out["required"] = True
    return out


def _content(definition: str, media: Iterable[str]) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE + definition} if definition else {"type": "string"}
    return {name: {"schema": schema} for name in media}


def _operation(operation: Operation, own: Sequence[Parameter]) -> dict[str, Any]:
    out: dict[str, Any] = {
        "tags": [operation.tag],
        "description": operation.description,
        "operationId": operation.id,
        "responses": _responses(operation),
    }
    if own:
        out["parameters"] = [_parameter(parameter) for parameter in own]
    if operation.body:
        media = _body_types(operation)
        out["requestBody"] = {"content": _content(operation.body, media)}
        if operation.method != "delete":
            out["requestBody"]["required"] = True
    if operation.action:
        out["x-kubernetes-action"] = operation.action
    if operation.gvk is not None:
        gvk = operation.gvk
        out["x-kubernetes-group-version-kind"] = {"group": gvk.group, "kind": gvk.kind, "version": gvk.version}
    return out


def _body_types(operation: Operation) -> tuple[str, ...]:
    if operation.body != PATCH:
        return _CUSTOM if operation.custom else ("*/*",)
    return tuple(kind for kind in _PATCHES if "strategic" not in kind) if operation.custom else _PATCHES


def _responses(operation: Operation) -> dict[str, Any]:
    content = _content(operation.answer, _CUSTOM if operation.custom else _MEDIA[operation.media])
    out: dict[str, Any] = {str(code): {"description": _CODES[code], "content": content} for code in operation.codes}
    out["401"] = {"description": "Unauthorized"}
    return out
