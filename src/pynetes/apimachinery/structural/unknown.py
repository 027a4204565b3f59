"""Which fields of an object its schema does not know: the paths that strict field validation names.

Whether there are any is asked first, of compiled closures: most objects have none.
"""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery.structural.nodes import EMBEDDED, META_FIELDS, PRESERVE, Schema, additional, items, properties

#: Whether a dict or list holds known fields only.
Known = Callable[[Any], bool]


def compile_known(schema: Schema) -> Known:
    """For whole objects: False where `unknown_fields` would find some."""
    return _known_object({**schema, EMBEDDED: True}, bool(schema.get(PRESERVE)))


def _known(schema: Schema, keep: bool = False) -> Known:
    keep = keep or bool(schema.get(PRESERVE))
    of_object = _known_object(schema, keep)
    inner = items(schema)
    each = _known(inner, keep) if inner is not None else _empty

    def check(value: Any) -> bool:
        if type(value) is dict:
            return of_object(value)
        if keep and inner is None:
            return True
        return all(each(item) for item in value if type(item) is dict or type(item) is list)

    return check


def _empty(value: Any) -> bool:
    if type(value) is dict:
        return not value
    return all(_empty(item) for item in value if type(item) is dict or type(item) is list)


def _known_object(schema: Schema, keep: bool) -> Known:
    skipped = frozenset(META_FIELDS) if schema.get(EMBEDDED) else frozenset()
    inner = {name: _known(child) for name, child in properties(schema).items() if name not in skipped}
    names = skipped | inner.keys()
    others: Known | None = None
    if "additionalProperties" in schema:
        values = additional(schema)
        others = _known(values) if values is not None else _empty
    closed = not keep and others is None

    def check(obj: dict[str, Any]) -> bool:
        if closed and not obj.keys() <= names:
            return False
        for name, value in obj.items():
            if (type(value) is dict or type(value) is list) and name not in skipped:
                child = inner.get(name, others)
                if child is not None and not child(value):
                    return False
        return True

    return check


def unknown_fields(obj: dict[str, Any], schema: Schema) -> list[str]:
    """`spec.a[0].b`, sorted; the object's own type and metadata are not looked at."""
    found: list[str] = []
    _object(obj, {**schema, EMBEDDED: True}, bool(schema.get(PRESERVE)), "", found)
    return sorted(found)


def _walk(value: Any, schema: Schema | None, keep: bool, path: str, found: list[str]) -> None:
    if isinstance(value, dict):
        if schema is None:
            found += [_join(path, name) for name in value]
        else:
            _object(value, schema, keep or bool(schema.get(PRESERVE)), path, found)
    elif isinstance(value, list):
        inner = items(schema) if schema is not None else None
        keep = schema is not None and (keep or bool(schema.get(PRESERVE)))
        if keep and inner is None:
            return
        for index, item in enumerate(value):
            _walk(item, inner, keep, f"{path}[{index}]", found)


def _object(obj: dict[str, Any], schema: Schema, keep: bool, path: str, found: list[str]) -> None:
    own = properties(schema)
    embedded = schema.get(EMBEDDED)
    for name, value in obj.items():
        if embedded and name in META_FIELDS:
            continue
        if name in own:
            _walk(value, own[name], False, _join(path, name), found)
        elif "additionalProperties" in schema:
            _walk(value, additional(schema), False, _join(path, name), found)
        elif not keep:
            found.append(_join(path, name))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
