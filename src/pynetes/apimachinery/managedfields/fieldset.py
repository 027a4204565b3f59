"""Sets of fields, as trees in the very form of FieldsV1.

A set is a dict from path elements to nodes, in the elements' order. A node is a dict of its own: `{}` is a member
without children, `{".": {}, …}` a member with children, `{…}` no member but with children that are. So what the wire
carries is the set itself: nothing is decoded or encoded on the way from one update to the next, and sets share the
subtrees that they have in common. Nothing here changes its arguments; whoever holds a set must not either.
"""

from collections.abc import Iterator
from typing import Any

from pynetes.apimachinery.managedfields.elements import SELF, canonical, order

FieldSet = dict[str, Any]
Node = dict[str, Any]
Path = tuple[str, ...]

EMPTY: FieldSet = {}
LEAF: Node = {}


def is_member(node: Node) -> bool:
    return not node or SELF in node


def of_paths(*paths: Path) -> FieldSet:
    out: FieldSet = {}
    for path in paths:
        out = union(out, _chain(path))
    return out


def fields(*names: str) -> FieldSet:
    """Fields by name, nested ones with dots: `fields("status", "metadata.labels")`."""
    return of_paths(*(tuple(f"f:{part}" for part in name.split(".")) for name in names))


def _chain(path: Path) -> FieldSet:
    node: Node = LEAF
    for element in reversed(path):
        node = {element: node}
    return node


def in_order(node: Node) -> Node:
    """The same node with its elements sorted."""
    if len(node) < 2:
        return node
    ordered = sorted(node, key=order)
    return node if ordered == list(node) else {element: node[element] for element in ordered}


def parse(raw: Any) -> FieldSet:
    """A set from FieldsV1 that a client wrote. ValueError if it is none."""
    if raw is None:
        return EMPTY
    if not isinstance(raw, dict):
        raise ValueError("error decoding set: an object is expected")
    node, _ = _parse(raw)
    return node or EMPTY


def _parse(raw: Any) -> tuple[Node | None, bool]:
    """(children, member): None for no children."""
    if raw is not None and not isinstance(raw, dict):
        raise ValueError("error decoding set: an object is expected")
    out: Node = {}
    member = False
    for text, inner in (raw or {}).items():
        if text == SELF:
            member = True
            continue
        element = canonical(text)
        if not element:
            continue
        children, belongs = _parse(inner)
        node = LEAF if children is None else {SELF: LEAF, **children} if belongs else children
        out[element] = _join(out[element], node) if element in out else node
    return (in_order(out), member) if out else (None, True)


def union(a: FieldSet, b: FieldSet) -> FieldSet:
    if not a:
        return b
    return _join(a, b) if b else a


def _join(a: Node, b: Node) -> Node:
    if a is b:
        return a
    if not a or not b:
        full = a or b
        return full if not full or SELF in full else {SELF: LEAF, **full}
    out = dict(a)
    grown = False
    for element, theirs in b.items():
        mine = out.get(element)
        if mine is None:
            out[element] = theirs
            grown = True
        elif mine is not theirs:
            out[element] = _join(mine, theirs)
    return in_order(out) if grown else out


def intersection(a: FieldSet, b: FieldSet) -> FieldSet:
    """Members of both."""
    return _common(a, b) if a and b else EMPTY


def _common(a: Node, b: Node) -> Node:
    out: Node = {}
    if len(b) < len(a):
        a, b = b, a
    for element, mine in a.items():
        theirs = b.get(element)
        if theirs is None or element == SELF:
            continue
        both = (not mine or SELF in mine) and (not theirs or SELF in theirs)
        children = _common(mine, theirs) if mine and theirs else None
        if children:
            out[element] = {SELF: LEAF, **children} if both else children
        elif both:
            out[element] = LEAF
    return out


def difference(a: FieldSet, b: FieldSet) -> FieldSet:
    """Members of `a` that are not members of `b`; children of what `b` holds stay."""
    return _without(a, b, whole=False) if a and b else a


def recursive_difference(a: FieldSet, b: FieldSet) -> FieldSet:
    """The same without the children of what `b` holds."""
    return _without(a, b, whole=True) if a and b else a


def _without(a: Node, b: Node, *, whole: bool) -> Node:
    out: Node = {}
    for element, mine in a.items():
        if element == SELF:
            continue
        theirs = b.get(element)
        if theirs is None:
            out[element] = mine
            continue
        gone = not theirs or SELF in theirs
        if gone and whole:
            continue
        stays = (not mine or SELF in mine) and not gone
        children = _without(mine, theirs, whole=whole) if mine else None
        if children:
            out[element] = {SELF: LEAF, **children} if stays else children
        elif stays:
            out[element] = LEAF
    return out


def has(a: FieldSet, path: Path) -> bool:
    node: Node | None = a
    for element in path:
        if not node:
            return False
        node = node.get(element)
    return bool(path) and node is not None and is_member(node)


def paths(a: FieldSet, prefix: Path = ()) -> Iterator[Path]:
    """Every member: those of a node before those below it."""
    for element, node in a.items():
        if element != SELF and is_member(node):
            yield (*prefix, element)
    for element, node in a.items():
        if element != SELF and node:
            yield from paths(node, (*prefix, element))
