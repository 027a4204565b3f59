"""From what a mutation's expression makes to a changed object."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from pynetes.apimachinery.cel.values import LISTS, ObjectValue, UInt, display
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields.check import check
from pynetes.apimachinery.managedfields.items import TypedError
from pynetes.apimachinery.managedfields.merge import merge
from pynetes.apimachinery.managedfields.types import Type
from pynetes.apimachinery.patch import json_patch

Object = dict[str, Any]

_EXACT = 2**53


class MutationError(Exception):
    """A mutation that cannot be made; the text is upstream's."""


def applied(obj: Object, made: ObjectValue, kind: GroupVersionKind, merge_type: Type) -> Object:
    """The object with an apply configuration merged into it."""
    _check_names(made)
    config = {**plain(made), "apiVersion": kind.api_version, "kind": kind.kind}
    try:
        check(config, merge_type)
    except TypedError as error:
        raise _unapplied(f"failed to convert patch object to typed object: {error}") from None
    atomic = list(_atomics(config, merge_type, ""))
    if atomic:
        which = ", ".join(atomic)
        raise _unapplied(f"invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: {which}")
    try:
        return merge(obj, config, merge_type)
    except TypedError as error:
        raise _unapplied(f"failed to merge patch: {error}") from None


def _unapplied(why: str) -> MutationError:
    return MutationError(f"error applying patch: {why}")


def _atomics(value: Any, kind: Type, path: str) -> Iterator[str]:
    """Paths of what would be replaced as a whole."""
    if isinstance(value, dict) and kind.map is not None:
        if kind.map.atomic:
            yield path
        for name, item in value.items():
            # Properties of maps without named fields are not looked into, as upstream.
            known = kind.map.fields.get(name)
            if known is not None:
                yield from _atomics(item, known[1], f"{path}.{name}")
    if isinstance(value, list) and kind.list is not None:
        if kind.list.atomic:
            yield path
        for index, item in enumerate(value):
            yield from _atomics(item, kind.list.item, f"{path}[{index}]")


def patched(obj: Object, made: list[Any]) -> Object:
    """The object changed by JSON patch operations; itself if one of them is a test that fails."""
    operations = [_operation(each) for each in made]
    try:
        result = json_patch.transform(obj, operations)
    except json_patch.TestFailedError:
        return obj
    except json_patch.PatchError as error:
        raise MutationError(f"JSON Patch: {error}") from None
    if not isinstance(result, dict):
        raise MutationError("JSON Patch: the outcome is no object")
    return result


def _operation(made: ObjectValue) -> Object:
    fields = made.fields
    operation: Object = {"op": fields.get("op", ""), "path": fields.get("path", "")}
    if fields.get("from"):
        operation["from"] = fields["from"]
    if "value" in fields:
        _check_names(fields["value"])
        operation["value"] = plain(fields["value"])
    return operation


def _check_names(made: Any) -> None:
    """An object's type must be named after its place."""
    if isinstance(made, ObjectValue):
        wrong = list(_misnamed(made, made.cel_type.name))
        if wrong:
            raise MutationError("type mismatch: " + "\n".join(wrong))


def _misnamed(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, ObjectValue):
        name = value.cel_type.name
        if name != place:
            what = "which matches field name path from root Object type"
            yield f'unexpected type name "{name}", expected "{place}", {what}'
        for key, item in value.fields.items():
            yield from _misnamed(item, f"{place}.{key}")
    elif type(value) in LISTS:
        for item in value:
            yield from _misnamed(item, place)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _misnamed(item, place)


def plain(value: Any) -> Any:
    """A value as JSON has it, sharing nothing with what it was made from."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int or kind is UInt:
        return int(value) if abs(value) <= _EXACT else str(int(value))
    if kind is float:
        return int(value) if value.is_integer() and abs(value) <= _EXACT else value
    if kind in LISTS:
        return [plain(each) for each in value]
    if kind is ObjectValue:
        return {key: plain(item) for key, item in value.fields.items()}
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if kind is bytes:
        return base64.b64encode(value).decode()
    return display(value)


def _key(key: Any) -> str:
    if type(key) is not str:
        raise MutationError(f'map key "{display(key)}" is not a string')
    return key
