"""Pruning, nulls and defaults, by upstream's cases; what is dropped is named by its path."""

from copy import deepcopy
from typing import Any

import pytest

from pynetes.apimachinery.structural.objectschema import CoercionError, ObjectSchema

TEXT = {"type": "string"}
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def of(**spec: Any) -> dict[str, Any]:
    """A schema whose `spec` has these properties."""
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}


def coerced(schema: dict[str, Any], spec: Any) -> tuple[Any, list[str]]:
    obj = {"apiVersion": "g.example/v1", "kind": "K", "metadata": {"name": "a"}, "spec": deepcopy(spec)}
    before = deepcopy(schema)
    unknown = ObjectSchema(schema).coerce(obj, track=True)
    assert schema == before, "schemas are shared"
    assert obj["metadata"] == {"name": "a"}
    return obj.get("spec"), unknown


@pytest.mark.parametrize(
    ("schema", "spec", "left", "unknown"),
    [
        (of(a=TEXT), {"a": "x", "b": 1}, {"a": "x"}, ["spec.b"]),
        (of(a={"type": "object"}), {"a": {"x": {"y": 1}}}, {"a": {}}, ["spec.a.x"]),
        (of(a=FREE), {"a": {"x": {"y": 1}}}, {"a": {"x": {"y": 1}}}, []),
        (
            of(a={**FREE, "properties": {"known": {"type": "object", "properties": {"b": TEXT}}}}),
            {"a": {"known": {"b": "1", "c": 2}, "else": {"c": 2}}},
            {"a": {"known": {"b": "1"}, "else": {"c": 2}}},
            ["spec.a.known.c"],
        ),
        (
            of(a={"type": "object", "additionalProperties": {"type": "object", "properties": {"b": TEXT}}}),
            {"a": {"x": {"b": "1", "c": 2}}},
            {"a": {"x": {"b": "1"}}},
            ["spec.a.x.c"],
        ),
        (
            of(a={"type": "object", "additionalProperties": True}),
            {"a": {"x": {"b": 1}, "y": 2}},
            {"a": {"x": {}, "y": 2}},
            ["spec.a.x.b"],
        ),
        (
            of(a={"type": "array", "items": {"type": "object", "properties": {"b": TEXT}}}),
            {"a": [{"b": "1"}, {"c": 2}]},
            {"a": [{"b": "1"}, {}]},
            ["spec.a[1].c"],
        ),
        (
            of(a={"type": "array", "items": FREE}),
            {"a": [{"c": [{"d": 1}]}]},
            {"a": [{"c": [{"d": 1}]}]},
            [],
        ),
        (of(a=TEXT), {"a": {"b": 1}}, {"a": {}}, ["spec.a.b"]),
        (of(a={"type": "object", "properties": {"metadata": TEXT}}), {"a": {"kind": 1}}, {"a": {}}, ["spec.a.kind"]),
    ],
    ids=lambda value: None,
)
def test_unknown_fields_go(schema: dict[str, Any], spec: Any, left: Any, unknown: list[str]) -> None:
    assert coerced(schema, spec) == (left, unknown)


def test_without_a_schema_nothing_but_type_and_metadata_is_left() -> None:
    obj = {"apiVersion": "g.example/v1", "kind": "K", "metadata": {}, "spec": {"a": 1}, "data": 2}
    assert ObjectSchema({}).coerce(obj, track=True) == ["data", "spec"]
    assert obj == {"apiVersion": "g.example/v1", "kind": "K", "metadata": {}}


DEFAULTED = {"type": "string", "default": "d"}


