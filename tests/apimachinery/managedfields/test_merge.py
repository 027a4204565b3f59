from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.compare import compare
from pynetes.apimachinery.managedfields.extract import fields_of
from pynetes.apimachinery.managedfields.items import TypedError
from pynetes.apimachinery.managedfields.merge import interleave, merge, remove
from pynetes.apimachinery.managedfields.schema_types import of_custom_resource
from pynetes.apimachinery.managedfields.types import DEDUCED

KIND = of_custom_resource(
    {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "atomic": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": {"type": "string"}},
            "list": {"type": "array", "items": {"type": "integer"}},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "keyed": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "v": {"type": "integer"}, "w": {"type": "integer"}},
                },
            },
        },
    }
)


@pytest.mark.parametrize(
    ("live", "config", "merged"),
    [
        ({}, {"n": 1}, {"n": 1}),
        ({"n": 1}, {}, {"n": 1}),
        ({"n": 1}, {"n": 2}, {"n": 2}),
        ({"n": 1}, {"n": None}, {"n": None}),
        ({"m": {"a": "1"}}, {"m": {"b": "2"}}, {"m": {"a": "1", "b": "2"}}),
        ({"m": {"a": "1"}}, {"m": None}, {"m": {"a": "1"}}),
        ({"m": {"a": "1"}}, {"m": {}}, {"m": {"a": "1"}}),
        ({"m": {}}, {"m": None}, {"m": None}),
        ({"atomic": {"a": "1"}}, {"atomic": {"b": "2"}}, {"atomic": {"b": "2"}}),
        ({"atomic": {"a": "1"}}, {"atomic": None}, {"atomic": None}),
        ({"list": [1, 2]}, {"list": [3]}, {"list": [3]}),
        ({"set": ["a", "b"]}, {"set": ["c", "a"]}, {"set": ["c", "a", "b"]}),
        ({"set": ["a", "a", "b"]}, {"set": ["c"]}, {"set": ["a", "a", "b", "c"]}),
        ({"set": ["a", "a", "b"]}, {"set": ["a"]}, {"set": ["a", "b"]}),
        (
            {"keyed": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]},
            {"keyed": [{"name": "b", "w": 3}, {"name": "c"}]},
            {"keyed": [{"name": "a", "v": 1}, {"name": "b", "v": 2, "w": 3}, {"name": "c"}]},
        ),
        (
            {"keyed": [{"name": "a", "v": 1}, {"name": "a", "v": 2}]},
            {"keyed": [{"name": "a", "w": 3}]},
            {"keyed": [{"name": "a", "w": 3}]},
        ),
    ],
)
def test_merges(live: Any, config: Any, merged: Any) -> None:
    assert merge(live, config, KIND) == merged


@pytest.mark.parametrize(
    ("left", "right", "merged"),
    [
        ("abc", "", "abc"),
        ("", "abc", "abc"),
        ("abc", "abc", "abc"),
        ("abc", "d", "abcd"),
        ("abc", "cb", "acb"),
        ("abcd", "db", "acdb"),
        ("abc", "xb", "axbc"),
        ("abc", "bx", "abcx"),
        ("xaybz", "ba", "xybza"),
        ("1a2b3", "c4a5b6", "1c4a25b36"),
    ],
)
def test_order_of_merged_lists(left: str, right: str, merged: str) -> None:
    assert "".join(element for element, _ in interleave(list(left), list(right))) == merged


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("defghi"), unique=True))
def test_a_merged_list_has_all_once_and_keeps_the_order_of_the_configuration(left: list[str], right: list[str]) -> None:
    merged = [element for element, _ in interleave(left, right)]
    assert sorted(merged) == sorted({*left, *right})
    assert [element for element in merged if element in right] == right
    only = [element for element in left if element not in right]
    assert [element for element in merged if element in only] == only
    again = [element for element, _ in interleave(merged, right)]
    assert again == merged


def test_a_configuration_must_not_say_things_twice() -> None:
    with pytest.raises(TypedError, match="duplicate entries for key"):
        merge({"set": []}, {"set": ["a", "a"]}, KIND)


A = 'k:{"name":"a"}'


@pytest.mark.parametrize(
    ("value", "gone", "left"),
    [
        ({"n": 1, "m": {"a": "1"}}, {"f:n": {}}, {"m": {"a": "1"}}),
        ({"m": {"a": "1", "b": "2"}}, {"f:m": {"f:a": {}}}, {"m": {"b": "2"}}),
        ({"m": {"a": "1"}}, {"f:m": {"f:a": {}}}, {"m": {}}),
        ({"m": {"a": "1"}}, {"f:m": {".": {}, "f:a": {}}}, {}),
        ({"atomic": {"a": "1"}}, {"f:atomic": {"f:a": {}}}, {"atomic": {}}),
        ({"set": ["a", "b"]}, {"f:set": {'v:"a"': {}}}, {"set": ["b"]}),
        ({"set": ["a"]}, {"f:set": {'v:"a"': {}}}, {"set": []}),
        ({"keyed": [{"name": "a", "v": 1}]}, {"f:keyed": {A: {"f:v": {}}}}, {"keyed": [{"name": "a"}]}),
        ({"keyed": [{"name": "a", "v": 1}]}, {"f:keyed": {A: {".": {}, "f:v": {}}}}, {"keyed": []}),
        ({"n": 1}, {"f:other": {}}, {"n": 1}),
    ],
)
def test_removals(value: Any, gone: Any, left: Any) -> None:
    assert remove(value, gone, KIND) == left


values = st.recursive(
    st.one_of(st.integers(-3, 3), st.text("ab", max_size=1)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text("abc", min_size=1, max_size=1), inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(objects, objects)
def test_merging_is_idempotent_and_gives_the_configuration_its_way(
    live: dict[str, Any], config: dict[str, Any]
) -> None:
    merged = merge(live, config, DEDUCED)
    assert merge(merged, config, DEDUCED) == merged
    assert compare(merge(config, merged, DEDUCED), merged, DEDUCED).same
    changed = fieldset.intersection(fields_of(config, DEDUCED), compare(config, merged, DEDUCED).modified)
    assert changed == {}


@given(objects)
def test_removing_all_that_is_stated_leaves_nothing(value: dict[str, Any]) -> None:
    assert remove(value, fields_of(value, DEDUCED), DEDUCED) == {}
