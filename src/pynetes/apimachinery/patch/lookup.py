"""How strategic merge treats a field: patch strategy and merge key, looked up in the definitions."""

from functools import cache
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apimachinery.schema.definitions import definition, find_definition_name, referred


class Node(Struct, frozen=True):
    """One place in an object: an object's definition (or none: fields nobody knows), a map or a list of them.

    `strategies` and `merge_key` are what the field says about its list or map.
    """

    definition: str = ""
    item: "Node | None" = None
    listed: bool = False
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
        """The node of a field of an object, its name in any case; LookupError in upstream's words if there is none.

        Of maps there is none: merging goes into the fields of structs alone.
        """
        if not self.definition:
            kind = "slice" if self.listed else "map" if self.item else "string"
            raise LookupError(f"merging an object in json but data type is not struct, instead is: {kind}")
        fields = _fields(self.definition)
        if field in fields:
            return fields[field]
        folded = field.casefold()
        for name, node in fields.items():
            if name.casefold() == folded:
                return node
        struct = self.definition.rpartition(".")[2]
        raise LookupError(f"unable to find api field in struct {struct} for the json field {go_quoted(field)}")


@cache
def _fields(name: str) -> dict[str, Node]:
    return {field: _node(schema) for field, schema in (definition(name).get("properties") or {}).items()}


def _node(schema: dict[str, Any]) -> Node:
    strategies = frozenset(filter(None, schema.get("x-kubernetes-patch-strategy", "").split(",")))
    merge_key = schema.get("x-kubernetes-patch-merge-key", "")
    item_schema = schema.get("items") or schema.get("additionalProperties")
    name = referred(schema) or ""
    if item_schema:
        listed = "items" in schema
        return Node(item=_node(item_schema), listed=listed, strategies=strategies, merge_key=merge_key)
    return Node(definition=name, strategies=strategies, merge_key=merge_key)


def node_of(gvk: GroupVersionKind) -> Node | None:
    """Where a patch of this kind begins; None for kinds without a schema, which strategic merge does not know."""
    name = find_definition_name(gvk)
    return Node(definition=name) if name else None
