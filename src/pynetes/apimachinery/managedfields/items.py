"""How the items of a list are told apart."""

from functools import lru_cache
from typing import Any

import orjson

from pynetes.apimachinery.managedfields.elements import of_key, of_value
from pynetes.apimachinery.managedfields.types import ListType


class TypedError(ValueError):
    """A value that is not of its type. `problems` are (path, what is wrong) pairs."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        texts = [f"{path}: {what}" if path else what for path, what in problems]
        super().__init__(texts[0] if len(texts) == 1 else "errors:\n" + "\n".join(f"  {text}" for text in texts))


class ItemError(ValueError):
    """An item that has no identity."""


def element_of(kind: ListType, item: Any) -> str:
    """The path element of an item; ItemError if it has none."""
    if not kind.keys:
        return _of_set(item)
    if len(kind.keys) == 1 and isinstance(item, dict):
        value = item.get(kind.keys[0])
        if isinstance(value, str):
            return _of_one_key(kind.keys[0], value)
    if not isinstance(item, dict):
        what = "a null element" if item is None else "non-map elements"
        raise ItemError(f"associative list with keys may not have {what}")
    found = {}
    for key in kind.keys:
        if key in item:
            found[key] = item[key]
        elif key in kind.defaults:
            found[key] = kind.defaults[key]
    if not found:
        keys = " ".join(orjson.dumps(key).decode() for key in kind.keys)
        raise ItemError(
            f"associative list with keys has an element that omits all key fields [{keys}] "
            "(and doesn't have default values for any key fields)"
        )
    return of_key(found)


@lru_cache(1 << 13)
def _of_one_key(key: str, value: str) -> str:
    return of_key({key: value})


def _of_set(item: Any) -> str:
    if isinstance(item, dict):
        raise ItemError("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise ItemError("not supported: associative list with lists as elements")
    if item is None:
        raise ItemError("associative list without keys has an element that's an explicit null")
    return of_value(item)


def by_element(kind: ListType, items: list[Any]) -> dict[str, list[Any]]:
    """The items by what tells them apart, duplicates together. TypedError for an item without identity."""
    out: dict[str, list[Any]] = {}
    for index, item in enumerate(items):
        try:
            element = element_of(kind, item)
        except ItemError as error:
            raise TypedError([("", f"element {index}: {error}")]) from None
        out.setdefault(element, []).append(item)
    return out
