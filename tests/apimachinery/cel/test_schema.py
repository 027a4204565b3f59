"""Structural schemas as types, and objects as their values."""

from typing import Any

import pytest

from pynetes.apimachinery.cel import schema
from pynetes.apimachinery.cel.cost import DeclaredSizes
from pynetes.apimachinery.cel.environment import Environment
from pynetes.apimachinery.cel.escaping import escape, unescape
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.types import DeclType

TEXT = {"type": "string"}


def objects(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def declared(structural: dict[str, Any], *, root: bool = False) -> DeclType:
    found = schema.declare(structural, resource_root=root)
    assert found is not None
    return found.named("selfType1")


def evaluate(structural: dict[str, Any], text: str, value: Any, *, root: bool = False) -> Any:
    environment = Environment({"self": declared(structural, root=root)})
    convert = schema.converter(structural)
    program = environment.compile(text).program()
    outcome = program.evaluate({"self": convert(value) if convert is not None else value})
    return outcome.error or outcome.value


@pytest.mark.parametrize(
    ("structural", "text", "value"),
    [
        (objects(a={"type": "integer"}), "self.a == 1 && has(self.a)", {"a": 1}),
        (objects(a={"type": "number"}), "self.a + 0.5 == 2.5", {"a": 2}),
        (objects(a={"type": "boolean"}), "self.a", {"a": True}),
        (objects(namespace=TEXT), "self.namespace == 'x' && self.__namespace__ == 'x'", {"namespace": "x"}),
        (objects(**{"a-b": TEXT, "c.d/e": TEXT}), "self.a__dash__b + self.c__dot__d__slash__e == 'xy'",
         {"a-b": "x", "c.d/e": "y"}),
        (objects(__a=TEXT), "self.__underscores__a == 'x'", {"__a": "x"}),
        (objects(t={**TEXT, "format": "date-time"}), "self.t.getFullYear() == 2020", {"t": "2020-05-01T00:00:00Z"}),
        (objects(t={**TEXT, "format": "date"}), "self.t < timestamp('2021-01-01T00:00:00Z')", {"t": "2020-05-01"}),
        (objects(d={**TEXT, "format": "duration"}), "self.d == duration('90m')", {"d": "1h30m"}),
        (objects(d={**TEXT, "format": "duration"}), "self.d == duration('48h')", {"d": "2 days"}),
        (objects(b={**TEXT, "format": "byte"}), "self.b == b'abc'", {"b": "YWJj"}),
        (objects(p={"x-kubernetes-int-or-string": True}), "type(self.p) == int ? self.p > 1 : self.p == '5%'",
         {"p": 2}),
        (objects(p={"x-kubernetes-int-or-string": True}), "type(self.p) == int ? self.p > 1 : self.p == '5%'",
         {"p": "5%"}),
        (objects(m={"type": "object", "additionalProperties": {"type": "integer"}}),
         "self.m.all(k, self.m[k] > 0) && 'a-b' in self.m", {"m": {"a-b": 1}}),
        (objects(l={"type": "array", "items": objects(n=TEXT)}), "self.l.exists(e, e.n == 'x')", {"l": [{"n": "x"}]}),
        (objects(n={**TEXT, "nullable": True}), "!has(self.n)", {"n": None}),
        (objects(l={"type": "array", "items": TEXT, "x-kubernetes-list-type": "set"}),
         "self.l == ['b', 'a'] && self.l + ['a', 'c'] == ['a', 'b', 'c']", {"l": ["a", "b"]}),
        (objects(
            l={"type": "array", "items": objects(k=TEXT, v={"type": "integer"}), "x-kubernetes-list-type": "map",
               "x-kubernetes-list-map-keys": ["k"]},
         ), "(self.l + self.l).size() == 2 && self.l + self.l == self.l && self.l[1].k == 'b'",
         {"l": [{"k": "a", "v": 1}, {"k": "b"}]}),
    ],
)  # fmt: skip
def test_rules_see_what_the_schema_declares(structural: dict[str, Any], text: str, value: Any) -> None:
    assert evaluate(structural, text, value) is True


@pytest.mark.parametrize(
    ("structural", "text", "problem"),
    [
        (objects(a=TEXT), "self.b == ''", "undefined field 'b'"),
        (objects(a={"x-kubernetes-preserve-unknown-fields": True}), "self.a == 1", "undefined field 'a'"),
        (objects(**{"0a": TEXT}), "self.a == ''", "undefined field 'a'"),
        (objects(a=TEXT), "self.a == 1", "found no matching overload for '_==_' applied to '(string, int)'"),
        (objects(a=objects(b=TEXT)), "self.a.c", "undefined field 'c'"),
        (
            {"type": "object", "properties": {"a": TEXT}, "x-kubernetes-preserve-unknown-fields": True},
            "self.other",
            "undefined field 'other'",
        ),
    ],
)
def test_rules_see_nothing_else(structural: dict[str, Any], text: str, problem: str) -> None:
    with pytest.raises(CompileError, match=problem.replace("(", r"\(").replace(")", r"\)")):
        Environment({"self": declared(structural)}).compile(text)


def test_a_schema_without_a_type_cannot_be_seen() -> None:
    assert schema.declare({"x-kubernetes-preserve-unknown-fields": True}) is None
    assert schema.declare({"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": True}}) is None
    assert schema.declare(None) is None


