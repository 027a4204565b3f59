"""Values against schemas: the compiled check and the explanation agree, and the words are upstream's."""

from typing import Any

import pytest

from pynetes.apimachinery.structural.objectschema import ObjectSchema

TEXT, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}
EITHER = {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
AB = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}


def of(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": schema}}


def refusals(schema: dict[str, Any], value: Any, old: Any = None) -> list[str]:
    whole = ObjectSchema(of(schema))
    obj = {"x": value}
    found = [str(error) for error in whole.validate(obj, {"x": old} if old is not None else None)]
    if old is None:
        assert whole._valid(obj) == (not found), "the compiled check and the explanation must agree"
    return found


def typed(wanted: str, found: str) -> list[str]:
    return [f'x: Invalid value: "{found}": x in body must be of type {wanted}: "{found}"']


@pytest.mark.parametrize(
    ("schema", "value", "errors"),
    [
        (TEXT, "a", []),
        (TEXT, 1, typed("string", "integer")),
        (TEXT, None, typed("string", "null")),
        ({**TEXT, "nullable": True}, None, []),
        (TEXT, {}, typed("string", "object")),
        (INTEGER, 1, []),
        (INTEGER, 1.0, []),
        (
            INTEGER,
            1.5,
            [
                *typed("integer", "number"),
                '<nil>: Invalid value: "": Checked value must be of type integer (default format) in x',
            ],
        ),
        (INTEGER, True, typed("integer", "boolean")),
        (NUMBER, 1, []),
        (NUMBER, 1.5, []),
        (NUMBER, "1", typed("number", "string")),
        ({"type": "boolean"}, True, []),
        ({"type": "boolean"}, "true", typed("boolean", "string")),
        ({"type": "array", "items": TEXT}, ["a"], []),
        (
            {"type": "array", "items": TEXT},
            ["a", 1],
            ['x[1]: Invalid value: "integer": x[1] in body must be of type string: "integer"'],
        ),
        ({"type": "array", "items": TEXT}, {}, typed("array", "object")),
        ({"x-kubernetes-int-or-string": True}, 1, []),
        ({"x-kubernetes-int-or-string": True}, "1", []),
        ({"x-kubernetes-int-or-string": True}, 1.5, typed("integer,string", "number")),
        ({"x-kubernetes-preserve-unknown-fields": True}, [1, {"a": None}], []),
    ],
)
def test_types(schema: dict[str, Any], value: Any, errors: list[str]) -> None:
    assert refusals(schema, value) == errors


def whole(text: str) -> str:
    return f'<nil>: Invalid value: "": {text}'


@pytest.mark.parametrize(
    ("schema", "value", "errors"),
    [
        ({**TEXT, "enum": ["a", "b"]}, "c", ['x: Unsupported value: "c": supported values: "a", "b"']),
        ({**INTEGER, "enum": [1, 2]}, 3, ['x: Unsupported value: 3: supported values: "1", "2"']),
        ({**INTEGER, "enum": [1, 2]}, 2, []),
        ({**TEXT, "maxLength": 2}, "äöü", ["x: Too long: may not be more than 2 bytes"]),
        ({**TEXT, "maxLength": 3}, "äöü", []),
        ({**TEXT, "minLength": 2}, "a", ['x: Invalid value: "a": x in body should be at least 2 chars long']),
        ({**TEXT, "pattern": "^[a-z]+$"}, "A", ["x: Invalid value: \"A\": x in body should match '^[a-z]+$'"]),
        ({**TEXT, "pattern": "b"}, "abc", []),
        ({**TEXT, "pattern": "^a$"}, "a\n", ["x: Invalid value: \"a\\n\": x in body should match '^a$'"]),
        ({**INTEGER, "maximum": 5}, 6, ["x: Invalid value: 6: x in body should be less than or equal to 5"]),
        (
            {**NUMBER, "maximum": 1000000},
            1234567.5,
            ["x: Invalid value: 1.2345675e+06: x in body should be less than or equal to 1e+06"],
        ),
        (
            {**INTEGER, "maximum": 5, "exclusiveMaximum": True},
            5,
            ["x: Invalid value: 5: x in body should be less than 5"],
        ),
        ({**NUMBER, "minimum": 1.5}, 1, ["x: Invalid value: 1: x in body should be greater than or equal to 1.5"]),
        (
            {**NUMBER, "minimum": 1, "exclusiveMinimum": True},
            1.0,
            ["x: Invalid value: 1: x in body should be greater than 1"],
        ),
        ({**NUMBER, "multipleOf": 0.5}, 1.3, ["x: Invalid value: 1.3: x in body should be a multiple of 0.5"]),
        ({**INTEGER, "multipleOf": 3}, 9, []),
        (
            {**INTEGER, "format": "int32"},
            2**31,
            [whole("Checked value must be of type integer with format int32 in x")],
        ),
        ({"type": "array", "items": TEXT, "maxItems": 1}, ["a", "b"], ["x: Too many: 2: must have at most 1 item"]),
        (
            {"type": "array", "items": TEXT, "minItems": 1},
            [],
            ["x: Invalid value: 0: x in body should have at least 1 items"],
        ),
        (
            {"type": "object", "additionalProperties": TEXT, "maxProperties": 1},
            {"a": "", "b": ""},
            ["x: Too many: 2: must have at most 1 item"],
        ),
        (
            {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
            {},
            ["x: Invalid value: 0: x in body should have at least 1 properties"],
        ),
        (
            {"type": "object", "additionalProperties": TEXT},
            {"a": 1},
            ['x.a: Invalid value: "integer": x.a in body must be of type string: "integer"'],
        ),
        ({**AB, "required": ["a"]}, {}, ["x.a: Required value"]),
    ],
)
def test_limits(schema: dict[str, Any], value: Any, errors: list[str]) -> None:
    assert refusals(schema, value) == errors


@pytest.mark.parametrize(
    ("schema", "value", "errors"),
    [
        ({**AB, **EITHER}, {"a": "1"}, []),
        (
            {**AB, **EITHER},
            {},
            [whole('"x" must validate one and only one schema (oneOf). Found none valid'), "x.a: Required value"],
        ),
        (
            {**AB, **EITHER},
            {"a": "1", "b": "2"},
            [whole('"x" must validate one and only one schema (oneOf). Found 2 valid alternatives')],
        ),
        (
            {**INTEGER, "anyOf": [{"minimum": 5}, {"maximum": 2}]},
            3,
            [
                whole('"x" must validate at least one schema (anyOf)'),
                "x: Invalid value: 3: x in body should be greater than or equal to 5",
            ],
        ),
        ({**INTEGER, "anyOf": [{"minimum": 5}, {"maximum": 2}]}, 1, []),
        (
            {**INTEGER, "allOf": [{"minimum": 5}, {"maximum": 9}]},
            3,
            [
                "x: Invalid value: 3: x in body should be greater than or equal to 5",
                whole('"x" must validate all the schemas (allOf)'),
            ],
        ),
        (
            {**INTEGER, "allOf": [{"minimum": 5}]},
            3,
            [
                "x: Invalid value: 3: x in body should be greater than or equal to 5",
                whole('"x" must validate all the schemas (allOf). None validated'),
            ],
        ),
        ({**INTEGER, "not": {"enum": [3]}}, 3, [whole('"x" must not validate the schema (not)')]),
        ({**INTEGER, "not": {"enum": [3]}}, 4, []),
    ],
)
def test_junctors(schema: dict[str, Any], value: Any, errors: list[str]) -> None:
    assert refusals(schema, value) == errors


@pytest.mark.parametrize(
    ("schema", "value", "errors"),
    [
        ({"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"}, ["a", "b"], []),
        (
            {"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"},
            ["a", "b", "a", "a"],
            ['x[2]: Duplicate value: "a"'],
        ),
        (
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["a"],
                "items": {**AB, "required": ["a"]},
            },
            [{"a": "1"}, {"a": "1", "b": "2"}],
            ['x[1]: Duplicate value: {"a":"1"}'],
        ),
        (
            {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["a", "b"],
                "items": AB,
            },
            [{"a": "1"}, {"a": "1", "b": "2"}, {"a": "1"}],
            ['x[2]: Duplicate value: {"a":"1"}'],
        ),
    ],
)
def test_list_types(schema: dict[str, Any], value: Any, errors: list[str]) -> None:
    found = [str(error) for error in ObjectSchema(of(schema)).validate({"x": value})]
    assert found == errors


SHORT = {**TEXT, "maxLength": 2}
KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "properties": {"k": TEXT, "v": SHORT}},
}


