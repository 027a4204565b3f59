from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.fieldset import FieldSet, Path

element = st.sampled_from(["f:a", "f:b", "f:c", 'k:{"name":"x"}', 'k:{"name":"y"}', 'v:"z"', "v:1", "i:0"])
path = st.lists(element, min_size=1, max_size=4).map(tuple)
paths = st.sets(path, max_size=12)


def of(members: set[Path]) -> FieldSet:
    return fieldset.of_paths(*members)


def members(a: FieldSet) -> set[Path]:
    found = list(fieldset.paths(a))
    assert len(found) == len(set(found))
    return set(found)


@given(paths)
def test_a_set_has_what_it_was_made_of(a: set[Path]) -> None:
    assert members(of(a)) == a
    assert all(fieldset.has(of(a), member) for member in a)
    assert not fieldset.has(of(a), ("f:none",))
    assert not fieldset.has(of(a), ())


@given(paths, paths)
def test_union_intersection_and_difference_are_those_of_sets(a: set[Path], b: set[Path]) -> None:
    assert members(fieldset.union(of(a), of(b))) == a | b
    assert members(fieldset.intersection(of(a), of(b))) == a & b
    assert members(fieldset.difference(of(a), of(b))) == a - b


@given(paths, paths)
def test_recursive_difference_takes_what_is_below_too(a: set[Path], b: set[Path]) -> None:
    left = {member for member in a if not any(member[: len(gone)] == gone for gone in b)}
    assert members(fieldset.recursive_difference(of(a), of(b))) == left


@given(paths, paths)
def test_equal_sets_are_equal_texts(a: set[Path], b: set[Path]) -> None:
    one = fieldset.union(of(a), of(b))
    assert orjson.dumps(one) == orjson.dumps(fieldset.union(of(b), of(a)))
    assert orjson.dumps(fieldset.difference(one, of(set()))) == orjson.dumps(one)
    assert orjson.dumps(fieldset.difference(fieldset.union(one, of(b)), of(a))) == orjson.dumps(of((a | b) - a))


@given(paths)
def test_parsing_gives_back_what_was_written(a: set[Path]) -> None:
    text = orjson.dumps(of(a))
    assert orjson.dumps(fieldset.parse(orjson.loads(text))) == text


@given(paths, paths)
def test_nothing_changes_its_arguments(a: set[Path], b: set[Path]) -> None:
    left, right = of(a), of(b)
    before = orjson.dumps((left, right))
    for operation in (fieldset.union, fieldset.intersection, fieldset.difference, fieldset.recursive_difference):
        operation(left, right)
    assert orjson.dumps((left, right)) == before


@pytest.mark.parametrize(
    ("raw", "parsed"),
    [
        (None, {}),
        ({}, {}),
        ({"f:a": None}, {"f:a": {}}),
        ({"f:b": {}, "f:a": {}}, {"f:a": {}, "f:b": {}}),
        ({"f:a": {".": {}}}, {"f:a": {}}),
        ({"f:a": {".": {}, "f:b": {}}}, {"f:a": {".": {}, "f:b": {}}}),
        ({"f:a": {"z:unknown": {}}}, {"f:a": {}}),
        ({"z:unknown": {"f:a": {}}}, {}),
        ({'k:{"b":1, "a":2}': {"f:x": {}}}, {'k:{"a":2,"b":1}': {"f:x": {}}}),
        ({"v:1": {}, "v:1.0": {"f:a": {}}}, {"v:1": {".": {}, "f:a": {}}}),
    ],
)
def test_what_clients_write_is_made_canonical(raw: Any, parsed: FieldSet) -> None:
    assert orjson.dumps(fieldset.parse(raw)) == orjson.dumps(parsed)


@pytest.mark.parametrize("raw", ["f:a", [1], {"a": {}}, {"f:a": 1}, {"f:a": ["x"]}, {"v:{": {}}])
def test_what_is_no_set(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        fieldset.parse(raw)


def test_fields_by_name() -> None:
    assert fieldset.fields("status", "metadata.labels") == {"f:metadata": {"f:labels": {}}, "f:status": {}}
