"""Plain objects to the bytes that the original would send.

A message is compiled once into a row a field, in the order of their numbers: the JSON name, what is written when the
field is absent (fields that are values in Go are always written), and a function that writes a value. Objects are
trusted: they come from the store or were made here.
"""

import struct
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.gvk import GroupVersionKind, split_api_version
from pynetes.apimachinery.protobuf.decoder import EXTENSIONS, MAGIC, META, UNKNOWN, message_of
from pynetes.apimachinery.protobuf.fields import Field, fields
from pynetes.apimachinery.times import parse_duration_ns, parse_time

Object = dict[str, Any]
Encode: TypeAlias = Callable[[Any], bytes]
#: A field's value with its tag; may be several, or none.
Emit: TypeAlias = Callable[[Any], bytes]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VARINT, _FIXED64, _BYTES = 0, 1, 2


def encode(obj: Object) -> bytes:
    """An object in its envelope. LookupError if its kind has no message."""
    api_version, kind = obj.get("apiVersion", ""), obj["kind"]  # discovery's oldest document states no version
    return envelope(api_version, kind, encode_message(message_name(api_version or "v1", kind), obj))


def has_message(api_version: str, kind: str) -> bool:
    """Whether the kind can be written."""
    return message_of(GroupVersionKind(*split_api_version(api_version), kind)) is not None


@cache
def message_name(api_version: str, kind: str) -> str:
    """The message that carries a kind; LookupError if it has none."""
    message = message_of(GroupVersionKind(*split_api_version(api_version), kind))
    if message is None:
        raise LookupError(f"no kind {kind!r} is registered for version {api_version!r}")
    return message


def encode_message(message: str, obj: Object) -> bytes:
    """A message without envelope: an item of a list."""
    return _encoder(message)(obj)


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    """A message with what tells its kind."""
    unknown = _encoder(UNKNOWN)
    return MAGIC + unknown({"typeMeta": {"apiVersion": api_version, "kind": kind}, "raw": raw})


def encode_list(api_version: str, kind: str, metadata: Object, items: list[bytes]) -> bytes:
    """A list in its envelope, out of messages that are encoded already. `kind` is the list's."""
    parts = [_delimited(_tag(1, _BYTES), _encoder(META + "ListMeta")(metadata))]
    tag = _tag(2, _BYTES)
    for item in items:
        parts += (tag, varint(len(item)), item)
    return envelope(api_version, kind, b"".join(parts))


def encode_watch_event(type: str, enveloped: bytes) -> bytes:
    """A frame of a watch: its length in four bytes, then a WatchEvent."""
    event = _encoder(META + "WatchEvent")({"type": type, "object": enveloped})
    return struct.pack(">I", len(event)) + event


def varint(number: int) -> bytes:
    """A whole number; a negative one takes ten bytes."""
    if 0 <= number < 0x80:
        return _SMALL[number]
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


_SMALL = [bytes((number,)) for number in range(0x80)]


