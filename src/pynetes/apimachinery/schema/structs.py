"""msgspec Structs made from a kind's types: the fast road of decoding, taken by every well-formed body.

A Struct refuses what the slow road must look at closely (unknown fields, nulls, wrong types); what it lets pass, it
passes exactly as the checker would: zero values dropped, quantities and times canonical.
"""

import keyword
import re
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from pynetes.apimachinery.depth import too_deep
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema import scalars
from pynetes.apimachinery.schema.definitions import definition_name
from pynetes.apimachinery.schema.types import Field, Type, fields
from pynetes.apimachinery.schema.zero import Policy, zero_of


class QuantityText(str):
    __slots__ = ()


class TimeText(str):
    __slots__ = ()


class MicroTimeText(str):
    __slots__ = ()


class BytesText(str):
    __slots__ = ()


class Opaque:
    """A value that the schema says nothing about."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Circle:
    """Where a definition holds itself (the schemas in a CustomResourceDefinition): left to the checker."""


_SCALAR: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "int32": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
    "int64": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "number": float | int,
    "quantity": QuantityText,
    "time": TimeText | None,
    "micro_time": MicroTimeText | None,
    "bytes": BytesText,
    "int_or_string": Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)] | str,
    "any": Opaque,
    "raw": Opaque,
    "schema_or": Circle,
}
_ZERO: dict[str, Any] = {"string": "", "bytes": "", "boolean": False, "int32": 0, "int64": 0, "number": 0}


def _decode_scalar(kind: type, value: Any) -> Any:
    """msgspec's hook for the texts with a form of their own."""
    if kind is Opaque:
        if value is None or too_deep(value):
            raise ValueError("left to the checker")
        return Opaque(value)
    if kind is Circle:
        raise ValueError("a definition within itself")
    if kind is QuantityText:
        return QuantityText(scalars.canonical_quantity(value))
    if not isinstance(value, str):
        raise ValueError("not a text")
    if kind is TimeText:
        time = scalars.canonical_time(value)
    elif kind is MicroTimeText:
        time = scalars.canonical_micro_time(value)
    else:
        if not value:
            raise ValueError("no bytes")  # rare: the checker knows whether they count
        return BytesText(scalars.canonical_bytes(value))
    if time is None:
        raise ValueError("the zero time")  # rare: the checker makes it null
    return kind(time)


def _encode_scalar(value: Any) -> Any:
    return value.value if type(value) is Opaque else str(value)


def _annotation(kind: Type) -> Any:
    if kind.kind == "object":
        return struct(kind.definition)
    if kind.item is not None:
        item = _annotation(kind.item)
        return list[item] if kind.kind == "list" else dict[str, item]  # type: ignore[valid-type]
    return _SCALAR[kind.kind]


def _identifier(name: str) -> str:
    """A field name that Python accepts, the same for none other of the definition."""
    plain = re.sub(r"\W", "_", name)
    return f"{plain}_" if keyword.iskeyword(plain) or plain != name else plain


def _default(field: Field) -> tuple[Any, Any]:
    """(annotation, default): what absence is, and which value counts as absence."""
    annotation = _annotation(field.type)
    kind = field.type.kind
    if field.policy is Policy.ALWAYS:
        factory = _always(field.type)
        return annotation, msgspec.field(default_factory=factory)
    if field.policy is Policy.NULL:
        return annotation | None, msgspec.field(default_factory=_none)
    if field.policy is Policy.DROP:
        if kind in ("time", "micro_time"):
            return annotation, None
        if kind in ("list", "map"):
            return annotation, msgspec.field(default_factory=list if kind == "list" else dict)
        if kind in _ZERO:
            return annotation, _ZERO[kind]
    return annotation | UnsetType, UNSET


def _none() -> None:
    """A factory, since a plain default would be left out when it is written."""


def _always(kind: Type) -> Any:
    if kind.kind == "object":
        return struct(kind.definition)
    value = zero_of(kind.kind)
    return lambda: value


_in_progress: set[str] = set()
_structs: dict[str, Any] = {}


def struct(name: str) -> Any:
    """The Struct of a definition."""
    found = _structs.get(name)
    if found is not None:
        return found
    if name in _in_progress:
        return Circle
    _in_progress.add(name)
    rename: dict[str, str] = {}
    members = []
    try:
        for field in fields(name).values():
            identifier = _identifier(field.name)
            if identifier != field.name:
                rename[identifier] = field.name
            annotation, default = _default(field)
            members.append((identifier, annotation, default))
    finally:
        _in_progress.discard(name)
    made = msgspec.defstruct(
        _identifier(name),
        members,
        rename=rename or None,
        omit_defaults=True,
        forbid_unknown_fields=True,
        gc=False,
    )
    _structs[name] = made
    return made


class StructDecoder:
    """Decodes one kind: bytes or an already parsed dict to a pruned, canonical dict. Raises msgspec's errors."""

    __slots__ = ("_decode", "_struct")

    def __init__(self, definition: str) -> None:
        self._struct = struct(definition)
        self._decode = msgspec.json.Decoder(self._struct, dec_hook=_decode_scalar).decode

    def decode(self, body: bytes) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(self._decode(body), enc_hook=_encode_scalar)
        return plain

    def convert(self, obj: Any) -> dict[str, Any]:
        made = msgspec.convert(obj, self._struct, dec_hook=_decode_scalar)
        plain: dict[str, Any] = msgspec.to_builtins(made, enc_hook=_encode_scalar)
        return plain


@cache
def definition_decoder(definition: str) -> StructDecoder:
    return StructDecoder(definition)


def struct_decoder(gvk: GroupVersionKind) -> StructDecoder:
    """The decoder of a built-in kind; KeyError for others."""
    return definition_decoder(definition_name(gvk))
