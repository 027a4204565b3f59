"""Configuration files as upstream's strict decoder reads them: YAML or JSON of a known kind, no unknown fields.

A shape is a mapping from field to shape, a list with the shape of its items, a type (`str`, `int`, `bool`), or `object`
for what is looked at elsewhere.
"""

from collections.abc import Collection, Mapping
from typing import Any

import orjson
import yaml

Object = dict[str, Any]
#: apiVersion and kind.
Kind = tuple[str, str]


class ConfigFileError(Exception):
    """The file cannot be used; the message is upstream's."""


def parse(data: bytes) -> Any:
    """The YAML, with what its aliases share written out."""
    try:
        return orjson.loads(orjson.dumps(yaml.safe_load(data)))
    except (yaml.YAMLError, UnicodeDecodeError, TypeError) as error:
        raise ConfigFileError(f"error converting YAML to JSON: {error}") from None


def decode(data: bytes, kinds: Collection[Kind], shape: Mapping[str, Any]) -> Object:
    """A document of one of the kinds; `apiVersion` and `kind` need no shape."""
    return check(parse(data), kinds, shape)


def check(document: Any, kinds: Collection[Kind], shape: Mapping[str, Any]) -> Object:
    """The same, of what is parsed already."""
    if not isinstance(document, dict):
        raise ConfigFileError("couldn't get version/kind; json parse error: cannot unmarshal into an object")
    for field in ("kind", "apiVersion"):
        if not document.get(field):
            raise ConfigFileError("Object 'Kind' is missing" if field == "kind" else "Object 'apiVersion' is missing")
    version, kind = document["apiVersion"], document["kind"]
    if (version, kind) not in kinds:
        raise ConfigFileError(f'no kind "{kind}" is registered for version "{version}"')
    unknown: list[str] = []
    _check(document, {"apiVersion": str, "kind": str, **shape}, "", unknown)
    if unknown:
        raise ConfigFileError("strict decoding error: " + ", ".join(f'unknown field "{field}"' for field in unknown))
    return document


def _check(value: Any, shape: Any, at: str, unknown: list[str]) -> None:
    """Adds the unknown fields. ConfigFileError for a value of another type."""
    if value is None or shape is object:
        return
    kind = dict if isinstance(shape, Mapping) else list if isinstance(shape, list) else shape
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ConfigFileError(f"json: cannot unmarshal {_go_type(value)} into Go struct field {at or 'document'}")
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{at}.{name}" if at else str(name)
            if name in shape:
                _check(inner, shape[name], path, unknown)
            else:
                unknown.append(path)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _check(inner, shape[0], f"{at}[{index}]", unknown)


def _go_type(value: Any) -> str:
    names = {bool: "bool", str: "string", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), type(value).__name__)
