from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery import quantity
from pynetes.apimachinery.quantity import Quantity, parse

CANONICAL = [
    # (written, canonical, value, milli value)
    ("0", "0", 0, 0),
    ("-", "0", 0, 0),
    ("1000m", "1", 1, 1000),
    ("100m", "100m", 1, 100),
    ("0.1", "100m", 1, 100),
    ("1024Mi", "1Gi", 2**30, 2**30 * 1000),
    ("1.5", "1500m", 2, 1500),
    ("1.500", "1.500", 2, 1500),  # all but canonical: kept as it came
    ("1.5Gi", "1536Mi", 1536 * 2**20, 1536 * 2**20 * 1000),
    ("0.1Ki", "102400m", 103, 102400),
    ("-1.5Gi", "-1536Mi", -1536 * 2**20, -1536 * 2**20 * 1000),
    ("1e3", "1e3", 1000, 10**6),
    ("12e6", "12e6", 12 * 10**6, 12 * 10**9),
    ("1E", "1E", 10**18, 10**21),
    ("1E3", "1E3", 1000, 10**6),
    ("1000", "1k", 1000, 10**6),
    ("1Ei", "1Ei", 2**60, 2**60 * 1000),
    ("512", "512", 512, 512000),
    ("2048Ki", "2Mi", 2**21, 2**21 * 1000),
    ("0.0001m", "100n", 1, 1),
    ("0.01n", "1n", 1, 1),  # finer than nano: rounded up
    ("-0.01n", "-1n", -1, -1),
    ("0.5Ki", "512", 512, 512000),
    ("0.0001Ki", "102400u", 1, 103),
    ("16Ei", "9223372036854775807", 2**63 - 1, (2**63 - 1) * 1000),  # binary forms are capped
    ("1000E", "1000E", 10**21, 10**24),
    ("+5", "+5", 5, 5000),
    ("005", "005", 5, 5000),
    ("1e-3", "1e-3", 1, 1),
    ("100e-3", "100e-3", 1, 100),
]


@pytest.mark.parametrize(("written", "canonical", "value", "milli"), CANONICAL)
def test_canonical_form_and_rounding(written: str, canonical: str, value: int, milli: int) -> None:
    found = parse(written)
    assert (str(found), found.value(), found.milli_value()) == (canonical, value, milli)


@pytest.mark.parametrize("text", ["", "abc", "1.5.5", "1 Gi", "1g5x", "1e5m", "1Gi1x"])
def test_texts_that_are_no_quantities(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert (
        str(caught.value)
        == "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )


@pytest.mark.parametrize("text", ["1ee5", "1KiMi", "1e", "1Ki5", "1i", "--1"])
def test_unknown_suffixes(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse quantity's suffix"):
        parse(text)


def test_absurd_exponents_cost_no_memory() -> None:
    with pytest.raises(ValueError, match="numeric part"):
        parse("1e999999999")


def test_numbers_as_json_has_them() -> None:
    assert [str(parse(value)) for value in (1, 0.5, 1.0, 2000)] == ["1", "500m", "1", "2k"]


def test_arithmetic_keeps_the_first_format() -> None:
    assert str(parse("1Gi") + parse("512Mi")) == "1536Mi"
    assert str(parse("1") - parse("100m")) == "900m"
    assert str(Quantity(0) + parse("1Gi")) == "1Gi"
    assert str(parse("250m") * 4) == "1"
    assert str(-parse("1Ki")) == "-1Ki"
    assert str(Quantity.milli(1500)) == "1500m"
    assert float(parse("1500m")) == 1.5


def test_order_and_equality_ignore_the_form() -> None:
    assert parse("1Ki") == parse("1024") == parse("1.024k")
    assert hash(parse("1k")) == hash(parse("1000"))
    assert parse("999m") < parse("1") <= parse("1") < parse("1Ki")
    assert parse("1") != 1
    assert not parse("0")


def test_rounding_to_milli() -> None:
    assert str(parse("1n").round_up(-3)) == "1m"
    assert str(parse("1").round_up(-3)) == "1"


def test_is_quantity() -> None:
    assert quantity.is_quantity("5Gi")
    assert not quantity.is_quantity("five")


numbers = st.builds(
    lambda number, places, suffix: (number, places, suffix),
    st.integers(-(10**9), 10**9),
    st.integers(0, 3),
    st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi", "e3"]),
)
FACTORS = {
    "": 1, "m": Fraction(1, 1000), "k": 1000, "M": 10**6, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "e3": 1000,
}  # fmt: skip


def _written(parts: tuple[int, int, str]) -> tuple[str, Fraction]:
    number, places, suffix = parts
    text = f"{abs(number):0{places + 1}d}"
    if places:
        text = f"{text[:-places]}.{text[-places:]}"
    exact = Fraction(number, 10**places) * FACTORS[suffix]
    return ("-" if number < 0 else "") + text + suffix, exact


def _exact(amount: Quantity) -> Fraction:
    return Fraction((amount * 10**9).value(), 10**9)


@given(numbers)
def test_parsing_is_exact_and_its_text_reads_back(parts: tuple[int, int, str]) -> None:
    text, exact = _written(parts)
    amount = parse(text)
    assert _exact(amount) == exact
    assert parse(str(amount)) == amount


@given(numbers, numbers)
def test_sums_differences_and_order_agree_with_fractions(
    one: tuple[int, int, str], other: tuple[int, int, str]
) -> None:
    (left_text, left), (right_text, right) = _written(one), _written(other)
    first, second = parse(left_text), parse(right_text)
    assert _exact(first + second) == left + right
    assert _exact(first - second) == left - right
    assert (first < second) == (left < right)
    assert (first == second) == (left == right)
    assert parse(str(first + second)) == first + second


def test_what_no_float_holds_is_infinite() -> None:
    assert [float(parse(text)) for text in ("9465E2285", "-1E400", "1e-400")] == [float("inf"), float("-inf"), 1e-9]
