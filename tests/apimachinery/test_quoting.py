"""Texts in messages look as Go's `%q` makes them."""

import pytest

from pynetes.apimachinery.quoting import go_quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é", '"plain é"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\nb\t\x00\x7f", '"a\\nb\\t\\x00\\x7f"'),
        ("\u2028\uffff\U000e0001", '"\\u2028\\uffff\\U000e0001"'),
    ],
)
def test_what_cannot_be_printed_is_escaped(text: str, shown: str) -> None:
    assert go_quoted(text) == shown
