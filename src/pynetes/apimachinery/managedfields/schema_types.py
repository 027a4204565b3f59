"""Types from OpenAPI: those of built-in kinds, and those that a CustomResourceDefinition's schema describes."""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields.types import (
    ATOMIC,
    BOOLEAN,
    DEDUCED,
    FIELDS,
    INT_OR_STRING,
    NUMERIC,
    STRING,
    UNTYPED,
    ListType,
    MapType,
    Type,
)
from pynetes.apimachinery.schema.definitions import definition, find_definition_name, referred

Schema = dict[str, Any]

_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_NAMED = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": UNTYPED,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": INT_OR_STRING,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": ATOMIC,
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": FIELDS,
}
_ZERO: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}
#: Defaults of key fields that the published definitions leave out. Required ones default to their zero value.
_KEY_DEFAULTS = {
    ("io.k8s.api.core.v1.ContainerPort", "protocol"): "TCP",
    ("io.k8s.api.core.v1.ServicePort", "protocol"): "TCP",
    ("io.k8s.api.core.v1.LocalObjectReference", "name"): "",
}


class SchemaError(ValueError):
    """A schema that says things of ownership that make no sense."""


class _Reader:
    """Reads one document; `named` gives the type behind a reference, `key_default` that of a list's key field."""

    def __init__(self, named: Callable[[str], Type], key_default: Callable[[Schema, str], Any]) -> None:
        self._named = named
        self._key_default = key_default

    def type_of(self, schema: Schema, preserve: bool = False) -> Type:
        name = referred(schema)
        if name is None:
            return self.inline(schema, preserve)
        found = self._named(name)
        atomic = map_atomic(schema)
        if atomic is None or found.map is None or found.map.atomic == atomic:
            return found
        made = MapType(item=found.map.item, atomic=atomic)
        made.fields = found.map.fields  # shared: they may not be known yet
        return Type(map=made)

    def inline(self, schema: Schema, preserve: bool) -> Type:
        preserve = preserve or schema.get("x-kubernetes-preserve-unknown-fields") is True
        kind = schema.get("type", "")
        if kind == "object":
            return Type(map=self.map_of(schema, MapType(), preserve))
        if kind == "array":
            return Type(list=self.list_of(schema, preserve))
        if kind in ("integer", "number"):
            return NUMERIC
        if kind == "boolean":
            return BOOLEAN
        if kind == "string":
            return STRING if schema.get("format", "") in ("", "byte") else UNTYPED
        if kind:
            raise SchemaError(f"unrecognized type: '{kind}'")
        return Type("untyped", self.list_of(schema, preserve), self.map_of(schema, MapType(), preserve))

    def map_of(self, schema: Schema, into: MapType, preserve: bool) -> MapType:
        into.atomic = map_atomic(schema) or False
        properties = schema.get("properties") or {}
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            into.item = self.type_of(others, preserve)
        elif others is True or (others is None and (preserve or not properties)):
            into.item = DEDUCED
        for name, inner in properties.items():
            into.fields[name] = (f"f:{name}", self.type_of(inner, preserve))
        return into

    def list_of(self, schema: Schema, preserve: bool) -> ListType:
        items = schema.get("items")
        item = self.type_of(items, preserve) if isinstance(items, dict) else ATOMIC
        atomic, keys = list_relation(schema)
        defaults = {}
        for key in keys:
            default = self._key_default(items or {}, key)
            if default is not None:
                defaults[key] = default
        return ListType(item, atomic=atomic, keys=keys, defaults=defaults)


def map_atomic(schema: Schema) -> bool | None:
    """None if the schema does not say."""
    stated = schema.get("x-kubernetes-map-type")
    if stated is None:
        return None
    if stated not in ("atomic", "granular"):
        raise SchemaError(f"unknown map type {stated}")
    return bool(stated == "atomic")


def list_relation(schema: Schema) -> tuple[bool, tuple[str, ...]]:
    """(atomic, keys) of a list; lists of which nothing is said are atomic."""
    stated = schema.get("x-kubernetes-list-type")
    if stated == "atomic":
        return True, ()
    if stated == "set":
        return False, ()
    if stated == "map":
        keys = schema.get("x-kubernetes-list-map-keys")
        if not keys:
            raise SchemaError("missing map keys")
        return False, tuple(keys)
    if stated is not None:
        raise SchemaError(f"unknown list type {stated}")
    strategies = (schema.get("x-kubernetes-patch-strategy") or "").split(",")
    if "merge" not in strategies:
        return True, ()
    key = schema.get("x-kubernetes-patch-merge-key")
    return False, (key,) if key else ()


# --- built-in kinds


def _definition_key_default(items: Schema, key: str) -> Any:
    name = referred(items) or ""
    if (name, key) in _KEY_DEFAULTS:
        return _KEY_DEFAULTS[name, key]
    owner = definition(name) if name else items
    field = (owner.get("properties") or {}).get(key) or {}
    if "default" in field:
        return field["default"]
    return _ZERO.get(field.get("type", "")) if key in (owner.get("required") or ()) else None


_types: dict[str, Type] = dict(_NAMED)


def named(name: str) -> Type:
    """The type of a definition; KeyError if there is none. Definitions may hold themselves."""
    found = _types.get(name)
    if found is not None:
        return found
    schema = definition(name)
    if schema.get("type") != "object":
        made = _DEFINITIONS.inline(schema, False)
        _types[name] = made
        return made
    into = MapType()
    made = _types[name] = Type(map=into)
    _DEFINITIONS.map_of(schema, into, False)
    made.settle()
    return made


_DEFINITIONS = _Reader(named, _definition_key_default)


def of_kind(gvk: GroupVersionKind) -> Type | None:
    """The type of a built-in kind; None for others."""
    name = find_definition_name(gvk)
    return named(name) if name else None


# --- custom resources


def _schema_key_default(items: Schema, key: str) -> Any:
    return ((items.get("properties") or {}).get(key) or {}).get("default")


def of_custom_resource(schema: Schema | None) -> Type:
    """The type of a custom resource from its structural schema (`openAPIV3Schema`); without one it is deduced.

    SchemaError for lists and maps whose extensions make no sense.
    """
    if schema is None:
        return DEDUCED
    into = MapType()
    _CUSTOM.map_of(_with_type({**schema, "type": "object"}), into, _preserves(schema))
    into.atomic = False  # the object itself has no owner
    return Type(map=into)


class _CustomReader(_Reader):
    """Embedded resources are objects with type and metadata too."""

    def inline(self, schema: Schema, preserve: bool) -> Type:
        if schema.get("x-kubernetes-embedded-resource"):
            schema = _with_type(schema)
        return super().inline(schema, preserve)


_CUSTOM = _CustomReader(named, _schema_key_default)


def _preserves(schema: Schema) -> bool:
    return schema.get("x-kubernetes-preserve-unknown-fields") is True


def _with_type(schema: Schema) -> Schema:
    text = {"type": "string"}
    meta = {"$ref": f"#/definitions/{_OBJECT_META}"}
    return {
        **schema,
        "properties": {**(schema.get("properties") or {}), "apiVersion": text, "kind": text, "metadata": meta},
    }