@pytest.mark.parametrize(
    ("schema", "spec", "left"),
    [
        (of(a=DEFAULTED), {}, {"a": "d"}),
        (of(a=DEFAULTED), {"a": ""}, {"a": ""}),
        (of(a=DEFAULTED), {"a": None}, {"a": "d"}),
        (of(a={**DEFAULTED, "nullable": True}), {"a": None}, {"a": None}),
        (of(a={**DEFAULTED, "nullable": True}), {}, {"a": "d"}),
        (of(a=TEXT), {"a": None}, {}),
        (of(a={**TEXT, "nullable": True}), {"a": None}, {"a": None}),
        (of(a=FREE), {"a": {"x": None}}, {"a": {"x": None}}),
        (of(a={"type": "object", "properties": {"b": DEFAULTED}}), {}, {}),
        (of(a={"type": "object", "default": {}, "properties": {"b": DEFAULTED}}), {}, {"a": {"b": "d"}}),
        (of(a={"type": "object", "properties": {"b": DEFAULTED}}), {"a": {}}, {"a": {"b": "d"}}),
        (
            of(a={"type": "array", "items": {"type": "object", "properties": {"b": DEFAULTED}}}),
            {"a": [{}, {"b": "x"}]},
            {"a": [{"b": "d"}, {"b": "x"}]},
        ),
        (of(a={"type": "array", "items": DEFAULTED}), {"a": [None, "x"]}, {"a": ["d", "x"]}),
        (of(a={"type": "array", "items": TEXT}), {"a": [None]}, {"a": [None]}),
        (
            of(a={"type": "object", "additionalProperties": {"type": "object", "properties": {"b": DEFAULTED}}}),
            {"a": {"x": {}, "y": None}},
            {"a": {"x": {"b": "d"}}},
        ),
        (of(a={"type": "object", "additionalProperties": DEFAULTED}), {"a": {"x": None}}, {"a": {"x": "d"}}),
        (of(a={"type": "boolean", "default": False}, b={"type": "integer", "default": 0}), {}, {"a": False, "b": 0}),
    ],
)
def test_nulls_and_defaults(schema: dict[str, Any], spec: Any, left: Any) -> None:
    assert coerced(schema, spec)[0] == left


def test_a_default_is_a_copy() -> None:
    schema = of(a={"type": "object", "default": {"l": []}, "properties": {"l": {"type": "array", "items": TEXT}}})
    first, _ = coerced(schema, {})
    first["a"]["l"].append("x")
    assert coerced(schema, {})[0] == {"a": {"l": []}}


EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": FREE}}


def test_embedded_resources_keep_their_type_and_typed_metadata() -> None:
    inner = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "bogus": 1, "creationTimestamp": None},
        "spec": {"a": {"b": 1}},
        "other": 1,
    }
    left, unknown = coerced(of(a=EMBEDDED), {"a": inner})
    assert left == {"a": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"a": {"b": 1}}}}
    assert unknown == ["spec.a.other", "spec.a.metadata.bogus"]


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ({"kind": 5}, "spec.a.kind: Invalid value: 5: must be a string"),
        (
            {"metadata": {"name": 5}},
            'spec.a.metadata: Invalid value: {"name":5}: json: cannot unmarshal number into Go struct field '
            "ObjectMeta.name of type string",
        ),
    ],
)
def test_embedded_resources_of_a_wrong_form_are_refused(inner: dict[str, Any], message: str) -> None:
    with pytest.raises(CoercionError) as caught:
        coerced(of(a=EMBEDDED), {"a": inner})
    assert str(caught.value) == message


def test_out_of_the_store_what_is_wrong_is_dropped() -> None:
    obj = {
        "apiVersion": "g.example/v1",
        "kind": "K",
        "metadata": {"name": "a", "labels": 5},
        "spec": {"a": {"kind": 5, "metadata": {"name": "x", "labels": {"a": 1}}}, "b": 1},
    }
    ObjectSchema(of(a=EMBEDDED, c=DEFAULTED)).read(obj)
    assert obj["metadata"] == {"name": "a"}
    assert obj["spec"] == {"a": {"metadata": {"name": "x"}}, "c": "d"}


def test_a_conversion_only_prunes() -> None:
    obj = {"apiVersion": "g.example/v1", "kind": "K", "metadata": {}, "spec": {"b": 1}}
    ObjectSchema(of(a=DEFAULTED)).prune(obj)
    assert obj["spec"] == {}


def test_what_an_apply_has_merged_is_only_filled_in() -> None:
    schema = of(
        a=TEXT,
        b={**TEXT, "default": "x"},
        c={"type": "object", "additionalProperties": TEXT},
        d={"type": "object", "additionalProperties": {**TEXT, "default": "y"}},
    )
    obj = {"spec": {"a": None, "b": None, "c": {"k": None}, "d": {"k": None}}}
    ObjectSchema(schema).of_merged.coerce(obj)
    assert obj["spec"] == {"a": None, "b": "x", "c": {"k": None}, "d": {"k": "y"}}
