"""Merging an applied configuration into an object, and taking fields out of one."""

from typing import Any

from pynetes.apimachinery.managedfields.elements import SELF
from pynetes.apimachinery.managedfields.fieldset import FieldSet, is_member
from pynetes.apimachinery.managedfields.items import TypedError, by_element, element_of
from pynetes.apimachinery.managedfields.types import ATOMIC, ListType, MapType, Type

_ABSENT: Any = object()


def merge(live: dict[str, Any], config: dict[str, Any], kind: Type) -> dict[str, Any]:
    """The object with the configuration's values. Neither argument changes; the result shares parts with both.

    Items of lists keep their places as far as the configuration's order allows. TypedError for items without identity.
    """
    merged = _merge(live, config, kind)
    return merged if isinstance(merged, dict) else {}


def _merge(live: Any, config: Any, kind: Type) -> Any:
    if config is _ABSENT:
        return live
    if live is _ABSENT:
        return config
    if live == config and not kind.loose:  # most of what is applied again, and told at C speed
        return live
    facet = kind.facet(config if config is not None else live)
    if facet == "map":
        assert kind.map is not None
        mine, theirs = live if isinstance(live, dict) else {}, config if isinstance(config, dict) else {}
        if kind.map.atomic or not (mine or theirs):
            return config
        return _merge_maps(mine, theirs, kind.map)
    if facet == "list":
        assert kind.list is not None
        left, right = live if isinstance(live, list) else [], config if isinstance(config, list) else []
        if kind.list.atomic or not (left or right):
            return config
        return _merge_lists(left, right, kind.list)
    return config


def _merge_maps(live: dict[str, Any], config: dict[str, Any], kind: MapType) -> dict[str, Any]:
    out = dict(live)
    for name, value in config.items():
        out[name] = _merge(live.get(name, _ABSENT), value, kind.type_of(name) or ATOMIC)
    return out


def _merge_lists(live: list[Any], config: list[Any], kind: ListType) -> list[Any]:
    wanted = by_element(kind, config)
    if len(wanted) != len(config):
        element = next(element for element, items in wanted.items() if len(items) > 1)
        raise TypedError([("", f"duplicate entries for key {element}")])
    present = by_element(kind, live)
    own = [element_of(kind, item) for item in live]
    out: list[Any] = []
    for element, index in interleave(own, list(wanted)):
        if element not in wanted:
            out.append(live[index])
            continue
        same = present.get(element) or [_ABSENT]
        # Duplicates are not merged with what replaces them all.
        out.append(_merge(same[0] if len(same) == 1 else None, wanted[element][0], kind.item))
    return out


def interleave(left: list[str], right: list[str]) -> list[tuple[str, int]]:
    """The merged order of two lists' elements, each with its index in `left` if it is only there (else -1).

    `right` gives the order of what it holds; what is only on the left stays before the shared element that it stood
    before. Elements of `right` are unique.
    """
    known, wanted = set(left), set(right)
    out: list[tuple[str, int]] = []
    done: set[str] = set()
    i = j = 0
    while i < len(left) or j < len(right):
        mine = left[i] if i < len(left) else None
        if mine is not None and mine not in wanted:
            out.append((mine, i))
            i += 1
        elif j == len(right):
            i += 1
        elif mine is not None and mine != right[j] and _awaits_other(mine, right, j, known):
            i += 1  # shared, but its place is elsewhere
        else:
            out.append((right[j], -1))
            done.add(right[j])
            j += 1
            if mine is not None and mine in done:
                i += 1
    return out


def _awaits_other(mine: str, right: list[str], j: int, known: set[str]) -> bool:
    """Whether the next shared element of the right is another one."""
    coming = next((element for element in right[j:] if element in known), None)
    return coming is not None and coming != mine


def remove(value: dict[str, Any], fields: FieldSet, kind: Type) -> dict[str, Any]:
    """The value without the fields of a set. What becomes empty by it stays, as an empty map or list."""
    if not fields or not value:
        return value
    left = _remove(value, fields, kind)
    return left if isinstance(left, dict) else {}


def _remove(value: Any, fields: FieldSet, kind: Type) -> Any:
    """None for what an atomic value leaves."""
    facet = kind.facet(value)
    if facet == "map":
        assert kind.map is not None
        if not isinstance(value, dict) or not value or kind.map.atomic:
            return None
        return _remove_from_map(value, fields, kind.map)
    if facet == "list":
        assert kind.list is not None
        if not isinstance(value, list) or not value or kind.list.atomic:
            return None
        return _remove_from_list(value, fields, kind.list)
    return value


def _remove_from_map(value: dict[str, Any], fields: FieldSet, kind: MapType) -> Any:
    out: dict[str, Any] = {}
    matched = False
    for name, item in value.items():
        node = fields.get(f"f:{name}")
        if node is not None and is_member(node):
            continue
        if node:
            matched = True
            item = _kept(item, node, kind.type_of(name) or ATOMIC)
        out[name] = item
    return out if out or matched else None


def _remove_from_list(value: list[Any], fields: FieldSet, kind: ListType) -> Any:
    out: list[Any] = []
    matched = False
    for item in value:
        node = fields.get(element_of(kind, item))
        if node is not None and is_member(node):
            continue
        if node:
            matched = True
            item = _kept(item, node, kind.item)
        out.append(item)
    return out if out or matched else None


def _kept(item: Any, node: FieldSet, kind: Type) -> Any:
    """What is left of an item of which something below goes."""
    children = {element: inner for element, inner in node.items() if element != SELF}
    left = _remove(item, children, kind)
    if left is None and isinstance(item, dict):
        return {}
    if left is None and isinstance(item, list):
        return []
    return left
