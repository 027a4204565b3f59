"""Tables and metadata-only forms: what `kubectl get` and metadata clients ask for."""

from collections.abc import Iterable
from typing import Any

import orjson

from pynetes.apimachinery.errors import bad_request
from pynetes.apis.resource import Resource
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


def row(resource: Resource, obj: Object, include: str, api_version: str) -> Object:
    out: Object = {"cells": [column.cells(obj) for column in resource.columns]}
    conditions = _conditions(obj)
    if conditions:
        out["conditions"] = conditions
    if include == "Metadata":
        out["object"] = partial(obj, api_version)
    elif include == "Object":
        out["object"] = obj
    else:
        out["object"] = None
    return out


def _conditions(obj: Object) -> list[Object]:
    """Pods that are over are marked, so that clients can leave them out."""
    if obj.get("kind") != "Pod":
        return []
    status = obj.get("status") or {}
    phase = status.get("phase")
    if phase == "Succeeded":
        text = "The pod has completed successfully."
        return [{"type": "Completed", "status": "True", "reason": "Succeeded", "message": text}]
    if phase == "Failed":
        text = "The pod failed."
        return [{"type": "Completed", "status": "True", "reason": "Failed", "message": text}]
    return []


def table(
    resource: Resource, rows: Iterable[Object], metadata: Object, api_version: str, *, headers: bool = True
) -> Object:
    """A Table of rows; watches name the columns only in their first event."""
    columns = [column.definition() for column in resource.columns] if headers else None
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": list(rows),
    }


def parse(data: bytes) -> Object:
    """An object of its own; entries' parsed form is left alone so that listing does not fill memory."""
    obj: Object = orjson.loads(data)
    return obj
