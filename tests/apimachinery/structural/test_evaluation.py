"""Validation rules against objects: messages, paths, reasons, old values, ratcheting, budgets."""

from typing import Any

import pytest

from pynetes.apimachinery.structural.evaluation import rules_of, run_rules
from pynetes.apimachinery.structural.objectschema import ObjectSchema

RULES = "x-kubernetes-validations"
INTEGER, TEXT = {"type": "integer"}, {"type": "string"}


def of(node: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": node}}


def run(node: dict[str, Any], value: Any, old: Any = None, **options: Any) -> list[str]:
    schema = of(node)
    rules = rules_of(schema)
    assert rules is not None
    before = {"x": old} if old is not None else None
    return [str(error) for error in run_rules(rules, {"x": value}, before, schema, **options).errors]


def ruled(kind: dict[str, Any], rule: str, **more: Any) -> dict[str, Any]:
    return {**kind, RULES: [{"rule": rule, **more}]}


@pytest.mark.parametrize(
    ("node", "value", "errors"),
    [
        (ruled(INTEGER, "self > 1"), 2, []),
        (ruled(INTEGER, "self > 1"), 1, ["x: Invalid value: 1: failed rule: self > 1"]),
        (ruled(INTEGER, "self > 1", message=" too small "), 1, ["x: Invalid value: 1: too small"]),
        (ruled(INTEGER, "self > 1", messageExpression="'not ' + string(self)"), 1, ["x: Invalid value: 1: not 1"]),
        (
            ruled(INTEGER, "self > 1", messageExpression="''", message="m"),
            1,
            ["x: Invalid value: 1: m"],
        ),
        (ruled(INTEGER, "self > 1", reason="FieldValueForbidden", message="m"), 1, ["x: Forbidden: m"]),
        (ruled(INTEGER, "self > 1", reason="FieldValueRequired", message="m"), 1, ["x: Required value: m"]),
        (ruled(INTEGER, "self > 1", reason="FieldValueDuplicate", message="m"), 1, ["x: Duplicate value: 1"]),
        (
            ruled({"type": "object", "properties": {"a": INTEGER}}, "self.a > 1", fieldPath=".a", message="m"),
            {"a": 1},
            ["x.a: Invalid value: m"],
        ),
        (
            {"type": "array", "items": ruled(INTEGER, "self > 1")},
            [2, 1],
            ["x[1]: Invalid value: 1: failed rule: self > 1"],
        ),
        (
            {"type": "object", "additionalProperties": ruled(INTEGER, "self > 1")},
            {"a": 1},
            ["x[a]: Invalid value: 1: failed rule: self > 1"],
        ),
        (
            ruled(INTEGER, "10 / self == 2"),
            0,
            ['x: Invalid value: "integer": division by zero evaluating rule: 10 / self == 2'],
        ),
        (ruled({"type": "string", "format": "duration"}, "self < duration('1h')"), "30m", []),
        (ruled({"x-kubernetes-int-or-string": True}, "type(self) == int ? self < 5 : self == 'x'"), "x", []),
        (ruled({**INTEGER, "nullable": True}, "self > 1"), None, []),
    ],
)
def test_rules(node: dict[str, Any], value: Any, errors: list[str]) -> None:
    assert run(node, value) == errors


KEYED = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["k"],
    "items": {"type": "object", "properties": {"k": TEXT, "v": ruled(INTEGER, "self >= oldSelf", message="shrunk")}},
}


@pytest.mark.parametrize(
    ("node", "old", "new", "fields"),
    [
        (ruled(INTEGER, "self >= oldSelf"), None, 1, []),
        (ruled(INTEGER, "self >= oldSelf"), 2, 1, ["x"]),
        (ruled(INTEGER, "oldSelf.hasValue() || self == 1", optionalOldSelf=True), None, 2, ["x"]),
        (ruled(INTEGER, "oldSelf.hasValue() || self == 1", optionalOldSelf=True), 1, 2, []),
        (KEYED, [{"k": "a", "v": 2}, {"k": "b", "v": 1}], [{"k": "b", "v": 1}, {"k": "a", "v": 1}], ["x[1].v"]),
        (KEYED, [{"k": "a", "v": 2}], [{"k": "c", "v": 1}], []),
    ],
)
def test_rules_that_look_back(node: dict[str, Any], old: Any, new: Any, fields: list[str]) -> None:
    assert [text.partition(":")[0] for text in run(node, new, old)] == fields


def test_what_has_not_changed_is_only_warned_of() -> None:
    schema = {
        "type": "object",
        "properties": {"a": ruled(INTEGER, "self > 1"), "b": INTEGER, "c": ruled(INTEGER, "self > oldSelf")},
    }
    rules = rules_of(schema)
    assert rules is not None
    found = run_rules(rules, {"a": 0, "b": 2, "c": 1}, {"a": 0, "b": 1, "c": 1}, schema)
    assert found.warnings == ["a: Invalid value: 0: failed rule: self > 1"]
    assert [error.field for error in found.errors] == ["c"]


def test_a_budget_ends() -> None:
    node = {"type": "array", "items": ruled(INTEGER, "self > 1")}
    text = "validation failed due to running out of cost budget, no further validation rules will be run"
    assert run(node, [2, 2, 2, 2], budget=6) == [f'x[3]: Invalid value: "integer": {text}']


def test_one_call_has_a_limit_of_its_own() -> None:
    node = ruled({"type": "array", "items": INTEGER}, "self.all(a, self.all(b, self.all(c, a + b + c > 0)))")
    (text,) = run(node, [1] * 100)
    assert text.startswith("x: Invalid value: \"array\": 'operation cancelled: actual cost limit exceeded': no further")


def test_an_object_of_a_wrong_form_is_not_asked() -> None:
    schema = ObjectSchema(of(ruled(INTEGER, "self > 1")))
    obj = {"x": "a"}
    errors, _ = schema.run_rules(obj, None, schema.validate(obj))
    assert [str(error) for error in errors] == [
        "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct "
        "the existing errors to complete validation"
    ]
