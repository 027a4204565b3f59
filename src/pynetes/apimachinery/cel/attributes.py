"""Selecting and indexing: how values are taken out of others, with the original's words where that fails."""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery.cel.values import (
    ABSENT,
    LISTS,
    NUMBERS,
    CelError,
    ObjectValue,
    Optional,
    display,
    lookup,
    type_of,
)


def missing_key(key: Any) -> CelError:
    return CelError(f"no such key: {display(key)}")


def find(value: Any, key: Any) -> Any:
    """What is at the key or index; ABSENT if nothing is. CelError if there can be no such key."""
    kind = type(value)
    if kind is dict or isinstance(value, Mapping):
        return lookup(value, key)
    if kind in LISTS:
        index = _index(key)
        return value[index] if 0 <= index < len(value) else ABSENT
    if kind is ObjectValue:
        return value.fields.get(key, ABSENT)
    return ABSENT


def _index(key: Any) -> int:
    kind = type(key)
    if kind not in NUMBERS:
        raise CelError(f"unsupported index type '{type_of(key).name}' in list")
    if kind is float and not key.is_integer():
        raise CelError(f"unsupported index value {display(key)} in list")
    return int(key)


def qualify(value: Any, key: Any) -> Any:
    """What is at the key or index; CelError if there is nothing."""
    found = find(value, key)
    if found is not ABSENT:
        return found
    if type(value) in LISTS:
        raise CelError(f"index out of bounds: {display(key)}")
    raise missing_key(key)


def is_present(value: Any, key: Any) -> bool:
    """`has(value.key)`."""
    return find(value, key) is not ABSENT


def through(value: Any, keys: tuple[Any, ...]) -> Any:
    """Along several keys. Of an optional value, the result is optional."""
    optional = False
    for key in keys:
        if type(value) is Optional:
            if not value.has_value:
                return value
            optional, value = True, value.value
        if optional:
            value = find(value, key)
            if value is ABSENT:
                return Optional(has=False)
        else:
            value = qualify(value, key)
    return Optional(value) if optional and type(value) is not Optional else value
