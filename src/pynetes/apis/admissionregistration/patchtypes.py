"""What expressions of mutations can make: `Object{spec: Object.spec{…}}` and `JSONPatch{op: …}`."""

from collections.abc import Iterator, Mapping
from functools import cache

from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.environment import Environment
from pynetes.apimachinery.cel.library.estimates import estimate_traversal, traversal
from pynetes.apimachinery.cel.types import (
    DYN_DECL,
    STRING,
    STRING_DECL,
    DeclType,
    Field,
    Type,
    fields_of,
    list_of,
    object_decl,
    object_type,
)

OBJECT = "Object"
JSON_PATCH = "JSONPatch"
#: By patch type: the field of a mutation that has the expression, and the type of its value.
PATCH_FIELDS = {
    "ApplyConfiguration": ("applyConfiguration", object_type(OBJECT)),
    "JSONPatch": ("jsonPatch", list_of(object_type(JSON_PATCH))),
}
_OPERATION = object_decl(
    JSON_PATCH, fields_of(**{"op": STRING_DECL, "path": STRING_DECL, "from": STRING_DECL, "value": DYN_DECL})
)


class _AnyField(Mapping[str, Field]):
    """An object may have every field; nothing is known of their types."""

    def __getitem__(self, name: str) -> Field:
        return Field(name, DYN_DECL)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


_ANY_FIELD = _AnyField()


@cache
def _resolve(name: str) -> DeclType | None:
    if name == JSON_PATCH:
        return _OPERATION
    if name == OBJECT or name.startswith(f"{OBJECT}."):
        return object_decl(name, _ANY_FIELD)
    return None


def _escape_key(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


_ESCAPE_KEY = Function(
    "jsonpatch.escapeKey",
    [Overload("string_jsonpatch_escapeKey_string", (STRING,), STRING, _escape_key)],
    traversal(),
    estimate_traversal(sized=True),
)


def patch_environment(variables: Mapping[str, Type | DeclType]) -> Environment:
    return Environment(variables, more=(_ESCAPE_KEY,), resolve=_resolve)
