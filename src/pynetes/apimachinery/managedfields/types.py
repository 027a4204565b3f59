"""Types as ownership sees them: what is one leaf, what is merged, and how items of lists are told apart.

A type may be a scalar, a list, a map, or (where a schema does not say) several of these: then the value decides.
Objects are maps with named fields. `schema_types` makes types from OpenAPI; nothing else knows where they come from.
"""

from typing import Any, Literal

ScalarKind = Literal["", "numeric", "string", "boolean", "untyped"]
Facet = Literal["map", "scalar", "list"]

_FACETS: tuple[Facet, ...] = ("map", "scalar", "list")


class MapType:
    """`fields` are those with names of their own (with the element of each); `item` is the type of all others, None
    where there may be no others. An atomic map has one owner."""

    __slots__ = ("atomic", "fields", "item")

    def __init__(self, *, item: "Type | None" = None, atomic: bool = False) -> None:
        self.fields: dict[str, tuple[str, Type]] = {}
        self.item = item
        self.atomic = atomic

    def type_of(self, name: str) -> "Type | None":
        found = self.fields.get(name)
        return found[1] if found else self.item


class ListType:
    """`keys` tell the items of a list of objects apart, with `defaults` for those that are left out; without keys items
    are themselves (a set). An atomic list has one owner."""

    __slots__ = ("atomic", "defaults", "item", "keys")

    def __init__(
        self,
        item: "Type",
        *,
        atomic: bool = True,
        keys: tuple[str, ...] = (),
        defaults: dict[str, Any] | None = None,
    ) -> None:
        self.item = item
        self.atomic = atomic
        self.keys = tuple(sorted(keys))
        self.defaults = defaults or {}


class Type:
    """`only` is the one facet of a type that has no other. Values of a `leaf` have one owner, whatever they are."""

    __slots__ = ("_loose", "leaf", "list", "map", "only", "scalar")

    def __init__(self, scalar: ScalarKind = "", list: ListType | None = None, map: MapType | None = None) -> None:
        self.scalar: ScalarKind = scalar
        self.list = list
        self.map = map
        self.only: Facet | None = None
        self.leaf = False
        self._loose: bool | None = None
        self.settle()

    def settle(self) -> None:
        """To be called after facets have been put in or changed later."""
        facets: list[Facet] = [facet for facet in _FACETS if getattr(self, facet)]
        self.only = facets[0] if len(facets) == 1 else None
        if self.only == "map":
            self.leaf = bool(self.map and self.map.atomic)
        elif self.only == "list":
            self.leaf = bool(self.list and self.list.atomic)
        else:
            self.leaf = self.only == "scalar"

    @property
    def loose(self) -> bool:
        """Whether values may hold some of no certain type: of which 1, 1.0 and true are different ones."""
        if self._loose is None:
            self._loose = _is_loose(self, set())
        return self._loose

    def facet(self, value: Any) -> Facet:
        """Which facet a value is taken for."""
        if self.only is not None:
            return self.only
        if value is not None:
            if isinstance(value, dict):
                if self.map is not None:
                    return "map"
            elif isinstance(value, list):
                if self.list is not None:
                    return "list"
            elif self.scalar:
                return "scalar"
        return "map" if self.map is not None else "scalar" if self.scalar else "list"


def _is_loose(kind: Type, seen: set[int]) -> bool:
    if kind._loose is not None:
        return kind._loose
    if kind.only is None:
        return True
    if id(kind) in seen:
        return False
    seen.add(id(kind))
    if kind.list is not None:
        return _is_loose(kind.list.item, seen)
    if kind.map is None:
        return False
    inner = [found for _, found in kind.map.fields.values()]
    return any(_is_loose(found, seen) for found in (*inner, *((kind.map.item,) if kind.map.item else ())))


UNTYPED = Type("untyped")
NUMERIC = Type("numeric")
STRING = Type("string")
BOOLEAN = Type("boolean")


def _atomic() -> Type:
    made = Type("untyped")
    made.list = ListType(made)
    made.map = MapType(item=made, atomic=True)
    made.settle()
    return made


def _deduced(atomic: Type) -> Type:
    made = Type("untyped")
    made.list = ListType(atomic)
    made.map = MapType(item=made)
    made.settle()
    return made


def _fields() -> Type:
    made = Type(map=MapType(item=DEDUCED))
    made._loose = False
    return made


def _int_or_string() -> Type:
    made = _deduced(ATOMIC)
    made._loose = False
    return made


ATOMIC = _atomic()
"""A value of any shape, owned as a whole."""
DEDUCED = _deduced(ATOMIC)
"""A value without a schema: maps are merged, lists are leaves."""
INT_OR_STRING = _int_or_string()
"""As published it has no type, so that ownership takes any shape; the object's own type refuses all but two."""
FIELDS = _fields()
"""FieldsV1: of any shape, but with nothing in it except objects."""
