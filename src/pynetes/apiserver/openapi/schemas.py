"""Definitions for a document: the ones that its operations need, in the form that the document's version wants."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from pynetes.apimachinery.schema import all_definitions
from pynetes.apimachinery.schema.definitions import REFERENCE_PREFIX
from pynetes.apiserver.openapi.defaults import defaults_of
from pynetes.apiserver.openapi.enums import described

Schemas = Mapping[str, dict[str, Any]]

_KINDS = "x-kubernetes-group-version-kind"
_V3_PREFIX = "#/components/schemas/"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_TWO_FORMS: dict[str, dict[str, Any]] = {
    _QUANTITY: {"oneOf": [{"type": "string"}, {"type": "number"}]},
    _INT_OR_STRING: {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
}


def lookup(name: str, extra: Schemas) -> dict[str, Any]:
    built_in = all_definitions().get(name)
    return extra[name] if built_in is None else described(name, built_in)


def needed(names: Iterable[str], extra: Schemas) -> list[str]:
    """The names and all that they refer to, sorted."""
    found: set[str] = set()
    queue = [name for name in names if name]
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += _references(name) if name in all_definitions() else _search(extra[name])
    return sorted(found)


@cache
def _references(name: str) -> tuple[str, ...]:
    return tuple(_search(all_definitions()[name]))


def _search(node: Any) -> list[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        out = [reference[len(REFERENCE_PREFIX) :]] if isinstance(reference, str) else []
        return out + [name for value in node.values() for name in _search(value)]
    if isinstance(node, list):
        return [name for value in node for name in _search(value)]
    return []


def v3(name: str, extra: Schemas, keep: Callable[[dict[str, str]], bool]) -> dict[str, Any]:
    """A definition for OpenAPI v3. `keep` chooses among the kinds of a definition that has many (DeleteOptions)."""
    schema = lookup(name, extra)
    if name in _TWO_FORMS:
        return {"description": schema.get("description", ""), **_TWO_FORMS[name]}
    out: dict[str, Any] = _rewrite(schema)
    if name in all_definitions():
        for field, value in defaults_of(name).items() if "properties" in schema else ():
            out["properties"][field] = _referring(out["properties"][field]) | {"default": value}
    if len(out.get(_KINDS, ())) > 1:
        out[_KINDS] = [kind for kind in out[_KINDS] if keep(kind)]
    return out


def _rewrite(node: Any) -> Any:
    """References to where v3 keeps schemas; beside other keys they must stand in an `allOf`."""
    if isinstance(node, list):
        return [_rewrite(item) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return {key: _rewrite(value) for key, value in node.items()}
    moved = {"$ref": _V3_PREFIX + reference[len(REFERENCE_PREFIX) :]}
    rest = {key: _rewrite(value) for key, value in node.items() if key != "$ref"}
    return {**_referring(moved), **rest} if rest else moved


def _referring(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema that other keys may be added to."""
    return {"allOf": [schema]} if "$ref" in schema else schema
