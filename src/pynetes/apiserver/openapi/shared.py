"""Parameters that version 2 keeps in one place, where operations refer to them."""

import base64
from functools import cache
from typing import Any

import orjson

from pynetes.apiserver.openapi.parameters import Parameter

Schema = dict[str, Any]

_REFERENCE = "#/parameters/"
_OWN = frozenset(("dryRun", "fieldValidation", "name"))  # each operation has them: kubectl looks for them there
_GENERAL = "#/definitions/io.k8s.apimachinery"
_OFFSET, _PRIME, _MASK = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


class Pool:
    """Hands out references; `found` is what they refer to, by name."""

    def __init__(self) -> None:
        self.found: dict[str, Schema] = {}

    def parameter(self, parameter: Parameter) -> Schema:
        """What stands in an operation for a parameter of its path or query."""
        if parameter.name in _OWN:
            return written(parameter)
        return self._refer(*_shared(parameter))

    def body(self, schema: Schema, required: bool) -> Schema:
        """What stands for a body; those of many kinds are shared."""
        body: Schema = {"name": "body", "in": "body"}
        if required:
            body["required"] = True
        body["schema"] = schema
        return self._refer(_name(body), body) if schema.get("$ref", "").startswith(_GENERAL) else body

    def _refer(self, name: str, parameter: Schema) -> Schema:
        self.found[name] = parameter
        return {"$ref": _REFERENCE + name}


def written(parameter: Parameter) -> Schema:
    """A parameter of a path or query in version 2."""
    out: Schema = {
        "uniqueItems": True,
        "type": parameter.type,
        "description": parameter.description,
        "name": parameter.name,
        "in": parameter.place,
    }
    if parameter.required:
        out["required"] = True
    return out


@cache
def _shared(parameter: Parameter) -> tuple[str, Schema]:
    own = written(parameter)
    return _name(own), own


def _name(parameter: Schema) -> str:
    """The parameter's name with a hash of all that it says, so that equal ones have one name."""
    digest = _OFFSET
    for byte in orjson.dumps(parameter):  # FNV-1, as upstream
        digest = (digest * _PRIME & _MASK) ^ byte
    return f"{parameter['name']}-{base64.urlsafe_b64encode(digest.to_bytes(8, 'big')[:6]).decode()}"