def _tag(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def _delimited(tag: bytes, data: bytes) -> bytes:
    return b"%b%b%b" % (tag, varint(len(data)), data)


@cache
def _encoder(message: str) -> Encode:
    """Bytes of one message, without tag and length."""
    special = _SPECIAL.get(message)
    return special if special is not None else _compiled(message)


def _compiled(message: str) -> Encode:
    """Looks at the fields when it is first called: messages refer to themselves."""
    rows: list[tuple[str, bytes, Emit]] = []

    def run(obj: Object) -> bytes:
        if not rows:
            rows.extend(_row(number, field) for number, field in sorted(fields(message).items()))
        out = []
        for name, absent, emit in rows:
            value = obj.get(name) if name else obj
            if value is not None:
                out.append(emit(value))
            elif absent:
                out.append(absent)
        return b"".join(out)

    return run


def _row(number: int, field: Field) -> tuple[str, bytes, Emit]:
    """An inlined message, whose fields are the outer object's, has no name."""
    if field.mapping:
        return field.name, b"", _mapping(number, field.type)
    emit = _single(number, field.type)
    if field.repeated:
        return field.name, b"", lambda values: b"".join([emit(value) for value in values])
    if field.inline:
        return "", b"", emit
    return field.name, emit(_EMPTY.get(field.type, {})) if field.always else b"", emit


#: What an absent value is written as; {} for messages, with or without a form of their own in JSON.
_EMPTY: dict[str, Any] = {"string": "", "bytes": "", "bool": False, "int32": 0, "int64": 0, "double": 0.0}


def _single(number: int, type: str) -> Emit:
    if type == "string":
        tag = _tag(number, _BYTES)
        return lambda value: _delimited(tag, value.encode())
    if type == "bytes":
        tag = _tag(number, _BYTES)
        return lambda value: _delimited(tag, value if isinstance(value, bytes) else b64decode(value))
    if type == "bool":
        true, false = _tag(number, _VARINT) + b"\1", _tag(number, _VARINT) + b"\0"
        return lambda value: true if value else false
    if type in ("int32", "int64"):
        tag = _tag(number, _VARINT)
        return lambda value: tag + varint(int(value))
    if type == "double":
        tag = _tag(number, _FIXED64)
        return lambda value: tag + struct.pack("<d", value)
    tag, encode = _tag(number, _BYTES), _encoder(type)
    return lambda value: _delimited(tag, encode(value))


def _mapping(number: int, type: str) -> Emit:
    """Entries in the order of their keys, key and value always written."""
    tag, key_tag, value = _tag(number, _BYTES), _tag(1, _BYTES), _single(2, type)

    def emit(values: dict[str, Any]) -> bytes:
        entries = (_delimited(key_tag, key.encode()) + value(values[key]) for key in sorted(values))
        return b"".join([_delimited(tag, entry) for entry in entries])

    return emit


# --- messages that have a form of their own in JSON. An empty dict stands for an absent value.


def _timestamp(micro: bool) -> Encode:
    def encode(text: Any) -> bytes:
        if not text:
            return b""
        since = parse_time(text, micro=micro) - _EPOCH
        seconds = since.days * 86400 + since.seconds
        return b"\x08%b\x10%b" % (varint(seconds), varint(since.microseconds * 1000))

    return encode


def _duration(text: Any) -> bytes:
    return b"\x08" + varint(parse_duration_ns(text) if text else 0)


def _quantity(value: Any) -> bytes:
    return _delimited(b"\x0a", (value if isinstance(value, str) else str(value or 0)).encode())


def _int_or_string(value: Any) -> bytes:
    if isinstance(value, str):
        return b"\x08\1\x10\0" + _delimited(b"\x1a", value.encode())
    return b"\x08\0\x10%b\x1a\0" % varint(value or 0)


def _json(value: Any) -> bytes:
    """Bytes are a message that is encoded already (the object of a watch event)."""
    if isinstance(value, bytes):
        return _delimited(b"\x0a", value)
    return _delimited(b"\x0a", json_writer.encode(value))


def _optional_json(value: Any) -> bytes:
    return _json(value) if value or isinstance(value, bytes) else b""


def _items(values: Any) -> bytes:
    return b"".join([_delimited(b"\x0a", value.encode()) for value in values])


def _schema_or(otherwise: Callable[[Any], bytes]) -> Encode:
    """A schema, or what stands in its place."""

    def encode(value: Any) -> bytes:
        if isinstance(value, dict):
            return _delimited(b"\x0a", _encoder(EXTENSIONS + "JSONSchemaProps")(value))
        return otherwise(value)

    return encode


def _schemas(values: Any) -> bytes:
    schema = _encoder(EXTENSIONS + "JSONSchemaProps")
    return b"".join([_delimited(b"\x12", schema(value)) for value in values])


def _schema_or_bool(value: Any) -> bytes:
    if isinstance(value, dict):
        return b"\x08\1" + _delimited(b"\x12", _encoder(EXTENSIONS + "JSONSchemaProps")(value))
    return b"\x08\1" if value else b"\x08\0"


_SPECIAL: dict[str, Encode] = {
    META + "Time": _timestamp(micro=False),
    META + "MicroTime": _timestamp(micro=True),
    META + "Duration": _duration,
    META + "FieldsV1": _json,
    META + "Verbs": _items,
    "k8s.io.apimachinery.pkg.api.resource.Quantity": _quantity,
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _optional_json,
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "k8s.io.api.authentication.v1.ExtraValue": _items,
    "k8s.io.api.authorization.v1.ExtraValue": _items,
    "k8s.io.api.certificates.v1.ExtraValue": _items,
    EXTENSIONS + "JSON": _json,
    EXTENSIONS + "JSONSchemaPropsOrArray": _schema_or(_schemas),
    EXTENSIONS + "JSONSchemaPropsOrBool": _schema_or_bool,
    EXTENSIONS + "JSONSchemaPropsOrStringArray": _schema_or(
        lambda values: b"".join([_delimited(b"\x12", value.encode()) for value in values])
    ),
}
