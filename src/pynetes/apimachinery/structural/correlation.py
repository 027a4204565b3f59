"""Which old value a new one stands for: fields by name, items of map lists by their keys, nothing else."""

from typing import Any

from pynetes.apimachinery.structural.nodes import (
    LIST_MAP_KEYS,
    LIST_TYPE,
    Schema,
    additional,
    items,
    properties,
    same,
)

_UNKNOWN: Any = object()


class Correlated:
    """A value and what it was before. None in its place means that there is nothing to compare with."""

    __slots__ = ("_children", "_equal", "_keyed", "old", "schema", "value")

    def __init__(self, value: Any, old: Any, schema: Schema) -> None:
        self.value = value
        self.old = old
        self.schema = schema
        self._equal: bool | None = None
        self._keyed: dict[tuple[Any, ...], Any] | None = None
        self._children: dict[str | int, Correlated | None] = {}

    def key(self, name: str) -> "Correlated | None":
        if name not in self._children:
            self._children[name] = self._by_name(name)
        return self._children[name]

    def index(self, index: int) -> "Correlated | None":
        if index not in self._children:
            self._children[index] = self._by_index(index)
        return self._children[index]

    def _by_name(self, name: str) -> "Correlated | None":
        if not isinstance(self.value, dict) or not isinstance(self.old, dict):
            return None
        if name not in self.value or name not in self.old:
            return None
        child = properties(self.schema).get(name)
        if child is None:
            child = additional(self.schema)
        return None if child is None else Correlated(self.value[name], self.old[name], child)

    def _by_index(self, index: int) -> "Correlated | None":
        inner = items(self.schema)
        if inner is None or not isinstance(self.value, list) or not isinstance(self.old, list):
            return None
        if self.schema.get(LIST_TYPE) != "map" or index >= len(self.value):
            return None
        if self._keyed is None:
            self._keyed = keyed(self.old, self.schema)
        key = item_key(self.value[index], self.schema)
        old = self._keyed.get(key, _UNKNOWN) if key is not None else _UNKNOWN
        return None if old is _UNKNOWN else Correlated(self.value[index], old, inner)

    @property
    def unchanged(self) -> bool:
        """Items of map lists may have changed places; a field that the schema does not know counts as a change."""
        if self._equal is None:
            self._equal = self._compare()
        return self._equal

    def _compare(self) -> bool:
        value, old = self.value, self.old
        if isinstance(value, dict) and isinstance(old, dict):
            return len(value) == len(old) and all(_unchanged(self.key(name)) for name in value)
        if isinstance(value, list) and isinstance(old, list):
            if self.schema.get(LIST_TYPE) != "map":
                return same(value, old)
            return len(value) == len(old) and all(_unchanged(self.index(i)) for i in range(len(value)))
        return same(value, old)


def _unchanged(child: Correlated | None) -> bool:
    return child is not None and child.unchanged


def keyed(values: list[Any], schema: Schema) -> dict[tuple[Any, ...], Any]:
    """The items of a map list by their keys; the first counts where two have the same."""
    out: dict[tuple[Any, ...], Any] = {}
    for value in values:
        key = item_key(value, schema)
        if key is not None:
            out.setdefault(key, value)
    return out


def item_key(value: Any, schema: Schema) -> tuple[Any, ...] | None:
    """None for what has no key."""
    if not isinstance(value, dict):
        return None
    out = []
    for name in schema.get(LIST_MAP_KEYS) or ():
        part = value.get(name)
        if isinstance(part, dict | list):
            return None
        out.append((type(part), part))
    return tuple(out)
