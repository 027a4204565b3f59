import copy
from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.patch import body, json_patch


def op(kind: str, path: str, *value: Any, **more: Any) -> dict[str, Any]:
    return {"op": kind, "path": path, **({"value": value[0]} if value else {}), **more}


@pytest.mark.parametrize(
    ("document", "operations", "result"),
    [
        ({"a": 1}, [op("add", "/b", 2)], {"a": 1, "b": 2}),
        ({"a": 1}, [op("add", "/a", None)], {"a": None}),
        ({"a": [1, 3]}, [op("add", "/a/1", 2)], {"a": [1, 2, 3]}),
        ({"a": [1]}, [op("add", "/a/-", 2), op("add", "/a/-1", 9)], {"a": [1, 2, 9]}),
        ({"a": {"b": 1}}, [op("remove", "/a/b")], {"a": {}}),
        ({"a": [1, 2, 3]}, [op("remove", "/a/1"), op("remove", "/a/-1")], {"a": [1]}),
        ({"a": 1}, [op("replace", "/a", 2)], {"a": 2}),
        ({}, [op("replace", "/a", 2)], {"a": 2}),
        ({"a": [1, 2]}, [op("replace", "/a/1", {"x": 1})], {"a": [1, {"x": 1}]}),
        ({"a": 1}, [op("replace", "", {"b": 2})], {"b": 2}),
        ({"a": {"b": 1}}, [op("move", "/c", **{"from": "/a/b"})], {"a": {}, "c": 1}),
        (
            {"a": {"b": [1]}},
            [op("copy", "/c", **{"from": "/a/b"}), op("add", "/c/-", 2)],
            {"a": {"b": [1]}, "c": [1, 2]},
        ),
        ({"a/b": 1, "m~n": 2}, [op("remove", "/a~1b"), op("replace", "/m~0n", 3)], {"m~n": 3}),
        ({"a": 1.0}, [op("test", "/a", 1)], {"a": 1.0}),
        ({"a": None}, [op("test", "/a"), op("test", "/b")], {"a": None}),
        ({"a": 1}, [op("test", "", {"a": 1})], {"a": 1}),
    ],
)
def test_operations(document: Any, operations: list[dict[str, Any]], result: Any) -> None:
    before = copy.deepcopy(document)
    assert json_patch.transform(document, operations) == result
    assert document == before


@pytest.mark.parametrize(
    ("document", "operation", "message"),
    [
        ({}, op("add", "/a/b", 1), 'add operation does not apply: doc is missing path: "/a/b": missing value'),
        (
            {"a": []},
            op("add", "/a/5", 1),
            "error in add for path: '/a/5': Unable to access invalid index: 5: invalid index referenced",
        ),
        (
            {"a": []},
            op("add", "/a/x", 1),
            "error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": "
            "invalid syntax",
        ),
        ({}, op("remove", "/a"), "error in remove for path: '/a': Unable to remove nonexistent key: a: missing value"),
        ({}, op("remove", "/a/b"), 'remove operation does not apply: doc is missing path: "/a/b": missing value'),
        ({}, op("replace", "/a/b", 1), "replace operation does not apply: doc is missing path: /a/b: missing value"),
        (
            {"a": []},
            op("replace", "/a/0", 1),
            "replace operation does not apply: doc is missing key: /a/0: missing value",
        ),
        ({}, op("replace", "", 5), "replace operation value must be object or array"),
        ({"a": 1}, op("test", "/a", 2), "testing value /a failed: test failed"),
        ({"a": 1}, op("test", "/a", True), "testing value /a failed: test failed"),
        ({}, op("test", "/a/b", 2), "test operation does not apply: is missing path: /a/b: missing value"),
        (
            {},
            op("move", "/a", **{"from": "/b"}),
            "error in move for path: 'b': Unable to remove nonexistent key: b: missing value",
        ),
        ({}, op("copy", "/a"), "operation, missing from field: missing value"),
        ({}, {"op": "add"}, "operation missing path field: missing value"),
        ({}, op("jump", "/a"), "Unexpected kind: jump"),
    ],
)
def test_refusals(document: Any, operation: dict[str, Any], message: str) -> None:
    with pytest.raises(json_patch.PatchError) as caught:
        json_patch.transform(document, [operation])
    assert str(caught.value) == message
    with pytest.raises(StatusError) as status:
        json_patch.apply(document, [operation])
    assert status.value.code == 422
    assert status.value.message == "the server rejected our request due to an error in our request"


def test_copies_cannot_grow_without_bound() -> None:
    doubling = [op("copy", "/b/-", **{"from": "/b"}) for _ in range(64)]
    with pytest.raises(json_patch.PatchError, match="Unable to complete the copy"):
        json_patch.transform({"b": ["x" * 1000]}, doubling)


def test_bodies() -> None:
    operations, strict = body.json_patch(b'[{"op":"add","path":"/a","value":1.5,"x":1,"op":"add"}]')
    assert operations == [{"op": "add", "path": "/a", "value": 1.5, "x": 1}]
    assert strict == ['json patch unknown field "[0].x"', 'json patch duplicate field "[0].op"']


@pytest.mark.parametrize(
    ("sent", "code", "message"),
    [
        (b"[", 400, "error decoding patch: unexpected end of JSON input"),
        (
            b"{}",
            400,
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
        (b"[5]", 400, "error decoding patch: json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
        (
            b'[{"op":5}]',
            400,
            "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string",
        ),
        (
            b"[" + b'{"op":"test","path":"/a"},' * 10_000 + b'{"op":"test","path":"/a"}]',
            413,
            "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001",
        ),
    ],
)
def test_wrong_bodies(sent: bytes, code: int, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        body.json_patch(sent)
    assert (caught.value.code, caught.value.message) == (code, message)