@pytest.mark.parametrize(
    ("schema", "old", "new", "fields"),
    [
        (SHORT, "long", "long", []),
        (SHORT, "long", "longer", ["x"]),
        ({"type": "object", "properties": {"a": SHORT, "b": TEXT}}, {"a": "long"}, {"a": "long", "b": "1"}, []),
        ({"type": "object", "properties": {"a": SHORT}, "required": ["b"]}, {"a": ""}, {"a": "1"}, ["x.b"]),
        (KEYED, [{"k": "1", "v": "long"}], [{"k": "2"}, {"k": "1", "v": "long"}], []),
        (KEYED, [{"k": "1", "v": "long"}], [{"k": "2", "v": "long"}], ["x[0].v"]),
        ({"type": "array", "items": SHORT}, ["long"], ["long", "a"], ["x[0]"]),
        ({"type": "array", "items": SHORT}, ["long"], ["long"], []),
        ({"type": "object", "additionalProperties": SHORT}, {"a": "long"}, {"a": "long", "b": ""}, []),
    ],
)
def test_what_has_not_changed_is_not_refused(schema: dict[str, Any], old: Any, new: Any, fields: list[str]) -> None:
    errors = ObjectSchema(of(schema)).validate({"x": new}, {"x": old})
    assert [error.field for error in errors] == fields


def test_duplicates_that_were_there_may_stay() -> None:
    schema = of({"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"})
    whole = ObjectSchema(schema)
    assert whole.validate({"x": ["a", "a", "b"]}, {"x": ["a", "a"]}) == []
    assert [error.field for error in whole.validate({"x": ["a", "a"]}, {"x": ["a"]})] == ["x[1]"]


def test_embedded_resources_need_a_type_and_good_metadata() -> None:
    schema = of(
        {"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}
    )
    found = [str(error) for error in ObjectSchema(schema).validate({"x": {"a": 1}})]
    assert found == ["x.apiVersion: Required value", "x.kind: Required value"]
    inner = {"apiVersion": "a/b/c", "kind": "A b", "metadata": {"name": "a/b"}}
    fields = [error.field for error in ObjectSchema(schema).validate({"x": inner})]
    assert fields == ["x.apiVersion", "x.kind", "x.metadata.name"]


def test_a_status_is_validated_by_itself() -> None:
    schema = {
        "type": "object",
        "required": ["spec"],
        "properties": {"spec": TEXT, "status": {"type": "object", "properties": {"a": SHORT}}},
    }
    errors = ObjectSchema(schema).validate_status({"status": {"a": "long"}}, {"status": {}})
    assert [str(error) for error in errors] == ["status.a: Too long: may not be more than 2 bytes"]
