"""Definitions of custom resources, from their schemas: of the kind and of its list, for either version of OpenAPI."""

from typing import Any

from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.schema import definition
from pynetes.apimachinery.structural.nodes import EMBEDDED, INT_OR_STRING, PRESERVE, Schema, additional, properties
from pynetes.apimachinery.structural.structure import is_structural
from pynetes.apis.resource import Resource

Definitions = dict[str, Schema]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_KINDS = "x-kubernetes-group-version-kind"
_SELECTABLE = "x-kubernetes-selectable-fields"
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_BRANCHES: list[Schema] = [{"type": "integer"}, {"type": "string"}]
_JUNCTORS = ("allOf", "anyOf", "oneOf", "not")


def model_name(group: str, version: str, kind: str) -> str:
    """`com.example.stable.v1.CronTab`."""
    return ".".join([*reversed(group.split(".")), version, kind])


def published(schema: Schema | None) -> Schema | None:
    """The schema as clients may see it: not at all unless it is structural."""
    return schema if schema is not None and is_structural(schema) else None


def definitions(
    resource: Resource, schema: Schema | None, selectable: tuple[str, ...] = (), *, v2: bool
) -> Definitions:
    """By name. `schema` is the kind's in that version, if `published`; `selectable` its selectable fields
    (`spec.color`)."""
    gvk = resource.gvk
    kind_name = model_name(gvk.group, gvk.version, gvk.kind)
    kind = _kind(schema, v2)
    listing = _list(resource, kind_name)
    for made, name in ((kind, gvk.kind), (listing, resource.list_kind)):
        made[_KINDS] = [{"group": gvk.group, "version": gvk.version, "kind": name}]
        if selectable:
            made[_SELECTABLE] = [{"fieldPath": path} for path in selectable]
    return {kind_name: kind, model_name(gvk.group, gvk.version, resource.list_kind): listing}


def _kind(schema: Schema | None, v2: bool) -> Schema:
    if schema is None or (v2 and schema.get(PRESERVE)):
        # With any property, kubectl would take unknown fields for errors.
        return {"type": "object"}
    out: Schema = copy(schema)
    _unfold(out)
    if v2:
        _simplify(out)
    own = out.setdefault("properties", {})
    own["metadata"] = _reference("ObjectMeta", _described("PartialObjectMetadata", "metadata"))
    own |= _type_fields()
    _complete_embedded(out, v2)
    return out


def _list(resource: Resource, kind_name: str) -> Schema:
    items = {
        "type": "array",
        "items": {"$ref": f"#/definitions/{kind_name}"},
        "description": f"List of {resource.plural}. More info: {_CONVENTIONS}",
    }
    return {
        "description": f"{resource.list_kind} is a list of {resource.gvk.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            "items": items,
            "metadata": _reference("ListMeta", _described("PartialObjectMetadataList", "metadata")),
            **_type_fields(),
        },
    }


def _reference(name: str, description: str) -> Schema:
    return {"$ref": f"#/definitions/{_META}{name}", "description": description}


_DESCRIPTIONS = {
    "PartialObjectMetadata": "Standard object's metadata. More info: " + _CONVENTIONS + "#metadata",
    "PartialObjectMetadataList": "Standard list metadata. More info: " + _CONVENTIONS + "#types-kinds",
}


def _described(kind: str, field: str) -> str:
    return _DESCRIPTIONS[kind]


def _type_fields() -> Schema:
    """`apiVersion` and `kind`, as every list of a built-in kind has them."""
    own = definition("io.k8s.api.core.v1.Pod")["properties"]
    return {name: dict(own[name]) for name in ("apiVersion", "kind")}


def _unfold(node: Schema) -> None:
    """Says in standard terms what int-or-string means."""
    if node.get(INT_OR_STRING) and not node.get("type"):
        every: list[Schema] = node.get("allOf") or []
        if node.get("anyOf") is None and not (every and every[0].get("anyOf") == _BRANCHES):
            node["anyOf"] = copy(_BRANCHES)
        elif node.get("anyOf") != _BRANCHES and not (every and every[0].get("anyOf") == _BRANCHES):
            node["allOf"] = [{"anyOf": copy(_BRANCHES)}, *every]
    for child in _structure(node):
        _unfold(child)


def _structure(node: Schema) -> list[Schema]:
    inner = [node.get("items"), additional(node), *properties(node).values()]
    return [child for child in inner if isinstance(child, dict)]


def _simplify(node: Schema) -> None:
    """Leaves out what OpenAPI v2, or kubectl's reading of it, has no notion of."""
    for key in (*_JUNCTORS, "default"):
        node.pop(key, None)
    nullable_fields = {name for name, child in properties(node).items() if child.get("nullable")}
    values = additional(node)
    if nullable_fields and node.get("required"):
        node["required"] = [name for name in node["required"] if name not in nullable_fields]
    if values is not None and values.get("nullable"):
        node.pop("required", None)
    if not node.get("required", True):
        del node["required"]
    if node.pop("nullable", None):
        for key in ("type", "items", "properties"):
            node.pop(key, None)
    if node.get(PRESERVE):
        for key in ("items", "properties"):
            node.pop(key, None)
        if node.get("type") == "object":
            del node["type"]
    if node.get("type") == "array" and "items" not in node:
        del node["type"]
    for child in _structure(node):
        _simplify(child)


def _complete_embedded(node: Schema, v2: bool) -> None:
    for child in _structure(node):
        _complete_embedded(child, v2)
    if not node.get(EMBEDDED) or (v2 and node.get(PRESERVE)):
        return
    own = node.setdefault("properties", {})
    own |= _type_fields()
    own["metadata"] = _reference("ObjectMeta", _described("PartialObjectMetadata", "metadata"))
    required: list[Any] = node.setdefault("required", [])
    required += [name for name in ("kind", "apiVersion") if name not in required]
