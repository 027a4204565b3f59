import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.patch import body, merge_patch


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": 1}, {"a": None}, {"b": 1}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1, None]}, {"a": [1, None]}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)
def test_rfc_7386(document: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy((document, patch))
    assert merge_patch.apply(document, patch) == result
    assert (document, patch) == before


def test_a_patch_must_be_an_object() -> None:
    with pytest.raises(StatusError, match="Invalid JSON Patch"):
        merge_patch.apply({}, [1])
    with pytest.raises(StatusError) as caught:
        body.merge_patch(b"[1]")
    assert caught.value.message == (
        "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
    )
    assert body.merge_patch(b'{"a":{"b":1,"b":2.5}}') == ({"a": {"b": 2.5}}, ['duplicate field "a.b"'])
    assert body.merge_patch(b"null", strategic=True) == ({}, [])
    with pytest.raises(StatusError, match="Invalid JSON Patch"):
        body.merge_patch(b"null")
    with pytest.raises(StatusError) as caught:
        body.merge_patch(b'{"a":-1e400}')
    assert caught.value.message == (
        "error decoding patch: json: cannot unmarshal number -1e400 into Go value of type float64"
    )


documents = st.recursive(
    st.integers(0, 3) | st.booleans() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), documents, max_size=3)


@given(objects, objects)
def test_a_diff_applies(original: dict[str, Any], modified: dict[str, Any]) -> None:
    patched = merge_patch.apply(original, merge_patch.diff(original, modified))
    assert repr(_sorted(patched)) == repr(_sorted(modified))  # repr: True is not 1


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
