from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery.managedfields import elements

scalars = st.one_of(st.text(), st.booleans(), st.integers(-(2**53), 2**53), st.none())


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("f:spec", "f:spec"),
        ("f:", "f:"),
        ("f:a.b/c", "f:a.b/c"),
        ("i:007", "i:7"),
        ('v: "a"', 'v:"a"'),
        ("v:5.0", "v:5"),
        ("v:1.5", "v:1.5"),
        ('k:{"protocol": "TCP", "containerPort": 80.0}', 'k:{"containerPort":80,"protocol":"TCP"}'),
        ('k:{"name":"a<b"}', 'k:{"name":"a\\u003cb"}'),
        ("z:later", ""),
    ],
)
def test_one_spelling(written: str, canonical: str) -> None:
    assert elements.canonical(written) == canonical


@pytest.mark.parametrize("text", ["", "f", "spec", "i:x", "v:{", "k:{", "k:[1]"])
def test_what_is_no_element(text: str) -> None:
    with pytest.raises(elements.ElementError):
        elements.canonical(text)


@given(st.one_of(scalars.map(elements.of_value), st.dictionaries(st.text(), scalars).map(elements.of_key)))
def test_made_elements_are_canonical(element: str) -> None:
    assert elements.canonical(element) == element


@pytest.mark.parametrize(
    "ordered",
    [
        [".", "f:a", "f:b", 'k:{"name":"a"}', 'v:"a"', "i:0"],
        ["v:2", "v:10", 'v:"10"', 'v:"2"', "v:false", "v:true", "v:null"],
        ['v:"a"', 'v:"a b"', 'v:"ab"'],
        ['k:{"containerPort":80,"protocol":"TCP"}', 'k:{"containerPort":443,"protocol":"TCP"}'],
        ['k:{"a":1}', 'k:{"a":1,"b":1}', 'k:{"b":0}'],
        ["i:2", "i:10"],
    ],
)
def test_order(ordered: list[str]) -> None:
    backwards = list(reversed(ordered))
    assert sorted(backwards, key=elements.order) == ordered


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("f:spec", "f:replicas"), ".spec.replicas"),
        (("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}'), '.spec.ports[port=80,protocol="TCP"]'),
        (("f:metadata", "f:finalizers", 'v:"a/b"'), '.metadata.finalizers[="a/b"]'),
        (("f:a", "i:3"), ".a[3]"),
        (("f:a", "v:true"), ".a[=true]"),
    ],
)
def test_paths_in_messages(path: tuple[str, ...], shown: str) -> None:
    assert elements.show_path(path) == shown


@given(st.lists(st.one_of(scalars, st.lists(scalars), st.dictionaries(st.text(), scalars)), min_size=2))
def test_every_pair_of_values_has_an_order(values: list[Any]) -> None:
    made = [elements.of_value(value) for value in values]
    backwards = list(reversed(made))
    assert sorted(made, key=elements.order) == sorted(backwards, key=elements.order)
