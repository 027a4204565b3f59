"""Empty lists and maps of a request: told from absent ones while it is judged, and not kept.

Go has them in memory as the client sent them and loses them when it stores the object: a list that is always shown
(`Policy.NULL`) is null then, any other (`Policy.JUDGED`) absent. What is written out before, to webhooks, policies and
managed fields, has the first as `[]` already, and the second not at all.
"""

from functools import cache
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.schema.definitions import find_definition_name
from pynetes.apimachinery.schema.types import Field, fields
from pynetes.apimachinery.schema.zero import Policy

Object = dict[str, Any]


class _Node(Struct):
    """A definition's own fields of that sort, and the fields below which there are more."""

    judged: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    objects: tuple[tuple[str, "_Node"], ...] = ()
    lists: tuple[tuple[str, "_Node"], ...] = ()
    maps: tuple[tuple[str, "_Node"], ...] = ()

    def drop(self, obj: Object, stored: bool) -> None:
        """`stored`: what is always shown becomes null."""
        for name in self.judged:
            if name in obj and not obj[name]:
                del obj[name]
        if stored:
            for name in self.shown:
                if obj.get(name) == []:
                    obj[name] = None
        for name, node in self.objects:
            if value := obj.get(name):
                node.drop(value, stored)
        for name, node in self.lists:
            for each in obj.get(name) or ():
                node.drop(each, stored)
        for name, node in self.maps:
            for each in (obj.get(name) or {}).values():
                node.drop(each, stored)

    def has_judged(self, obj: Object) -> bool:
        for name in self.judged:
            if name in obj and not obj[name]:
                return True
        for name, node in self.objects:
            if (value := obj.get(name)) and node.has_judged(value):
                return True
        for name, node in self.lists:
            for each in obj.get(name) or ():
                if node.has_judged(each):
                    return True
        return any(node.has_judged(each) for name, node in self.maps for each in (obj.get(name) or {}).values())


def settle(obj: Object, kind: GroupVersionKind) -> None:
    """Makes the object what is stored of it."""
    node = _of_kind(kind)
    if node is not None:
        node.drop(obj, stored=True)


def written(obj: Object, kind: GroupVersionKind) -> Object:
    """The object as it is written out before it is stored: itself, or a copy."""
    node = _of_kind(kind)
    if node is None or not node.has_judged(obj):
        return obj
    out: Object = copy(obj)
    node.drop(out, stored=False)
    return out


@cache
def _of_kind(kind: GroupVersionKind) -> _Node | None:
    name = find_definition_name(kind)
    return _of_definition(name, _relevant(name)) if name is not None else None


def _relevant(name: str) -> frozenset[str]:
    """The definitions within one that have such fields, or hold others that have."""
    holders: dict[str, set[str]] = {name: set()}
    own, waiting = [], [name]
    while waiting:
        holder = waiting.pop()
        for field in fields(holder).values():
            if _is_own(field):
                own.append(holder)
            inner = _inner(field)
            if inner:
                if inner not in holders:
                    holders[inner] = set()
                    waiting.append(inner)
                holders[inner].add(holder)
    found: set[str] = set()
    while own:
        each = own.pop()
        if each not in found:
            found.add(each)
            own += holders[each]
    return frozenset(found)


def _is_own(field: Field) -> bool:
    return field.policy is Policy.JUDGED or (field.policy is Policy.NULL and field.type.kind == "list")


def _inner(field: Field) -> str:
    """The definition of what a field holds; empty for scalars and what the schema does not describe."""
    kind = field.type.item or field.type
    return kind.definition


def _of_definition(name: str, relevant: frozenset[str]) -> _Node | None:
    return _grown(name, relevant, {}) if name in relevant else None


def _grown(name: str, relevant: frozenset[str], made: dict[str, _Node]) -> _Node:
    """Definitions that hold themselves are one node."""
    node = made.get(name)
    if node is not None:
        return node
    node = made[name] = _Node()
    own = fields(name).values()
    node.judged = tuple(field.name for field in own if field.policy is Policy.JUDGED)
    node.shown = tuple(field.name for field in own if field.policy is Policy.NULL and field.type.kind == "list")
    inner = [(field, _inner(field)) for field in own]
    node.objects, node.lists, node.maps = (
        tuple(
            (field.name, _grown(held, relevant, made))
            for field, held in inner
            if field.type.kind == shape and held in relevant
        )
        for shape in ("object", "list", "map")
    )
    return node