def test_the_root_of_a_resource_has_name_and_kind() -> None:
    assert evaluate(objects(), "self.metadata.name + self.kind == 'aK'", {"metadata": {"name": "a"}, "kind": "K"},
                    root=True) is True  # fmt: skip
    with pytest.raises(CompileError, match="undefined field 'labels'"):
        Environment({"self": declared(objects(), root=True)}).compile("self.metadata.labels")


def test_objects_that_need_no_conversion_are_their_own_values() -> None:
    plain = objects(a=TEXT, b=objects(c={"type": "integer"}))
    assert schema.converter(plain) is None
    convert = schema.converter(objects(a=TEXT, n={"type": "number"}))
    value = {"a": "x", "n": 1.5}
    assert convert is not None
    assert convert(value) is value


def test_conversion_leaves_the_object_as_it_was() -> None:
    convert = schema.converter(objects(n={"type": "number"}, o={**TEXT, "nullable": True}))
    value = {"n": 1, "o": None}
    assert convert is not None
    assert convert(value) == {"n": 1.0}
    assert value == {"n": 1, "o": None}


@pytest.mark.parametrize(
    ("structural", "text", "most"),
    [
        (objects(a={**TEXT, "maxLength": 10}), "self.a.startsWith('ab')", 3),
        (objects(a={**TEXT, "maxLength": 10}), "self.a.matches('^a.*$')", 12),
        (objects(a=TEXT), "self.a.contains('x')", 314575),
        (objects(l={"type": "array", "maxItems": 5, "items": {"type": "integer"}}), "self.l.all(i, i > 0)", 28),
        (objects(l={"type": "array", "items": {"type": "integer"}}), "self.l.all(i, i > 0)", 7864318),
        (objects(l={"type": "array", "items": {**TEXT, "maxLength": 5}}), "self.l.all(s, s.size() < 5)", 6291453),
        (
            objects(m={"type": "object", "maxProperties": 3, "additionalProperties": {"type": "integer"}}),
            "self.m.all(k, self.m[k] > 0)",
            27,
        ),
        ({"type": "array", "items": {"type": "integer"}}, "self.all(x, true)", 4718591),
        (objects(e={**TEXT, "enum": ["abc", "de"]}), "self.e == 'abc'", 3),
    ],
)
def test_estimates_follow_the_schemas_bounds(structural: dict[str, Any], text: str, most: int) -> None:
    root = declared(structural)
    assert Environment({"self": root}).compile(text).estimate(DeclaredSizes(root)).max == most


def test_the_fewest_bytes_bound_how_often_a_value_can_occur() -> None:
    small = declared({"type": "object", "required": ["name"], "properties": {"name": TEXT}})
    assert small.min_size == 2 + len("name") + 2 + 4
    assert schema.max_cardinality(small.min_size) == 3 * 1024 * 1024 // 13


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("a", "a"),
        ("namespace", "__namespace__"),
        ("a-b", "a__dash__b"),
        ("a.b/c", "a__dot__b__slash__c"),
        ("__x", "__underscores__x"),
        ("a_b", "a_b"),
        ("0a", None),
        ("", None),
        ("a b", None),
        ("é", None),
    ],
)
def test_names_are_escaped(name: str, identifier: str | None) -> None:
    assert escape(name) == identifier
    if identifier is not None:
        assert unescape(identifier) == name


@pytest.mark.parametrize("identifier", ["__foo__", "a__if__"])
def test_what_escapes_nothing_is_no_name(identifier: str) -> None:
    assert unescape(identifier) is None
