"""Elements of set lists and keys of map lists must differ."""

from collections.abc import Iterator
from typing import Any

import orjson

from pynetes.apimachinery.errors import FieldError, duplicate, invalid_value
from pynetes.apimachinery.structural.nodes import LIST_MAP_KEYS, LIST_TYPE, Schema, additional, items, properties, walk

_ABSENT: Any = object()


def has_keyed_lists(schema: Schema) -> bool:
    return any(node.get(LIST_TYPE) in ("set", "map") for node in walk(schema))


def validate_lists(obj: Any, schema: Schema | None, path: str = "") -> list[FieldError]:
    """One error for each element that stands twice, at its second place."""
    return list(_walk(obj, schema, path))


def _walk(value: Any, schema: Schema | None, path: str) -> Iterator[FieldError]:
    if schema is None:
        return
    if isinstance(value, dict):
        own, others = properties(schema), additional(schema)
        for name, item in value.items():
            if name in own:
                yield from _walk(item, own[name], f"{path}.{name}" if path else name)
            elif others is not None:
                yield from _walk(item, others, f"{path}[{name}]")
    elif isinstance(value, list):
        if schema.get(LIST_TYPE) == "set":
            yield from (duplicate(f"{path}[{i}]", value[i]) for i in _repeated(value))
        elif schema.get(LIST_TYPE) == "map":
            yield from _map(value, schema, path)
        for i, item in enumerate(value):
            yield from _walk(item, items(schema), f"{path}[{i}]")


def _map(values: list[Any], schema: Schema, path: str) -> Iterator[FieldError]:
    for i, value in enumerate(values):
        if value is not None and not isinstance(value, dict):
            yield invalid_value(f"{path}[{i}]", value, "must be an object for an array of list-type map")
            return
    names: list[str] = schema.get(LIST_MAP_KEYS) or []
    keys = [{name: value[name] for name in names if name in value} if value else {} for value in values]
    single = [key.get(names[0], _ABSENT) for key in keys] if len(names) == 1 else keys
    yield from (duplicate(f"{path}[{i}]", keys[i]) for i in _repeated(single))


def _repeated(values: list[Any]) -> list[int]:
    """Where an element stands for the second time; further times are not told."""
    seen: dict[Any, int] = {}
    out = []
    for i, value in enumerate(values):
        if isinstance(value, dict | list):
            key: Any = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        else:
            key = (type(value), value)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 2:
            out.append(i)
    return out
