"""How strategic merge treats a field: patch strategy and merge key, looked up in the definitions."""

from functools import cache
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema.definitions import definition, find_definition_name, referred

_PRIMITIVES = ("string", "integer", "number", "boolean")


class Node(Struct, frozen=True):
    """One place in an object: an object's definition (or none: fields nobody knows), a map or a list of them.

    `strategies` and `merge_key` are what the field says about its list or map.
    """

    definition: str = ""
    item: "Node | None" = None
    strategies: frozenset[str] = frozenset()
    merge_key: str = ""

    @property
    def merges(self) -> bool:
        return "merge" in self.strategies

    @property
    def replaces(self) -> bool:
        return "replace" in self.strategies

    @property
    def retains_keys(self) -> bool:
        return "retainKeys" in self.strategies

    def child(self, field: str) -> "Node":
        """The node of a field of an object or of a value of a map."""
        if self.item is not None:
            return self.item
        return _fields(self.definition).get(field, UNKNOWN) if self.definition else UNKNOWN


UNKNOWN = Node()


@cache
def _fields(name: str) -> dict[str, Node]:
    return {field: _node(schema) for field, schema in (definition(name).get("properties") or {}).items()}


def _node(schema: dict[str, Any]) -> Node:
    strategies = frozenset(filter(None, schema.get("x-kubernetes-patch-strategy", "").split(",")))
    merge_key = schema.get("x-kubernetes-patch-merge-key", "")
    item_schema = schema.get("items") or schema.get("additionalProperties")
    name = referred(schema) or ""
    if item_schema:
        return Node(item=_node(item_schema), strategies=strategies, merge_key=merge_key)
    return Node(definition=name, strategies=strategies, merge_key=merge_key)


def node_of(gvk: GroupVersionKind) -> Node | None:
    """Where a patch of this kind begins; None for kinds without a schema, which strategic merge does not know."""
    name = find_definition_name(gvk)
    return Node(definition=name) if name else None
