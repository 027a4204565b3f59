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
_CACHE: OrderedDict[tuple[str, str], "Document"] = OrderedDict()
_CACHE_SIZE = 256


class Document:
    """One document; as protobuf once somebody asks for that."""

    def __init__(self, json: bytes) -> None:
        self.json = json

    @cached_property
    def protobuf(self) -> bytes:
        return gnostic3.encode(orjson.loads(self.json))


def _key(resource: Resource) -> str:
    gvk = resource.gvk
    return f"apis/{gvk.group}/{gvk.version}" if gvk.group else f"api/{gvk.version}"


def _roots(resources: Sequence[Resource]) -> dict[str, Operation]:
    """The documents that describe no resources."""
    out = {"apis": groups_root(), "version": version_info(), **issuer_documents()}
    for resource in resources:
        if resource.schema is not None:
            continue  # groups of custom resources alone have none
        group = resource.gvk.group
        out[f"apis/{group}" if group else "api"] = group_root(group)
    return out


def _in(resources: Iterable[Resource], group_version: str) -> list[Resource]:
    return [resource for resource in resources if _key(resource) == group_version]


def _relevant(extra: Extra, resources: Iterable[Resource]) -> Extra:
    """The custom definitions of a group version (all that share its kinds, and what has no kind)."""
    versions = {(resource.gvk.group, resource.gvk.version) for resource in resources}
    return {
        name: schema
        for name, schema in extra.items()
        if any(
            (kind["group"], kind["version"]) in versions
            for kind in schema.get("x-kubernetes-group-version-kind")
            or ({"group": g, "version": v} for g, v in versions)
        )
    }


def index(resources: Sequence[Resource], extra: Extra = {}) -> dict[str, Any]:  # noqa: B006 (never changed)
    """`/openapi/v3`: where the document of each path is, with a hash that changes when it does."""
    paths: dict[str, str] = {}
    for key in _roots(resources):
        paths[key] = signature((), {"": {"key": key}})
    by_version: dict[str, list[Resource]] = {}
    for resource in resources:
        by_version.setdefault(_key(resource), []).append(resource)
    for key, members in by_version.items():
        paths[key] = signature(members, _relevant(extra, members))
    return {
        "paths": {key: {"serverRelativeURL": f"/openapi/v3/{key}?hash={paths[key]}"} for key in sorted(paths)},
    }


def document(group_version: str, resources: Sequence[Resource], extra: Extra = {}) -> "Document | None":  # noqa: B006
    """`/openapi/v3/<group_version>` (`apis/apps/v1`, `api/v1`, `apis/apps`, `version`); None for others."""
    members = _in(resources, group_version)
    root = None if members else _roots(resources).get(group_version)
    if not members and root is None:
        return None
    own = _relevant(extra, members)
    cached = (group_version, signature(members, own))
    found = _CACHE.get(cached)
    if found is None:
        found = _CACHE[cached] = Document(_write(_operations(members, root, own), members, own))
        if len(_CACHE) > _CACHE_SIZE:
            _CACHE.popitem(last=False)
    return found


def document_hash(group_version: str, resources: Sequence[Resource], extra: Extra = {}) -> str:  # noqa: B006
    """The hash that the index shows, for the ETag."""
    members = _in(resources, group_version)
    if members:
        return signature(members, _relevant(extra, members))
    return signature((), {"": {"key": group_version}})


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
