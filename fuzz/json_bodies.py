"""JSON bodies: the first byte chooses the kind and how strictly it is read, the rest is the body."""

from typing import Any

import orjson

from fuzz.objects import DOCUMENTS, KINDS, WIDGET, WIDGETS
from pynetes.apimachinery import codec, json_text
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.patch.json_patch import same_json

_LEVELS: tuple[codec.Validation, ...] = ("Strict", "Warn", "Ignore")

SEEDS = [
    *(bytes([number]) + orjson.dumps(obj) for number, (_, obj) in enumerate(DOCUMENTS)),
    b'\x08{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"},"spec":{"size":1,"parts":[{"name":"b"}]}}',
    b'\x05{"metadata":{"name":"a"},"spec":{"renewTime":"2024-01-02T03:04:05.000006Z","leaseTransitions":1}}',
    b'\x04{"metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:a":{}}}]},"revision":1,"data":{"a":[1,2.5,null]}}',
    b'\x06{"spec":{"versions":[{"schema":{"openAPIV3Schema":{"type":"object","items":[{"default":{"a":1}}]}}}]}}',
]
TOKENS = [
    *('"apiVersion":', '"kind":', '"metadata":', '"spec":', '"name":', '"labels":', '"creationTimestamp":'),
    *("null", "true", "1e400", "-0", "1.5", "9223372036854775808", "\\ud800", "\\u0000", "[[[[", '{"a":'),
]


def check(data: bytes) -> None:
    choice, body = data[0] if data else 0, data[1:]
    _agrees_with_orjson(body)
    custom = choice & 15 == len(KINDS)
    kind = WIDGET if custom else KINDS[choice % len(KINDS)]
    found = [_decoded(body, kind, level, custom) for level in _LEVELS]
    strict, warned, ignored = found
    if strict is not None:
        assert warned is not None
        assert same_json(strict[0], warned[0])
        assert warned[1] == []
    if ignored is not None:
        again = _decoded(orjson.dumps(ignored[0]), kind, "Ignore", custom)
        assert again is not None
        assert same_json(again[0], ignored[0]), (again[0], ignored[0])


def _decoded(
    body: bytes, kind: Any, validation: codec.Validation, custom: bool
) -> tuple[dict[str, Any], list[str]] | None:
    try:
        return codec.decode(body, kind, validation=validation, schema=WIDGETS if custom else None)
    except StatusError as error:
        assert error.code == 400, error
        orjson.dumps(error.status())
        return None


def _agrees_with_orjson(body: bytes) -> None:
    try:
        expected = orjson.loads(body)
    except orjson.JSONDecodeError:
        expected = None
    try:
        found = json_text.parse(body)
    except json_text.SyntaxProblem as problem:
        assert expected is None or "max depth" in str(problem), problem
    else:
        assert expected is None or same_json(found, expected)
