"""Protobuf bodies: the first byte chooses the kind, the rest is the message, or with its high bit the envelope too."""

from typing import Any

import orjson

from fuzz.objects import DOCUMENTS, KINDS
from pynetes.apimachinery import codec
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.patch.json_patch import same_json
from pynetes.apimachinery.protobuf import encoder
from pynetes.apimachinery.protobuf.decoder import MAGIC, ProtobufError, decode, message_of

_WHOLE = 0x80


def _message(obj: dict[str, object]) -> bytes:
    return encoder.encode_message(encoder.message_name(str(obj["apiVersion"]), str(obj["kind"])), obj)


_SCHEMA = {"type": "object", "default": {"a": [1]}, "not": {"items": {"enum": ["a", 1]}}, "additionalProperties": False}
SEEDS = [
    *(bytes([KINDS.index(kind)]) + _message(obj) for kind, obj in DOCUMENTS),
    *(bytes([_WHOLE | KINDS.index(kind)]) + encoder.encode(obj) for kind, obj in DOCUMENTS),
    b"\x04" + _message({"apiVersion": "apps/v1", "kind": "ControllerRevision", "data": {"a": 1}, "revision": 5}),
    b"\x05"
    + _message(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "spec": {"renewTime": "2024-01-02T03:04:05.000006Z", "leaseTransitions": 1},
        }
    ),
    b"\x06"
    + _message(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": _SCHEMA}}]},
        }
    ),
]
TOKENS = ["k8s\0", "\x0a", "\x12", "\x08", "\x7f", "\x80\x80\x80\x80", "\n\x02v1", "\x12\x03Pod", '{"a":1}']


def check(data: bytes) -> None:
    choice, body = data[0] if data else 0, data[1:]
    kind = KINDS[(choice & ~_WHOLE) % len(KINDS)]
    if not choice & _WHOLE:
        body = encoder.envelope(kind.api_version, kind.kind, body)
    assert body[: len(MAGIC)] == MAGIC or choice & _WHOLE
    try:
        made = decode(body, kind)
        obj, _ = codec.decode(orjson.dumps(made), kind, validation="Ignore")
    except ProtobufError:
        return
    except StatusError as error:
        assert error.code == 400, error
        return
    assert message_of(kind) is not None
    # Values that Go always writes are in what comes back first; from then on nothing changes.
    once = _there_and_back(obj, kind)
    again = _there_and_back(once, kind)
    assert same_json(again, once), (again, once)


def _there_and_back(obj: dict[str, Any], kind: GroupVersionKind) -> dict[str, Any]:
    again, _ = codec.decode(orjson.dumps(decode(encoder.encode(obj), kind)), kind, validation="Ignore")
    return again
