"""The fields that a value states, and sets brought in line with a type."""

from functools import lru_cache
from typing import Any

import orjson

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.managedfields.elements import SELF
from pynetes.apimachinery.managedfields.fieldset import EMPTY, LEAF, FieldSet, Node, in_order
from pynetes.apimachinery.managedfields.items import by_element
from pynetes.apimachinery.managedfields.types import DEDUCED, MapType, Type


def fields_of(value: dict[str, Any], kind: Type) -> FieldSet:
    """What an applied configuration claims: its leaves, the keys of its maps, the items of its lists."""
    node, _ = _node(value, kind)
    return node or EMPTY


def _node(value: Any, kind: Type) -> tuple[Node | None, bool]:
    """(children, leaf): whether the value itself is claimed as one."""
    facet = kind.facet(value)
    if facet == "scalar":
        return None, True
    if facet == "map":
        assert kind.map is not None
        if kind.map.atomic:
            return None, True
        return (_map(value, kind.map), False) if isinstance(value, dict) else (None, False)
    assert kind.list is not None
    if kind.list.atomic:
        return None, True
    if not isinstance(value, list):
        return None, False
    out: Node = {}
    for element, items in by_element(kind.list, value).items():
        children = _node(items[0], kind.list.item)[0] if len(items) == 1 else None
        out[element] = {SELF: LEAF, **children} if children else LEAF
    return in_order(out) or None, False


def _map(value: dict[str, Any], kind: MapType) -> Node | None:
    out: Node = {}
    for name in sorted(value):
        item = value[name]
        declared = kind.fields.get(name)
        element, inner = declared or (f"f:{name}", kind.item or DEDUCED)
        if inner.leaf:
            out[element] = LEAF
            continue
        children, leaf = _node(item, inner)
        member = leaf or declared is None or item is None or item == {}
        if member:
            out[element] = {SELF: LEAF, **children} if children else LEAF
        elif children:
            out[element] = children
    return out or None


def with_named_fields(a: FieldSet, kind: Type | None) -> FieldSet:
    """The set with every named field that holds a member made a member too (keys of maps and items are not)."""
    out: Node = {}
    for element, node in a.items():
        if element == SELF or not node:
            out[element] = node
            continue
        inner, declared = _child(element, kind)
        children = with_named_fields(node, inner)
        out[element] = {SELF: LEAF, **children} if declared and SELF not in children else children
    return out


def _child(element: str, kind: Type | None) -> tuple[Type | None, bool]:
    """(type, whether it is a named field)."""
    if kind is None:
        return None, False
    if element.startswith("f:") and kind.map is not None:
        name = element[2:]
        return kind.map.type_of(name), name in kind.map.fields
    if element.startswith("k:") and kind.list is not None:
        return kind.list.item, False
    return None, False


def reconcile(a: FieldSet, kind: Type) -> FieldSet:
    """The set as it is under the type of today: whoever owned something in what has become atomic owns the whole.

    The same object if nothing changes.
    """
    return a if _in_line(json_writer.encode(a), kind) else _reconcile(a, kind, root=True)


@lru_cache(1 << 11)
def _in_line(text: bytes, kind: Type) -> bool:
    """Remembered, since all objects that one controller makes have the same sets, and almost all are in line."""
    a = orjson.loads(text)
    return _reconcile(a, kind, root=True) is a


def _reconcile(a: Node, kind: Type, *, root: bool = False) -> Node:
    if kind is DEDUCED:
        return a
    if kind.map is not None:
        return LEAF if kind.map.atomic and not root else _reconcile_map(a, kind.map)
    if kind.list is not None:
        return LEAF if kind.list.atomic and not root else _reconcile_children(a, kind.list.item)
    return a


def _reconcile_map(a: Node, kind: MapType) -> Node:
    changed: Node | None = None
    for element, node in a.items():
        if not node or element == SELF:
            continue
        inner = kind.type_of(element[2:]) if element.startswith("f:") else kind.item
        after = _reconcile(node, inner) if inner is not None else node
        if after is not node:
            changed = dict(a) if changed is None else changed
            changed[element] = after
    return a if changed is None else changed


def _reconcile_children(a: Node, kind: Type) -> Node:
    changed: Node | None = None
    for element, node in a.items():
        if node and element != SELF:
            after = _reconcile(node, kind)
            if after is not node:
                changed = dict(a) if changed is None else changed
                changed[element] = after
    return a if changed is None else changed
