"""Extracts the OpenAPI definitions of one Kubernetes version into one compact, reproducible file.

The source is the PyPI package `kubernetes-validate`, which holds the published OpenAPI definitions of every version
as JSON Schema. Users never install its 17,000 files: they get the one file that this writes into the wheel.

That package widened and narrowed the published form for JSON Schema validators; `_openapi` takes it back: plain types
without `null`, no pinned `apiVersion` and `kind`, the two scalars that may be written in two ways as OpenAPI v2 types.

Run by itself (`python build_schema/extract.py`) it rewrites the file in the source tree.
"""

import gzip
import json
from pathlib import Path
from typing import Any

VERSION = "1.36"

_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
_TWO_FORMS: dict[str, dict[str, Any]] = {
    _QUANTITY: {
        "description": (
            "A quantity is an exact number with an optional suffix: decimal (n, u, m, k, M, G, T, P, E), binary "
            "(Ki, Mi, Gi, Ti, Pi, Ei) or an exponent (e3, E3). It is stored in a canonical form: without a fraction "
            "and with the largest suffix that loses nothing, so 1.5Gi becomes 1536Mi and 1000m becomes 1. At most "
            "nine decimal places count; finer values are rounded up."
        ),
        "type": "string",
    },
    _INT_OR_STRING: {
        "description": (
            "A value that is either a 32-bit integer or a string, written as the JSON type that it holds: a port "
            "number or its name, a count or a percentage."
        ),
        "format": "int-or-string",
        "type": "string",
    },
}


def _definitions() -> dict[str, Any]:
    import kubernetes_validate

    package = Path(kubernetes_validate.__file__).parent
    source = package / "kubernetes-json-schema" / f"v{VERSION}.0-local" / "_definitions.json"
    definitions: dict[str, Any] = json.loads(source.read_text())["$defs"]
    return definitions


def _plain(node: Any) -> Any:
    """A schema without what JSON Schema added: `null` types and `$defs`."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "type" and isinstance(value, list):
            value = next(t for t in value if t != "null")
        elif key == "$ref":
            value = value.replace("#/$defs/", "#/definitions/")
        elif key == "properties":
            value = {name: _plain(prop) for name, prop in value.items()}
        else:
            value = _plain(value)
        out[key] = value
    return out


def _openapi(definitions: dict[str, Any]) -> dict[str, Any]:
    out = {}
    for name, definition in definitions.items():
        schema = _plain(definition)
        if "x-kubernetes-group-version-kind" in schema:
            for pinned in ("apiVersion", "kind"):
                schema.get("properties", {}).get(pinned, {}).pop("enum", None)
        out[name] = _TWO_FORMS.get(name, schema)
    return out


def write_schema(directory: Path) -> Path:
    """Writes `kubernetes-<version>.json.gz` into `directory` and returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"kubernetes-{VERSION}.json.gz"
    text = json.dumps(_openapi(_definitions()), separators=(",", ":"), sort_keys=True).encode()
    target.write_bytes(gzip.compress(text, 9, mtime=0))
    return target


if __name__ == "__main__":
    print(write_schema(Path(__file__).parent.parent / "src/pynetes/apimachinery/schema"))
