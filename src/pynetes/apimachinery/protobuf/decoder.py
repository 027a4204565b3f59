"""Bytes of a protobuf request to a plain object with JSON's names and forms."""

import base64
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from pynetes.apimachinery.depth import too_deep
from pynetes.apimachinery.gvk import GroupVersionKind, split_api_version
from pynetes.apimachinery.protobuf.fields import Field, fields, known, message_name
from pynetes.apimachinery.schema import find_definition_name
from pynetes.apimachinery.times import format_duration, format_micro_time, format_time

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
META = "k8s.io.apimachinery.pkg.apis.meta.v1."
UNKNOWN = "k8s.io.apimachinery.pkg.runtime.Unknown"
_SCALARS = frozenset(("string", "int32", "int64", "bool", "bytes", "double"))
_SIGN, _WRAP = 1 << 63, 1 << 64


class ProtobufError(ValueError):
    """The bytes are no such message. `kind` is what the envelope states, if that much could be read."""

    def __init__(self, message: str, kind: GroupVersionKind | None = None) -> None:
        super().__init__(message)
        self.kind = kind


def decode(body: bytes, expected: GroupVersionKind) -> dict[str, Any]:
    """The object in an enveloped body, with the type that the envelope states, or `expected`. ProtobufError."""
    if not body:
        raise ProtobufError("empty data")
    if not body.startswith(MAGIC):
        raise ProtobufError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    if len(body) == len(MAGIC):
        raise ProtobufError("empty body")
    envelope = _read(UNKNOWN, body, len(MAGIC))
    stated = envelope.get("typeMeta") or {}
    group, version = split_api_version(stated.get("apiVersion") or expected.api_version)
    gvk = GroupVersionKind(group, version, stated.get("kind") or expected.kind)
    message = message_of(gvk)
    if message is None:
        raise ProtobufError(f'no kind "{gvk.kind}" is registered for version "{gvk.api_version}"', gvk)
    try:
        obj = _read(message, base64.b64decode(envelope.get("raw") or b""), 0)
    except ProtobufError as error:
        raise ProtobufError(str(error), gvk) from None
    return {"apiVersion": gvk.api_version, "kind": gvk.kind, **obj}


def _read(message: str, data: bytes, at: int) -> dict[str, Any]:
    """A whole message, no deeper than other bodies may be."""
    try:
        found = _message(message, data, at, len(data))
    except (IndexError, struct.error):
        raise ProtobufError("unexpected EOF") from None
    except RecursionError:
        raise ProtobufError("exceeded max depth") from None
    if too_deep(found):
        raise ProtobufError("exceeded max depth")
    return found


#: Where the messages of groups are whose kinds stand in no schema.
_UNDESCRIBED = {"": META, "meta.k8s.io": META, "apidiscovery.k8s.io": "k8s.io.api.apidiscovery.v2."}


def message_of(gvk: GroupVersionKind) -> str | None:
    """The message that carries a kind; None if it has none."""
    name = find_definition_name(gvk)
    if name is not None:
        message = message_name(name)
    else:  # those that no schema describes
        message = _UNDESCRIBED.get(gvk.group, "-") + gvk.kind
    return message if known(message) else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value % _WRAP, at
        shift += 7
        if shift > 63:
            raise ProtobufError("proto: integer overflow")


def _parts(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, Any]]:
    """(field number, wire type, value) of a message; a value of wire type 2 is its (start, end)."""
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise ProtobufError(f"proto: illegal tag 0 (wire type {tag})")
        value: Any
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            size, at = _varint(data, at)
            if size >= _SIGN:
                raise ProtobufError("proto: negative length found during unmarshaling")
            if at + size > end:
                raise ProtobufError("unexpected EOF")
            value, at = (at, at + size), at + size
        elif wire == 1:
            (value,) = struct.unpack_from("<d", data, at)
            at += 8
        elif wire == 5:
            (value,) = struct.unpack_from("<f", data, at)
            at += 4
        else:
            raise ProtobufError(f"proto: illegal wireType {wire}")
        if at > end:
            raise ProtobufError("unexpected EOF")
        yield number, wire, value


