"""Tables and metadata-only forms: what `kubectl get` and metadata clients ask for."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from pynetes.apimachinery.errors import bad_request
from pynetes.apis.resource import CREATED_AT, NAME, Column, Resource
from pynetes.apiserver.http import Request

Object = dict[str, Any]

_INCLUDE = ("", "Metadata", "Object", "None")


def include_object(request: Request) -> str:
    """What a row carries of its object: Metadata (by default), Object or None; StatusError 400 for others."""
    wanted = request.param("includeObject") if request.query else ""
    if wanted not in _INCLUDE:
        text = f"includeObject: Invalid value: \"{wanted}\": must be 'Metadata', 'Object', 'None', or empty"
        raise bad_request(f"Unable to convert to Table as requested: {text}")
    return wanted or "Metadata"


def partial(obj: Object, api_version: str) -> Object:
    """PartialObjectMetadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": obj.get("metadata") or {}}


def untyped(obj: Object) -> Object:
    """An item of a typed list, whose type the list says."""
    return {field: value for field, value in obj.items() if field not in ("apiVersion", "kind")}


def row(
    resource: Resource, obj: Object, include: str, api_version: str, columns: Sequence[Column] | None = None
) -> Object:
    """`columns`: those of a subresource with a kind of its own."""
    out: Object = {"cells": [column.cells(obj) for column in columns or resource.columns]}
    conditions = resource.row_conditions(obj) if resource.row_conditions else None
    if conditions:
        out["conditions"] = conditions
    if include == "Metadata":
        out["object"] = partial(obj, api_version)
    elif include == "Object":
        out["object"] = obj
    else:
        out["object"] = None
    return out


def table(
    resource: Resource,
    rows: Iterable[Object],
    metadata: Object,
    api_version: str,
    *,
    headers: bool = True,
    columns: Sequence[Column] | None = None,
) -> Object:
    """A Table of rows; watches name the columns only in their first event."""
    definitions = [column.definition() for column in columns or resource.columns] if headers else None
    found = list(rows)
    is_plain = resource.columns == (NAME, CREATED_AT) and resource.schema is None
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": None if is_plain and not found else found,  # what the original has no printer for
    }


def parse(data: bytes) -> Object:
    """An object of its own; entries' parsed form is left alone so that listing does not fill memory."""
    obj: Object = orjson.loads(data)
    return obj
