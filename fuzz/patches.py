"""Patches: the first byte chooses the document and the kind of patch, the rest is the patch."""

from copy import deepcopy
from typing import Any

import orjson

from fuzz.objects import DOCUMENTS
from pynetes.apimachinery import codec, yaml_text
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields import BuiltInVersions, FieldManager
from pynetes.apimachinery.patch import body as bodies
from pynetes.apimachinery.patch import json_patch, merge_patch, strategic
from pynetes.apimachinery.patch.json_patch import same_json
from pynetes.apimachinery.schema.checker import DecodeError

_KINDS_OF_PATCH = 4
_NOW = "2024-01-02T03:04:05Z"
Object = dict[str, Any]


def _unconverted(obj: Object, group_version: str) -> Object:
    return {**obj, "apiVersion": group_version}


_MANAGERS = {kind: FieldManager(kind, BuiltInVersions(kind.group, kind.kind, _unconverted)) for kind, _ in DOCUMENTS}

SEEDS = [
    b'\x00[{"op":"add","path":"/metadata/labels/x","value":"y"},{"op":"test","path":"/spec/containers/0/name","value":"main"}]',
    b'\x00[{"op":"copy","from":"/spec","path":"/spec/containers/-"},{"op":"move","from":"/metadata/labels","path":"/x"}]',
    b'\x00[{"op":"remove","path":"/spec/containers/-1"},{"op":"replace","path":"","value":{}}]',
    b'\x01{"metadata":{"labels":{"a":null,"c":"d"}},"spec":{"containers":[]}}',
    b'\x02{"spec":{"$setElementOrder/containers":[{"name":"side"},{"name":"main"}],"containers":[{"$patch":"delete","name":"main"}]}}',
    b'\x02{"metadata":{"$deleteFromPrimitiveList/finalizers":["a/b"]},"spec":{"$retainKeys":["containers"],"$patch":"replace"}}',
    b'\x06{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"},"template":{"spec":{"containers":[{"name":"x"}]}}}}',
    b"\x03apiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec: {containers: [{name: main, image: b}]}\n",
    b'\x07{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"one"},"spec":{"replicas":3}}',
]
TOKENS = [
    *(
        '{"op":"add","path":"',
        '"from":"',
        '"value":',
        '"replace"',
        '"move"',
        '"copy"',
        '"test"',
        "/-",
        "/-1",
        "~0",
        "~1",
    ),
    *('"$patch":"delete"', '"$patch":"merge"', '"$setElementOrder/', '"$deleteFromPrimitiveList/', '"$retainKeys":'),
    *(
        '"containers":',
        '"name":',
        '"spec":',
        '"metadata":',
        '"ports":',
        '"env":',
        '"managedFields":[',
        "null",
        "[[",
        "{}",
    ),
]


def check(data: bytes) -> None:
    choice, body = data[0] if data else 0, data[1:]
    kind, document = DOCUMENTS[choice // _KINDS_OF_PATCH % len(DOCUMENTS)]
    before = deepcopy(document)
    try:
        _patched(choice % _KINDS_OF_PATCH, kind, document, body)
    except StatusError as error:
        assert error.code in (400, 409, 413, 415, 422, 500), error
        assert error.code != 500 or error.reason != "InternalError", error
        orjson.dumps(error.status())
    assert document == before


def _patched(which: int, kind: GroupVersionKind, document: Object, body: bytes) -> None:
    if which == 0:
        operations, _ = bodies.json_patch(body)
        _coerced(json_patch.apply(document, operations), kind)
    elif which == 1:
        changes, _ = bodies.merge_patch(body)
        once = merge_patch.apply(document, changes)
        assert same_json(merge_patch.apply(once, changes), once)
        _coerced(once, kind)
    elif which == 2:
        changes, _ = bodies.merge_patch(body, strategic=True)
        _coerced(strategic.apply(document, changes, kind), kind)
    else:
        _apply(kind, document, body)


def _coerced(obj: Any, kind: GroupVersionKind) -> None:
    codec.coerce(obj, kind, validation="Strict")


def _apply(kind: GroupVersionKind, document: Object, body: bytes) -> None:
    """As the endpoint does, twice."""
    try:
        config, _ = yaml_text.parse(body)
    except DecodeError:
        return
    if not isinstance(config, dict):
        return
    manager = _MANAGERS[kind]
    obj, _ = codec.coerce(manager.apply(document, config, "fuzz", _NOW, force=True), kind)
    manager.apply(obj, config, "other", _NOW, force=False)