def _message(message: str, data: bytes, at: int, end: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    table = fields(message)
    for number, wire, value in _parts(data, at, end):
        field = table.get(number)
        if field is None:
            continue
        if field.mapping:
            key, item = _entry(field, data, *_span(value, wire))
            out.setdefault(field.name, {})[key] = item
        elif field.repeated:
            out.setdefault(field.name, []).extend(_repeated(field, wire, value, data))
        elif field.inline:
            out.update(_message(field.type, data, *_span(value, wire)))
        else:
            out[field.name] = _value(field.type, wire, value, data)
    return out


def _span(value: Any, wire: int) -> tuple[int, int]:
    if wire != 2:
        raise ProtobufError(f"proto: wrong wireType = {wire}")
    start, end = value
    return start, end


def _repeated(field: Field, wire: int, value: Any, data: bytes) -> list[Any]:
    if wire == 2 and field.type in ("int32", "int64", "bool"):
        at, end = value
        out = []
        while at < end:
            number, at = _varint(data, at)
            out.append(_scalar(field.type, 0, number, data))
        if at > end:
            raise ProtobufError("unexpected EOF")
        return out
    return [_value(field.type, wire, value, data)]


def _entry(field: Field, data: bytes, at: int, end: int) -> tuple[str, Any]:
    key, item = "", _EMPTY.get(field.type, {})
    for number, wire, value in _parts(data, at, end):
        if number == 1:
            key = _scalar("string", wire, value, data)
        elif number == 2:
            item = _value(field.type, wire, value, data)
    return key, item


_EMPTY: dict[str, Any] = {"string": "", "bytes": "", "int32": 0, "int64": 0, "bool": False}


def _value(kind: str, wire: int, value: Any, data: bytes) -> Any:
    if kind in _SCALARS:
        return _scalar(kind, wire, value, data)
    start, end = _span(value, wire)
    obj = _message(kind, data, start, end)
    special = _SPECIAL.get(kind)
    return special(obj) if special is not None else obj


def _scalar(kind: str, wire: int, value: Any, data: bytes) -> Any:
    if kind in ("string", "bytes"):
        start, end = _span(value, wire)
        if kind == "string":
            return data[start:end].decode(errors="replace")  # as JSON does; Go keeps bytes that are no text
        return base64.b64encode(data[start:end]).decode()
    if wire != (1 if kind == "double" else 0):
        raise ProtobufError(f"proto: wrong wireType = {wire}")
    if kind == "double":
        return value
    if kind == "bool":
        return bool(value)
    if kind == "int32":
        value &= 0xFFFFFFFF
        return value - (1 << 32) if value >= 1 << 31 else value
    return value - _WRAP if value >= _SIGN else value


# --- messages that have a form of their own in JSON


def _time(obj: dict[str, Any]) -> str | None:
    """An empty message is the zero time, which JSON shows as null."""
    return format_time(_moment(obj)) if obj else None


def _moment(obj: dict[str, Any]) -> datetime:
    try:
        return _EPOCH + timedelta(seconds=obj.get("seconds", 0), microseconds=obj.get("nanos", 0) // 1000)
    except OverflowError:
        raise ProtobufError("Time.MarshalJSON: year outside of range [0,9999]") from None


def _micro_time(obj: dict[str, Any]) -> str | None:
    return format_micro_time(_moment(obj)) if obj else None


def _duration(obj: dict[str, Any]) -> str:
    return format_duration(obj.get("duration", 0) / 1e9)


def _int_or_string(obj: dict[str, Any]) -> int | str:
    found: int | str = obj.get("strVal", "") if obj.get("type") == 1 else obj.get("intVal", 0)
    return found


def _raw(field: str) -> Callable[[dict[str, Any]], Any]:
    def parse(obj: dict[str, Any]) -> Any:
        data = base64.b64decode(obj.get(field) or "")
        try:
            return orjson.loads(data) if data else None
        except orjson.JSONDecodeError as error:
            raise ProtobufError(str(error)) from None

    return parse


def _schema_or(field: str) -> Callable[[dict[str, Any]], Any]:
    def choose(obj: dict[str, Any]) -> Any:
        return obj["schema"] if obj.get("schema") is not None else obj.get(field)

    return choose


EXTENSIONS = "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1."
_SPECIAL: dict[str, Callable[[dict[str, Any]], Any]] = {
    META + "Time": _time,
    META + "MicroTime": _micro_time,
    META + "Duration": _duration,
    META + "FieldsV1": _raw("Raw"),
    META + "Verbs": lambda obj: obj.get("items", []),
    "k8s.io.apimachinery.pkg.api.resource.Quantity": lambda obj: obj.get("string", "0"),
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _raw("raw"),
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "k8s.io.api.authentication.v1.ExtraValue": lambda obj: obj.get("items", []),
    "k8s.io.api.authorization.v1.ExtraValue": lambda obj: obj.get("items", []),
    "k8s.io.api.certificates.v1.ExtraValue": lambda obj: obj.get("items", []),
    EXTENSIONS + "JSON": _raw("raw"),
    EXTENSIONS + "JSONSchemaPropsOrArray": _schema_or("jSONSchemas"),
    EXTENSIONS + "JSONSchemaPropsOrBool": _schema_or("allows"),
    EXTENSIONS + "JSONSchemaPropsOrStringArray": _schema_or("property"),
}
