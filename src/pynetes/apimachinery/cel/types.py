"""CEL's types: kinds, names, parameters, and how the original writes them.

A `Type` is what the checker reasons with; a `DeclType` says more about a type that was declared by a schema: its
fields, how many elements it can have, how few bytes of JSON it takes. Costs are estimated from that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field


class Type(Struct, frozen=True):
    """`kind` decides what may be done with a value; `name` is what `type(x)` shows at run time."""

    kind: str
    name: str
    params: tuple["Type", ...] = ()

    def __str__(self) -> str:
        """The form of error messages: `list(int)`, `map(string, dyn)`, `timestamp`."""
        if self.kind in _SHORT:
            return _SHORT[self.kind]
        if not self.params:
            return self.name
        return f"{self.name}({', '.join(map(str, self.params))})"


_SHORT = {"any": "any", "duration": "duration", "error": "!error!", "null": "null", "timestamp": "timestamp"}

ANY = Type("any", "google.protobuf.Any")
BOOL = Type("bool", "bool")
BYTES = Type("bytes", "bytes")
DOUBLE = Type("double", "double")
DURATION = Type("duration", "google.protobuf.Duration")
DYN = Type("dyn", "dyn")
ERROR = Type("error", "error")
INT = Type("int", "int")
NULL = Type("null", "null_type")
STRING = Type("string", "string")
TIMESTAMP = Type("timestamp", "google.protobuf.Timestamp")
TYPE = Type("type", "type")
UINT = Type("uint", "uint")

#: Types whose values can be ordered.
COMPARABLE = (INT, UINT, DOUBLE, BOOL, DURATION, TIMESTAMP, STRING, BYTES)


def list_of(element: Type) -> Type:
    return Type("list", "list", (element,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", "map", (key, value))


def optional_of(value: Type) -> Type:
    return Type("opaque", "optional_type", (value,))


def opaque(name: str, *params: Type) -> Type:
    return Type("opaque", name, params)


def object_type(name: str) -> Type:
    return Type("struct", name)


def type_param(name: str) -> Type:
    return Type("param", name)


def type_of_type(of: Type) -> Type:
    return Type("type", "type", (of,))


def is_optional(t: Type) -> bool:
    return t.kind == "opaque" and t.name == "optional_type"


def is_dyn(t: Type) -> bool:
    return t.kind in ("dyn", "any")


#: No bound is known.
UNBOUNDED = 2**63 - 1


class Field(Struct):
    """`json_name` is the key in the object; the name that expressions use is the escaped one."""

    json_name: str
    type: "DeclType"
    required: bool = False


class DeclType(Struct, eq=False):
    """A type with what is known beyond CEL's: one of `fields` (an object), `element` with or without `key`, or neither.

    `max_elements` counts characters, items or properties; 0 says that no bound was declared. `min_size` is the fewest
    bytes that a value takes as JSON.
    """

    type: Type
    min_size: int = 1
    max_elements: int = 0
    fields: Mapping[str, Field] | None = None
    key: "DeclType | None" = None
    element: "DeclType | None" = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_list(self) -> bool:
        return self.key is None and self.element is not None

    def named(self, name: str) -> "DeclType":
        """The same with every object's type named after its place, beginning with `name`, as the checker needs it."""
        if self.fields is not None:
            if self.type.name != "object":
                name = self.type.name
            fields = {
                key: Field(each.json_name, each.type.named(f"{name}.{key}"), each.required)
                for key, each in self.fields.items()
            }
            return DeclType(object_type(name), self.min_size, fields=fields, extra=self.extra)
        if self.element is None:
            return self
        if self.key is not None:
            return map_decl(self.key, self.element.named(f"{name}.@elem"), self.max_elements)
        return list_decl(self.element.named(f"{name}.@idx"), self.max_elements)

    def objects(self) -> Iterator["DeclType"]:
        """Every object type in it, itself included."""
        if self.fields is not None:
            yield self
            for each in self.fields.values():
                yield from each.type.objects()
        elif self.element is not None:
            yield from self.element.objects()


def list_decl(element: DeclType, max_items: int = UNBOUNDED) -> DeclType:
    return DeclType(list_of(element.type), 2, max_items, element=element)


def map_decl(key: DeclType, element: DeclType, max_properties: int = UNBOUNDED) -> DeclType:
    return DeclType(map_of(key.type, element.type), 2, max_properties, key=key, element=element)


def object_decl(name: str, fields: Mapping[str, Field], min_size: int = 2) -> DeclType:
    return DeclType(object_type(name), min_size, fields=fields)


BOOL_DECL = DeclType(BOOL, 4)
DOUBLE_DECL = DeclType(DOUBLE, 1)
DYN_DECL = DeclType(DYN, 1)
INT_DECL = DeclType(INT, 1)
STRING_DECL = DeclType(STRING, 2)
TIMESTAMP_DECL = DeclType(TIMESTAMP, 12)


def fields_of(**types: DeclType) -> dict[str, Field]:
    """Fields whose names need no escape."""
    return {name: Field(name, each) for name, each in types.items()}
