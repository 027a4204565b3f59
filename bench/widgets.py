"""A custom resource with rules in CEL, as operators have them: sizes that must agree, unique names, no way back."""

from typing import Any

GROUP, PLURAL, KIND = "bench.example.com", "widgets", "Widget"

_RULES = [
    {"rule": "self.minimum <= self.replicas && self.replicas <= self.maximum", "message": "replicas out of bounds"},
    {"rule": "self.parts.all(p, p.size > 0 && p.name.startsWith('part-'))", "message": "bad part"},
    {"rule": "self.parts.map(p, p.size).sum() <= self.maximum * 100", "message": "too large"},
    {"rule": "!has(self.parent) || self.parent != self.title", "message": "its own parent"},
    {"rule": "self.title == oldSelf.title", "message": "title is immutable"},
]


def definition() -> dict[str, Any]:
    """Its CustomResourceDefinition."""
    part = {
        "type": "object",
        "required": ["name", "size"],
        "properties": {
            "name": {"type": "string", "maxLength": 63},
            "size": {"type": "integer", "minimum": 0},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    number = {"type": "integer", "minimum": 0, "maximum": 1000}
    spec = {
        "type": "object",
        "required": ["title", "replicas", "parts"],
        "properties": {
            "title": {"type": "string", "maxLength": 100},
            "parent": {"type": "string", "maxLength": 100},
            "revision": {"type": "string", "maxLength": 100},
            "replicas": number,
            "minimum": {**number, "default": 1},
            "maximum": {**number, "default": 100},
            "parts": {
                "type": "array",
                "maxItems": 50,
                "items": part,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        },
        "x-kubernetes-validations": _RULES,
    }
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": PLURAL, "singular": "widget", "kind": KIND, "listKind": f"{KIND}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def widget(name: str) -> dict[str, Any]:
    """One of about 2 KB."""
    parts = [{"name": f"part-{number}", "size": 10, "labels": {"note": "x" * 100}} for number in range(12)]
    spec = {"title": "a widget", "replicas": 3, "parts": parts}
    return {"apiVersion": f"{GROUP}/v1", "kind": KIND, "metadata": {"name": name}, "spec": spec}
