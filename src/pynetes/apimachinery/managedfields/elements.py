"""Path elements: one step from a container to what it holds, spelt as FieldsV1 spells it.

    f:NAME      a field of an object, a key of a map
    k:{…}       the item of a list whose key fields have these values
    v:VALUE     the item of a set that has this value
    i:NUMBER    the item of an atomic list at this index

A spelling is canonical: equal elements are equal texts, so that a field set is a tree of plain dicts. `.` is no
element: it marks that a node of a set with children is a member itself.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.component.memo import remembered

SELF = "."

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED = re.compile("[<>&\u2028\u2029]")
_INDEX = re.compile(r"[+-]?[0-9]+", re.ASCII)


class ElementError(ValueError):
    """A text that is no path element."""


def _json(value: Any) -> str:
    """JSON as the original's encoder writes it: compact, safe for HTML."""
    return html_safe(json_writer.encode(value, orjson.OPT_SORT_KEYS).decode())


def html_safe(text: str) -> str:
    """JSON with the characters escaped that mean something in HTML."""
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], text) if _ESCAPED.search(text) else text


def of_key(fields: Mapping[str, Any]) -> str:
    """The item with these key fields; scalars that are whole numbers have one spelling."""
    return "k:" + _json({name: _whole(value) for name, value in fields.items()})


def of_value(value: Any) -> str:
    return "v:" + _json(_whole(value))


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e21 else value


@remembered(1 << 14)
def canonical(text: str) -> str:
    """The canonical spelling of an element that a client wrote; empty for kinds of elements that nobody knows yet.

    Raises ElementError.
    """
    if len(text) < 2:
        raise ElementError("key must be 2 characters long:")
    if text[1] != ":":
        raise ElementError(f"missing colon: {text}")
    kind, rest = text[0], text[2:]
    if kind == "f":
        return text
    if kind == "i":
        if not _INDEX.fullmatch(rest):
            raise ElementError(f'strconv.Atoi: parsing "{rest}": invalid syntax')
        return f"i:{int(rest)}"
    if kind not in "kv":
        return ""
    try:
        value = orjson.loads(rest)
    except orjson.JSONDecodeError as error:
        raise ElementError(str(error)) from None
    if kind == "v":
        return of_value(value)
    if not isinstance(value, dict):
        raise ElementError("a list item's key must be an object")
    return of_key(value)


@remembered(1 << 14)
def order(element: str) -> tuple[Any, ...]:
    """What elements of one node are sorted by."""
    kind, rest = element[0], element[2:]
    if element == SELF:
        return (0,)
    if kind == "f":
        return (1, rest)
    if kind == "k":
        return (2, tuple((name, _rank(value)) for name, value in orjson.loads(rest).items()))
    if kind == "v":
        return (3, _rank(orjson.loads(rest)))
    return (4, int(rest))


def _rank(value: Any) -> tuple[Any, ...]:
    """A total order over JSON values: numbers, texts, booleans, lists, objects, null."""
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, (int, float)):
        return (0, value)
    if isinstance(value, str):
        return (1, value)
    if isinstance(value, list):
        return (3, tuple(_rank(item) for item in value))
    if isinstance(value, dict):
        return (4, tuple((name, _rank(value[name])) for name in sorted(value)))
    return (5,)


@remembered(1 << 12)
def show(element: str) -> str:
    """As messages write it: `.spec`, `[name="web"]`, `[="a"]`, `[0]`."""
    kind, rest = element[0], element[2:]
    if kind == "f":
        return f".{rest}"
    if kind == "i":
        return f"[{rest}]"
    value = orjson.loads(rest)
    if kind == "v":
        return f"[={_text(value)}]"
    return "[" + ",".join(f"{name}={_text(item)}" for name, item in value.items()) + "]"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "".join(f"{name}={_text(item)}" for name, item in value.items())
    return json_writer.encode(value).decode()


def show_path(path: tuple[str, ...]) -> str:
    return "".join(map(show, path))
