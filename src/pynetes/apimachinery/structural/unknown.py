"""Which fields of an object its schema does not know: the paths that strict field validation names."""

from typing import Any

from pynetes.apimachinery.structural.nodes import EMBEDDED, META_FIELDS, PRESERVE, Schema, additional, items, properties


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
