"""What differs between two values of a type: which fields came, which went, which hold something else.

Equal subtrees are skipped at C speed, so that the cost is that of the change, not that of the object.
"""

from typing import Any

import orjson
from msgspec import Struct

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.elements import SELF
from pynetes.apimachinery.managedfields.fieldset import LEAF, FieldSet, Node, in_order
from pynetes.apimachinery.managedfields.items import by_element
from pynetes.apimachinery.managedfields.types import ATOMIC, ListType, MapType, Type

_ABSENT: Any = object()


class Comparison(Struct, frozen=True):
    added: FieldSet
    modified: FieldSet
    removed: FieldSet

    @property
    def same(self) -> bool:
        return not (self.added or self.modified or self.removed)

    @property
    def written(self) -> FieldSet:
        return fieldset.union(self.modified, self.added)


def compare(old: dict[str, Any], new: dict[str, Any], kind: Type) -> Comparison:
    """From `old` to `new`. TypedError if items of a list have no identity."""
    changes = _Changes()
    _differ(old, new, kind, changes)
    return Comparison(in_order(changes.added), in_order(changes.modified), in_order(changes.removed))


class _Changes:
    """The three nodes under one element."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self) -> None:
        self.added: Node = {}
        self.modified: Node = {}
        self.removed: Node = {}

    def take(self, element: str, inner: "_Changes") -> None:
        if inner.added:
            self.added[element] = in_order(inner.added)
        if inner.modified:
            self.modified[element] = in_order(inner.modified)
        if inner.removed:
            self.removed[element] = in_order(inner.removed)


def _same(old: Any, new: Any, kind: Type) -> bool:
    if old != new:
        return False
    if kind.loose:  # to Python 1, 1.0 and True are one
        return json_writer.encode(old, orjson.OPT_SORT_KEYS) == json_writer.encode(new, orjson.OPT_SORT_KEYS)
    return True


def _field(element: str, old: Any, new: Any, kind: Type, changes: _Changes) -> None:
    """Two values under one element that are not the same; at least one of them is there."""
    if old is _ABSENT:
        changes.added[element] = LEAF if kind.leaf else whole(new, kind)
    elif new is _ABSENT:
        changes.removed[element] = LEAF if kind.leaf else whole(old, kind)
    elif kind.leaf:
        changes.modified[element] = LEAF
    else:
        inner = _Changes()
        modified = _differ(old, new, kind, inner)
        changes.take(element, inner)
        if modified:
            children = changes.modified.get(element)
            changes.modified[element] = {SELF: LEAF, **children} if children else LEAF


def _differ(old: Any, new: Any, kind: Type, changes: _Changes) -> bool:
    """Fills in what is below two different values; whether the place itself counts as modified."""
    before = kind.facet(old if old is not None else new)
    after = kind.facet(new if new is not None else old)
    modified = _differ_as(before, old, new, kind, changes)
    if after != before:
        modified = _differ_as(after, old, new, kind, changes) or modified
    return modified


def _differ_as(facet: str, old: Any, new: Any, kind: Type, changes: _Changes) -> bool:
    if facet == "scalar":
        return True
    if facet == "map":
        assert kind.map is not None
        mine, theirs = old if isinstance(old, dict) else {}, new if isinstance(new, dict) else {}
        if kind.map.atomic or not (mine or theirs):
            return True
        _maps(mine, theirs, kind.map, changes)
        return False
    assert kind.list is not None
    left, right = old if isinstance(old, list) else [], new if isinstance(new, list) else []
    if kind.list.atomic or not (left or right):
        return True
    _lists(left, right, kind.list, changes)
    return False


def _maps(old: dict[str, Any], new: dict[str, Any], kind: MapType, changes: _Changes) -> None:
    fields, others = kind.fields, kind.item or ATOMIC
    for name, value in new.items():
        before = old.get(name, _ABSENT)
        if before is value:
            continue
        element, inner = fields.get(name) or (f"f:{name}", others)
        if not _same(before, value, inner):
            _field(element, before, value, inner, changes)
    for name, value in old.items():
        if name not in new:
            element, inner = fields.get(name) or (f"f:{name}", others)
            changes.removed[element] = LEAF if inner.leaf else whole(value, inner)


def _lists(old: list[Any], new: list[Any], kind: ListType, changes: _Changes) -> None:
    before, after = by_element(kind, old), by_element(kind, new)
    for element, items in after.items():
        earlier = before.get(element, [])
        if len(items) == 1 and len(earlier) <= 1:
            before_item = earlier[0] if earlier else _ABSENT
            if not _same(before_item, items[0], kind.item):
                _field(element, before_item, items[0], kind.item, changes)
        elif len(items) > 1 and len(earlier) > 1:
            if items != earlier:
                changes.modified[element] = LEAF
        elif len(items) > 1:  # duplicates are owned as one
            if earlier:
                changes.removed[element] = whole(earlier[0], kind.item)
            changes.added[element] = LEAF
        else:
            changes.added[element] = whole(items[0], kind.item)
            changes.removed[element] = LEAF
    for element, items in before.items():
        if element not in after:
            changes.removed[element] = whole(items[0], kind.item) if len(items) == 1 else LEAF


def whole(value: Any, kind: Type) -> Node:
    """The node of a value that came or went altogether: itself and all that is in it."""
    if kind.leaf or not value:
        return LEAF
    facet = kind.only or kind.facet(value)
    if facet == "map":
        assert kind.map is not None
        if kind.map.atomic or not isinstance(value, dict):
            return LEAF
        fields, others = kind.map.fields, kind.map.item or ATOMIC
        node: Node = {SELF: LEAF}
        for name in sorted(value):
            element, inner = fields.get(name) or (f"f:{name}", others)
            node[element] = LEAF if inner.leaf else whole(value[name], inner)
        return node
    if facet == "scalar":
        return LEAF
    assert kind.list is not None
    if kind.list.atomic or not isinstance(value, list):
        return LEAF
    found = by_element(kind.list, value)
    items = {key: whole(same[0], kind.list.item) if len(same) == 1 else LEAF for key, same in found.items()}
    return {SELF: LEAF, **in_order(items)}
