"""A definition's fields as compact types: what the Structs are made of and the checker walks over."""

from functools import cache
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from pynetes.apimachinery.schema import zero
from pynetes.apimachinery.schema.definitions import definition, referred
from pynetes.apimachinery.schema.gotypes import type_name
from pynetes.apimachinery.schema.zero import Policy

Kind = Literal[
    "object", "map", "list", "any", "raw",
    "string", "boolean", "int32", "int64", "number",
    "quantity", "time", "micro_time", "bytes", "int_or_string", "schema_or",
]  # fmt: skip

_NAMED: dict[str, tuple[Kind, str]] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ("quantity", "resource.Quantity"),
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": ("time", "v1.Time"),
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": ("micro_time", "v1.MicroTime"),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ("int_or_string", "intstr.IntOrString"),
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": ("raw", "v1.FieldsV1"),
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": ("raw", "v1.Patch"),
    "io.k8s.apimachinery.pkg.runtime.RawExtension": ("raw", "runtime.RawExtension"),
}
_SCHEMA_OR = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOr"
_NAMED |= {f"{_SCHEMA_OR}{other}": ("schema_or", f"v1.JSONSchemaPropsOr{other}") for other in ("Array", "Bool")}
_NAMED[f"{_SCHEMA_OR}StringArray"] = ("schema_or", "v1.JSONSchemaPropsOrStringArray")
_SCALARS: dict[tuple[str, str], tuple[Kind, str]] = {
    ("string", ""): ("string", "string"),
    ("string", "byte"): ("bytes", "[]uint8"),
    ("boolean", ""): ("boolean", "bool"),
    ("integer", "int32"): ("int32", "int32"),
    ("integer", "int64"): ("int64", "int64"),
    ("number", "double"): ("number", "float64"),
}


class Type(Struct, frozen=True):
    """`go` is how upstream's messages call it; `definition` is an object's; `item` a list's or a map's."""

    kind: Kind
    go: str
    definition: str = ""
    item: "Type | None" = None


class Field(Struct, frozen=True):
    name: str
    type: Type
    required: bool
    policy: Policy


ANY = Type("any", "interface {}")


def type_of(schema: dict[str, Any]) -> Type:
    """The type of a property, an item or a whole definition given by reference."""
    name = referred(schema)
    if name is not None:
        return _reference(name)
    kind = schema.get("type", "")
    if kind == "array":
        item = type_of(schema["items"])
        if item.kind == "bytes":  # Go's [][]byte
            return Type("list", "[][]uint8", item=item)
        return Type("list", f"[]{item.go}", item=item)
    if kind == "object":
        if "additionalProperties" not in schema:
            return Type("raw", "map[string]interface {}")
        item = type_of(schema["additionalProperties"])
        return Type("map", f"map[string]{item.go}", item=item)
    scalar = _SCALARS.get((kind, schema.get("format", "")))
    return Type(*scalar) if scalar else ANY


def _named(kind: Type, go: str | None) -> Type:
    """A field's type under Go's name for it."""
    if go is None or kind.kind == "any":
        return kind
    item = kind.item
    if item is not None and "]" in go:
        item = replace(item, go=go.partition("]")[2])
    return replace(kind, go=go, item=item)


@cache
def _reference(name: str) -> Type:
    if name in _NAMED:
        return Type(*_NAMED[name])
    schema = definition(name)
    if "properties" in schema or schema.get("type") == "object":
        return Type("object", go_name(name), definition=name)
    return ANY


def go_name(definition_name: str) -> str:
    """`v1.PodSpec`: how Go prints the type behind a definition."""
    return ".".join(definition_name.rsplit(".", 2)[-2:])


# What a stored object begins with: readers of raw bytes rely on it.
_FIRST = {"apiVersion": 0, "kind": 1, "metadata": 2}


@cache
def fields(definition_name: str) -> dict[str, Field]:
    """The fields of an object by name, in the order in which they are written."""
    schema = definition(definition_name)
    required = frozenset(schema.get("required") or ())
    out = {}
    for name in sorted(schema.get("properties") or {}, key=lambda field: (_FIRST.get(field, 3), field)):
        kind = _named(type_of(schema["properties"][name]), type_name(definition_name, name))
        needed = name in required
        out[name] = Field(name, kind, needed, zero.policy(definition_name, name, kind.kind, needed))
    return out
