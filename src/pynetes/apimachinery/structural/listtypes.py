"""Elements of set lists and keys of map lists must differ.

Whether all do is asked first, of compiled closures that look only where such lists can be.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.errors import FieldError, duplicate, invalid_value
from pynetes.apimachinery.structural.nodes import LIST_MAP_KEYS, LIST_TYPE, Schema, additional, items, properties

_ABSENT: Any = object()


#: Whether the lists within a value are as they must be.
Distinct = Callable[[Any], bool]


def compile_distinct(schema: Schema) -> Distinct | None:
    """False where `validate_lists` would complain; None where it has nothing to look at."""
    inner = {name: found for name, child in properties(schema).items() if (found := compile_distinct(child))}
    own, values, elements = properties(schema), additional(schema), items(schema)
    others = compile_distinct(values) if values is not None else None
    each = compile_distinct(elements) if elements is not None else None
    keyed = schema.get(LIST_TYPE) in ("set", "map")
    if not (inner or others or each or keyed):
        return None

    def check(value: Any) -> bool:
        if type(value) is dict:
            for name, item in value.items():
                within = inner.get(name) if name in own else others
                if within is not None and not within(item):
                    return False
        elif type(value) is list:
            if keyed and next(_own(value, schema, ""), None) is not None:
                return False
            if each is not None:
                for item in value:
                    if not each(item):
                        return False
        return True

    return check


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
        yield from _own(value, schema, path)
        for i, item in enumerate(value):
            yield from _walk(item, items(schema), f"{path}[{i}]")


def _own(values: list[Any], schema: Schema, path: str) -> Iterator[FieldError]:
    if schema.get(LIST_TYPE) == "set":
        yield from (duplicate(f"{path}[{i}]", values[i]) for i in _repeated(values))
    elif schema.get(LIST_TYPE) == "map":
        yield from _map(values, schema, path)


def _map(values: list[Any], schema: Schema, path: str) -> Iterator[FieldError]:
    for i, value in enumerate(values):
        if value is not None and not isinstance(value, dict):
            yield invalid_value(f"{path}[{i}]", value, "must be an object for an array of list-type map")
            return
    names: list[str] = schema.get(LIST_MAP_KEYS) or []
    if len(values) < 2:
        return
    keys = [{name: value[name] for name in names if name in value} if value else {} for value in values]
    single = [key.get(names[0], _ABSENT) for key in keys] if len(names) == 1 else keys
    yield from (duplicate(f"{path}[{i}]", keys[i]) for i in _repeated(single))


def _repeated(values: list[Any]) -> list[int]:
    """Where an element stands for the second time; further times are not told."""
    seen: dict[Any, int] = {}
    out = []
    for i, value in enumerate(values):
        if isinstance(value, dict | list):
            key: Any = json_writer.encode(value, orjson.OPT_SORT_KEYS)
        else:
            key = (type(value), value)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 2:
            out.append(i)
    return out
