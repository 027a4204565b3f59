"""Arithmetic on sets of addresses, against the same with Python's sets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynetes.cloud.providers.local.addresses import Addresses, parse, parse_list

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))), max_size=5)


def made(ranges: list[tuple[int, int]]) -> Addresses:
    return parse([f"192.0.2.{first}-192.0.2.{last}" for first, last in ranges])


@settings(max_examples=50, deadline=None)
@given(RANGES, RANGES)
def test_sets_of_addresses_are_sets(one: list[tuple[int, int]], two: list[tuple[int, int]]) -> None:
    first, second = made(one), made(two)
    for result, wanted in (
        (first | second, set(first) | set(second)),
        (first - second, set(first) - set(second)),
        (first & second, set(first) & set(second)),
    ):
        assert set(result) == wanted
        assert len(result) == len(wanted) == len(list(result))
        assert all(f"192.0.2.{i}" in result for i in range(60)) == (len(wanted) == 60)
        assert {address for address in first if address in result} == wanted & set(first)
        assert parse(result.texts()) == result, "written in one way only"


def test_addresses_are_written_as_people_write_them() -> None:
    found = parse(["192.0.2.9", "192.0.2.0/31", "192.0.2.2-192.0.2.4"])
    assert found.texts() == ["192.0.2.0-192.0.2.4", "192.0.2.9"]
    for other in ("192.0.2.5", "::1", "web", ""):
        assert other not in found
    assert list(parse_list("10.0.0.1 - 10.0.0.2, 10.0.1.0/31")) == ["10.0.0.1", "10.0.0.2", "10.0.1.0", "10.0.1.1"]
    assert len(parse(["0.0.0.0/0"])) == 2**32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.9-10.0.0.1", "ends before it begins"),
        ("fd00::/120", "neither a range nor a CIDR of IPv4 addresses"),
        ("10.0.0.1/24", "has host bits set"),
        ("10.0.0.0/30,10.0.0.3-10.0.0.4", "10.0.0.3 is in two ranges"),
        ("10.0.0.1,", "'' is neither a range nor a CIDR"),
        ("everything", "neither a range nor a CIDR"),
    ],
)
def test_what_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_list(text)
