"""YAML as go-yaml writes it."""

import pytest

from pynetes.apimachinery import yaml_writer


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain text", "plain text"),
        ("205", '"205"'),
        ("1e3", '"1e3"'),
        ("0x1f", '"0x1f"'),
        ("12:30", '"12:30"'),
        ("no", '"no"'),
        ("y", '"y"'),
        ("", '""'),
        ("~", '"~"'),
        ("2026-11-30T09:41:55Z", '"2026-11-30T09:41:55Z"'),
        ("2026-11-30", '"2026-11-30"'),
        ("a: b", "'a: b'"),
        ("*", "'*'"),
        ("tab\there", '"tab\\there"'),
        ("1.2.3", "1.2.3"),
        (".inf", '".inf"'),
        ("two\nlines", "|-\n  two\n  lines"),
        ("word " * 17 + "end", ("word " * 16).rstrip() + "\n  word end"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        (7, "7"),
    ],
)
def test_scalars(value: object, text: str) -> None:
    assert yaml_writer.dump({"a": value}).decode() == f"a: {text}\n"


def test_keys_are_sorted_and_nothing_is_an_alias() -> None:
    shared = {"x": "1"}
    assert yaml_writer.dump({"b": [shared, shared], "a": shared}) == b'a:\n  x: "1"\nb:\n- x: "1"\n- x: "1"\n'
