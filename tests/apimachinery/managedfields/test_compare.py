from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery.managedfields.compare import compare
from pynetes.apimachinery.managedfields.items import TypedError
from pynetes.apimachinery.managedfields.schema_types import of_custom_resource
from pynetes.apimachinery.managedfields.types import DEDUCED

ITEM = {"type": "object", "properties": {"name": {"type": "string"}, "value": {"type": "integer"}}}
KIND = of_custom_resource(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "n": {"type": "integer"},
                    "m": {"type": "object", "additionalProperties": {"type": "string"}},
                    "atomic": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": True},
                    "list": {"type": "array", "items": ITEM},
                    "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                    "keyed": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name"],
                        "items": ITEM,
                    },
                },
            }
        },
    }
)
A, B = 'k:{"name":"a"}', 'k:{"name":"b"}'


def spec(**fields: Any) -> dict[str, Any]:
    return {"spec": fields}


@pytest.mark.parametrize(
    ("old", "new", "added", "modified", "removed"),
    [
        (spec(n=1), spec(n=1), {}, {}, {}),
        (spec(n=1), spec(n=2), {}, {"f:n": {}}, {}),
        (spec(), spec(n=1), {"f:n": {}}, {}, {}),
        (spec(n=1), spec(), {}, {}, {"f:n": {}}),
        (spec(n=None), spec(n=1), {}, {"f:n": {}}, {}),
        (spec(), spec(m={"x": "1"}), {"f:m": {".": {}, "f:x": {}}}, {}, {}),
        (spec(m={}), spec(m={"x": "1"}), {"f:m": {"f:x": {}}}, {}, {}),
        (spec(m=None), spec(m={"x": "1"}), {"f:m": {"f:x": {}}}, {}, {}),
        (spec(m={"x": "1"}), spec(m={}), {}, {}, {"f:m": {"f:x": {}}}),
        (spec(), spec(m={}), {"f:m": {}}, {}, {}),
        (spec(m=None), spec(m={}), {}, {"f:m": {}}, {}),
        (spec(m={"x": "1", "y": "2"}), spec(m={"x": "3"}), {}, {"f:m": {"f:x": {}}}, {"f:m": {"f:y": {}}}),
        (spec(atomic={"x": 1}), spec(atomic={"x": 2}), {}, {"f:atomic": {}}, {}),
        (spec(), spec(atomic={"x": {"y": 2}}), {"f:atomic": {}}, {}, {}),
        (spec(list=[]), spec(list=[{"name": "a"}]), {}, {"f:list": {}}, {}),
        (spec(), spec(list=[{"name": "a"}]), {"f:list": {}}, {}, {}),
        (spec(set=["a"]), spec(set=["b", "a"]), {"f:set": {'v:"b"': {}}}, {}, {}),
        (spec(set=["a", "b"]), spec(set=["b", "a"]), {}, {}, {}),
        (spec(), spec(set=["b", "a"]), {"f:set": {".": {}, 'v:"a"': {}, 'v:"b"': {}}}, {}, {}),
        (spec(set=["a"]), spec(set=[]), {}, {}, {"f:set": {'v:"a"': {}}}),
        (
            spec(keyed=[{"name": "a", "value": 1}, {"name": "b"}]),
            spec(keyed=[{"name": "b", "value": 2}, {"name": "a", "value": 3}]),
            {"f:keyed": {B: {"f:value": {}}}},
            {"f:keyed": {A: {"f:value": {}}}},
            {},
        ),
        (
            spec(keyed=[{"name": "a"}]),
            spec(keyed=[{"name": "b"}]),
            {"f:keyed": {B: {".": {}, "f:name": {}}}},
            {},
            {"f:keyed": {A: {".": {}, "f:name": {}}}},
        ),
        # Items that are there twice are owned as one.
        (spec(set=["a", "a"]), spec(set=["a", "a"]), {}, {}, {}),
        (spec(set=["a"]), spec(set=["a", "a"]), {"f:set": {'v:"a"': {}}}, {}, {"f:set": {'v:"a"': {}}}),
        (spec(set=["a", "a"]), spec(set=["a"]), {"f:set": {'v:"a"': {}}}, {}, {"f:set": {'v:"a"': {}}}),
        (spec(set=["a", "a"]), spec(set=[]), {}, {}, {"f:set": {'v:"a"': {}}}),
        (spec(set=["a", "a"]), spec(set=["a", "a", "a"]), {}, {"f:set": {'v:"a"': {}}}, {}),
    ],
)
def test_changes(old: Any, new: Any, added: Any, modified: Any, removed: Any) -> None:
    changes = compare(old, new, KIND)
    expected = [{"f:spec": fields} if fields else {} for fields in (added, modified, removed)]
    assert orjson.dumps([changes.added, changes.modified, changes.removed]) == orjson.dumps(expected)


@pytest.mark.parametrize(
    ("old", "new", "added", "modified", "removed"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, {"f:a": {"f:c": {}}}, {"f:a": {"f:b": {}}}, {}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {}, {"f:a": {}}, {}),
        ({"a": 1}, {"a": {"b": 1}}, {"f:a": {"f:b": {}}}, {"f:a": {}}, {}),
        ({"a": {"b": 1}}, {"a": 1}, {}, {"f:a": {}}, {"f:a": {"f:b": {}}}),
        ({"a": {"b": 1}}, {"a": [1]}, {}, {"f:a": {}}, {"f:a": {"f:b": {}}}),
        ({"a": 1}, {"a": True}, {}, {"f:a": {}}, {}),
        ({"a": {"b": 0}}, {"a": {"b": False}}, {}, {"f:a": {"f:b": {}}}, {}),
    ],
)
def test_values_without_a_schema(old: Any, new: Any, added: Any, modified: Any, removed: Any) -> None:
    changes = compare(old, new, DEDUCED)
    assert (changes.added, changes.modified, changes.removed) == (added, modified, removed)


def test_values_that_python_takes_for_equal_differ_however_deep() -> None:
    free = of_custom_resource({"type": "object", "properties": {"spec": {"type": "object"}}})
    changes = compare({"spec": {"a": {"b": 1}}}, {"spec": {"a": {"b": True}}}, free)
    assert changes.modified == {"f:spec": {"f:a": {"f:b": {}}}}
    assert compare({"spec": {"a": 1}}, {"spec": {"a": 1}}, free).same


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (spec(keyed=[None]), "element 0: associative list with keys may not have a null element"),
        (spec(keyed=["x"]), "element 0: associative list with keys may not have non-map elements"),
        (spec(keyed=[{"value": 1}]), "element 0: associative list with keys has an element that omits all key fields"),
        (spec(set=["a", None]), "element 1: associative list without keys has an element that's an explicit null"),
        (spec(set=[{}]), "element 0: associative list without keys has an element that's a map type"),
        (spec(set=[[]]), "element 0: not supported: associative list with lists as elements"),
    ],
)
def test_items_without_identity(value: Any, message: str) -> None:
    with pytest.raises(TypedError, match=message):
        compare({"spec": {}}, value, KIND)


json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text("ab", max_size=2)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", max_size=1), inner, max_size=3)
    ),
    max_leaves=10,
)
objects = st.dictionaries(st.sampled_from("abc"), json, max_size=3)


@given(objects, objects)
def test_a_comparison_and_its_reverse_mirror_each_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    there, back = compare(one, other, DEDUCED), compare(other, one, DEDUCED)
    assert (there.added, there.removed, there.modified) == (back.removed, back.added, back.modified)
    assert compare(one, one, DEDUCED).same
    assert there.same == (
        orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    )
