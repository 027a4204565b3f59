"""Extracts the OpenAPI definitions of one Kubernetes version into one compact, reproducible file.

The source is the PyPI package `kubernetes-validate`, which holds the published OpenAPI definitions of every version
as JSON Schema. Users never install its 17,000 files: they get the one file that this writes into the wheel.

Run by itself (`python build_schema/extract.py`) it rewrites the file in the source tree.
"""

import gzip
import json
from pathlib import Path
from typing import Any

VERSION = "1.36"


def _definitions() -> dict[str, Any]:
    import kubernetes_validate

    package = Path(kubernetes_validate.__file__).parent
    source = package / "kubernetes-json-schema" / f"v{VERSION}.0-local" / "_definitions.json"
    definitions: dict[str, Any] = json.loads(source.read_text())["$defs"]
    return definitions


def _compact(node: Any) -> Any:
    """JSON Schema back to OpenAPI's form: plain types without `null`, and the extensions kept."""
    if isinstance(node, list):
        return [_compact(item) for item in node]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "type" and isinstance(value, list):
            value = next(t for t in value if t != "null")
        elif key == "$ref":
            value = value.replace("#/$defs/", "#/definitions/")
        elif key == "properties":
            value = {name: _compact(prop) for name, prop in value.items()}
        else:
            value = _compact(value)
        out[key] = value
    return out


def write_schema(directory: Path) -> Path:
    """Writes `kubernetes-<version>.json.gz` into `directory` and returns its path."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"kubernetes-{VERSION}.json.gz"
    text = json.dumps(_compact(_definitions()), separators=(",", ":"), sort_keys=True).encode()
    target.write_bytes(gzip.compress(text, 9, mtime=0))
    return target


if __name__ == "__main__":
    print(write_schema(Path(__file__).parent.parent / "src/pynetes/apimachinery/schema"))
