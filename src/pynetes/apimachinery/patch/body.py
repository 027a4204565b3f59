"""Patch bodies as clients send them, with the strict errors that field validation asks for."""

from typing import Any

from pynetes.apimachinery import json_text
from pynetes.apimachinery.errors import bad_request, request_entity_too_large
from pynetes.apimachinery.schema.checker import DecodeError, DuplicateDict, duplicates, plain

MAX_JSON_PATCH_OPERATIONS = 10_000
_OPERATION_FIELDS = ("op", "path", "from", "value")


def _parse(body: bytes, prefix: str) -> Any:
    try:
        return json_text.parse(body)
    except DecodeError as error:
        raise bad_request(f"{prefix}{error}") from None


def _plain(value: Any, prefix: str) -> Any:
    try:
        return plain(value)
    except DecodeError as error:
        raise bad_request(f"{prefix}{error}") from None


def _shape(value: Any) -> str:
    shapes = {dict: "object", DuplicateDict: "object", list: "array", str: "string", bool: "bool"}
    return shapes.get(type(value), "number")


def json_patch(body: bytes) -> tuple[list[dict[str, Any]], list[str]]:
    """The operations of an RFC 6902 patch, and strict errors. StatusError 400, or 413 for too many operations."""
    prefix = "error decoding patch: "
    value = _parse(body, prefix)
    if value is None:
        value = []
    if not isinstance(value, list):
        go = "[]handlers.jsonPatchOp"
        raise bad_request(f"{prefix}json: cannot unmarshal {_shape(value)} into Go value of type {go}")
    strict: list[str] = []
    for index, operation in enumerate(value):
        if operation is None:
            continue  # in Go an operation of nothing, which is then of no known kind
        if not isinstance(operation, dict):
            go = "handlers.jsonPatchOp"
            raise bad_request(f"{prefix}json: cannot unmarshal {_shape(operation)} into Go value of type {go}")
        for field in ("op", "path", "from"):
            if operation.get(field) is not None and not isinstance(operation[field], str):
                shape = _shape(operation[field])
                where = f"Go struct field jsonPatchOp.{field} of type string"
                raise bad_request(f"{prefix}json: cannot unmarshal {shape} into {where}")
        strict += [
            f'json patch unknown field "[{index}].{field}"' for field in operation if field not in _OPERATION_FIELDS
        ]
    if len(value) > MAX_JSON_PATCH_OPERATIONS:
        allowed = f"The allowed maximum operations in a JSON patch is {MAX_JSON_PATCH_OPERATIONS}, got {len(value)}"
        raise request_entity_too_large(allowed)
    strict += [f"json patch {text}" for text in duplicates(value)]
    operations: list[dict[str, Any]] = _plain(value, prefix)
    return [operation or {} for operation in operations], strict


def merge_patch(body: bytes, *, strategic: bool = False) -> tuple[dict[str, Any], list[str]]:
    """The object that a merge or strategic merge patch is, and strict errors. StatusError 400."""
    prefix = "" if strategic else "error decoding patch: "
    value = _parse(body, prefix)
    if value is None:
        if not strategic:
            raise bad_request("Invalid JSON Patch")
        value = {}
    if not isinstance(value, dict):
        go = "map[string]interface {}"
        raise bad_request(f"{prefix}json: cannot unmarshal {_shape(value)} into Go value of type {go}")
    found: dict[str, Any] = _plain(value, prefix)
    return found, duplicates(value)
