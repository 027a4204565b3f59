from typing import Any

import pytest

from pynetes.apimachinery import codec, yaml_text
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema.checker import DecodeError

POD = GroupVersionKind("", "v1", "Pod")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("yes", True), ("Off", False), ("y", True), ("nO", "nO"),
        ("'yes'", "yes"), ('"5"', "5"), ("!!str 5", "5"), ("! 5", "5"),
        ("5", 5), ("-5", -5), ("+5", 5), ("0x1F", 31), ("0o17", 15), ("017", 15), ("0b11", 3), ("1_000", 1000),
        ("1.5", 1.5), ("1e3", 1000), (".5", 0.5), ("1.", 1), ("08", 8),
        ("12:30:45", "12:30:45"), ("2024-01-02", "2024-01-02"), ("1.2.3", "1.2.3"), ("-", [None]), ("a-b", "a-b"),
        ("123456789012345678901234567890", 123456789012345678901234567890.0),
        ("a: 1\nb: [x, {c: d}]", {"a": 1, "b": ["x", {"c": "d"}]}),
        ("1: a\ntrue: b\nnull: c\n1.5: d", {"1": "a", "true": "b", "null": "c", "1.5": "d"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  b: 3", {"a": {"b": 1, "c": 2}, "d": {"b": 3, "c": 2}}),
        ("d:\n  b: 3\n  <<: {b: 1, c: 2}", {"d": {"b": 3, "c": 2}}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: 1\n---\nb: 2", {"a": 1}),
    ],
)  # fmt: skip
def test_values_are_what_json_would_have_said(text: str, value: Any) -> None:
    assert yaml_text.parse(text.encode()) == (value, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b: c", "yaml: mapping values are not allowed in this context"),
        ("kind: Pod\n\tfoo: x", "yaml: line 2: found a tab character that violates indentation"),
        ("x: *y", "yaml: unknown anchor 'y' referenced"),
        ("a: [1,2\nb: 3", "yaml: line 1: did not find expected ',' or ']'"),
        ("? [a]\n: b", "yaml: line 1: invalid map key"),
        ("<<: 5", "yaml: map merge requires map or sequence of maps as the value"),
        ("a: .nan", "json: unsupported value: NaN"),
        ("a: -.inf", "json: unsupported value: +Inf"),
        ("[" * 100_000, "yaml: exceeded max depth of 10000"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        yaml_text.parse(text.encode())
    assert str(caught.value) == message


def test_duplicates_are_remembered_with_their_lines() -> None:
    value, errors = yaml_text.parse(b"a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert value == {"a": 3, "b": {"c": 2}}
    assert errors == [
        'yaml: unmarshal errors:\n  line 4: key "c" already set in map\n  line 5: key "a" already set in map'
    ]


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30)]
    with pytest.raises(DecodeError, match="excessive aliasing"):
        yaml_text.parse("\n".join(lines).encode())


def test_a_document_may_not_hold_itself() -> None:
    with pytest.raises(DecodeError, match="unknown anchor"):
        yaml_text.parse(b"a: &a [*a]")


def test_yaml_bodies_decode_like_json() -> None:
    body = b"""
metadata: {name: x, labels: {a: "yes"}}
spec:
  hostNetwork: yes
  containers:
  - {name: a, resources: {limits: {cpu: 1, memory: 1e3}}}
"""
    found, _ = codec.decode(body, POD, content_type="application/yaml; charset=utf-8")
    assert found["spec"] == {
        "containers": [{"name": "a", "resources": {"limits": {"cpu": "1", "memory": "1k"}}}],
        "hostNetwork": True,
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"a: b: c",
            "the object provided is unrecognized (must be of type Pod): yaml: mapping values are not allowed in this "
            "context (613a20623a2063)",
        ),
        (
            b"kind: Pod\nkind: Pod",
            'Pod in version "v1" cannot be handled as a Pod: strict decoding error: yaml: unmarshal errors:\n'
            '  line 2: key "kind" already set in map',
        ),
    ],
)
def test_yaml_errors_reach_the_client(body: bytes, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        codec.decode(body, POD, content_type="application/yaml")
    assert caught.value.message == message


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(StatusError) as caught:
        codec.decode(b"\xff\xfe\xfa", POD, content_type="application/yaml")
    assert caught.value.code == 400


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"b": [1, "2", true, null, {}], "image": "r.test:5000/a:1.0"}, "c": -7}',
        '{"a":1,"a":2}',
        '{"a": 1.0, "b": 1e3, "c": 1.5, "d": 123456789012345678901, "e": -0}',
        '{"a": "\\u00e9\\n", "b": "é"}',
        '{\n\t"a": 1\n}',
        '{"a": 1}\n---\n{"b": 2}',
        '{"y": "no", "<<": {"b": "1.5"}, "5": 5}',
        '{"a": "x: y # z", "b": "- [1]", "c": "1.5e3,2.5"}',
        "{}",
    ],
)
def test_json_is_read_as_the_yaml_that_it_is(text: str) -> None:
    events = "# read event by event\n" + text
    slow, duplicates = yaml_text.parse(events.encode())
    value, found = yaml_text.parse(text.encode())
    assert repr(value) == repr(slow)
    assert len(found) == len(duplicates)
