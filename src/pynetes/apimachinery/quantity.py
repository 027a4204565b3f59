"""Quantities: `100m`, `1.5Gi`, `2e3`. Exact decimal numbers that remember in which form they were written.

Every quantity is an integer times a power of ten (binary suffixes included: 0.1Ki is 1024e-1), so arithmetic on
Python's integers is exact. The canonical text is upstream's: no fraction, the largest suffix that loses nothing, and
a text that was all but canonical is kept as it came (`1.500` stays), as upstream's fast path does.
"""

import math
import re
from typing import Any, Literal, Self

from pynetes.component.memo import remembered

Format = Literal["DecimalSI", "BinarySI", "DecimalExponent"]

_PATTERN = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
FORMAT_ERROR = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
NUMERIC_ERROR = "unable to parse numeric part of quantity"
SUFFIX_ERROR = "unable to parse quantity's suffix"

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()}
_NANO = -9
_MAX_INT64 = 2**63 - 1
_MAX_DIGITS = 18  # of upstream's fast path, which decides whether a text is kept
_MAX_EXPONENT = 4096  # beyond it a number is only an attack: 10 to its power would fill the memory


class Quantity:
    """An immutable number with a format. Compare, add and subtract freely; `str()` is the canonical text."""

    __slots__ = ("_scale", "_text", "_unscaled", "format")

    format: Format

    def __init__(self, unscaled: int, scale: int = 0, format: Format = "DecimalSI", text: str = "") -> None:
        """The number `unscaled` x 10 to the power of `scale`."""
        self._unscaled = unscaled
        self._scale = scale
        self.format = format
        self._text = text

    @classmethod
    def milli(cls, value: int, format: Format = "DecimalSI") -> Self:
        return cls(value, -3, format)

    def value(self) -> int:
        """The number as an integer, rounded away from zero."""
        return self._scaled(0)

    def milli_value(self) -> int:
        """The number in thousandths, rounded away from zero."""
        return self._scaled(-3)

    def _scaled(self, scale: int) -> int:
        shift = self._scale - scale
        if shift >= 0:
            return self._unscaled * _ten(shift)
        rounded = -(-abs(self._unscaled) // _ten(-shift))
        return rounded if self._unscaled >= 0 else -rounded

    def round_up(self, scale: int) -> "Quantity":
        """Without digits finer than 10 to the power of `scale` (-3: milli)."""
        if self._scale >= scale:
            return self
        return Quantity(self._scaled(scale), scale, self.format)

    def __float__(self) -> float:
        """Infinity for what no float holds, as in Go."""
        try:
            if self._scale >= 0:
                return float(self._unscaled * 10**self._scale)
            return self._unscaled / _ten(-self._scale)
        except OverflowError:
            return math.copysign(math.inf, self._unscaled)

    def __bool__(self) -> bool:
        return self._unscaled != 0

    def _align(self, other: "Quantity") -> tuple[int, int, int]:
        scale = min(self._scale, other._scale)
        return (
            self._unscaled * 10 ** (self._scale - scale),
            other._unscaled * 10 ** (other._scale - scale),
            scale,
        )

    def __add__(self, other: "Quantity") -> "Quantity":
        mine, theirs, scale = self._align(other)
        return Quantity(mine + theirs, scale, self.format if self._unscaled else other.format)

    def __sub__(self, other: "Quantity") -> "Quantity":
        mine, theirs, scale = self._align(other)
        return Quantity(mine - theirs, scale, self.format if self._unscaled else other.format)

    def __mul__(self, factor: int) -> "Quantity":
        return Quantity(self._unscaled * factor, self._scale, self.format)

    __rmul__ = __mul__

    def __neg__(self) -> "Quantity":
        return Quantity(-self._unscaled, self._scale, self.format)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        mine, theirs, _ = self._align(other)
        return mine == theirs

    def __lt__(self, other: "Quantity") -> bool:
        mine, theirs, _ = self._align(other)
        return mine < theirs

    def __le__(self, other: "Quantity") -> bool:
        return not other < self

    def __gt__(self, other: "Quantity") -> bool:
        return other < self

    def __ge__(self, other: "Quantity") -> bool:
        return not self < other

    def __hash__(self) -> int:
        return hash(_strip(self._unscaled, self._scale))

    def __str__(self) -> str:
        if not self._text:
            self._text = self._canonical()
        return self._text

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def _canonical(self) -> str:
        if not self._unscaled:
            return "0"
        if self.format == "BinarySI":
            whole = self._scaled(0)
            exact = self._scale >= 0 or self._unscaled % 10**-self._scale == 0
            if exact and abs(whole) >= 1024:
                return _binary_text(whole)
        number, exponent = _strip(self._unscaled, self._scale)
        while exponent % 3 or (self.format != "DecimalExponent" and exponent > 18):
            number *= 10
            exponent -= 1
        if self.format == "DecimalExponent":
            return f"{number}e{exponent}" if exponent else str(number)
        return f"{number}{_DECIMAL_SUFFIX[exponent]}"


def _ten(power: int) -> int:
    return int(10**power)


def _strip(number: int, exponent: int) -> tuple[int, int]:
    """Moves factors of ten from the number into the exponent."""
    if not number:
        return 0, 0
    while number % 10 == 0:
        number //= 10
        exponent += 1
    return number, exponent


def _binary_text(whole: int) -> str:
    exponent = 0
    while whole % 1024 == 0 and exponent < 60:
        whole //= 1024
        exponent += 10
    return f"{whole}{_BINARY_SUFFIX[exponent]}" if exponent else str(whole)


def parse(value: str | int | float) -> Quantity:
    """A quantity from its text or a JSON number. ValueError with upstream's text if it is none."""
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, float):
        return _parse_text(repr(value).removesuffix(".0"))
    return _parse_text(str(value))


@remembered(8192)
def _parse_text(text: str) -> Quantity:
    match = _PATTERN.fullmatch(text)
    if not text or not match:
        raise ValueError(FORMAT_ERROR)
    sign, whole, fraction, suffix = match.group(1), match.group(2), match.group(3) or "", match.group(4)
    base, exponent, fmt = _interpret(suffix)
    digits = (whole or "0") + fraction
    if abs(exponent) > _MAX_EXPONENT or len(digits) > _MAX_EXPONENT:
        raise ValueError(NUMERIC_ERROR)
    number = int(digits)
    scale = -len(fraction)
    if base == 2:
        keep = _kept_binary(digits, fraction, number, exponent)
        number <<= exponent
    else:
        scale += exponent
        keep = _kept_decimal(digits, scale)
    number, scale, fmt = _bounded(number, scale, fmt)
    return Quantity(-number if sign == "-" else number, scale, fmt, text if keep and number else "")


def _interpret(suffix: str) -> tuple[int, int, Format]:
    """Base, exponent and format that a suffix stands for."""
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], "DecimalSI"
    if suffix in _BINARY:
        return 2, _BINARY[suffix], "BinarySI"
    if len(suffix) > 1 and suffix[0] in "eE":
        try:
            return 10, int(suffix[1:]), "DecimalExponent"
        except ValueError:
            pass
    raise ValueError(SUFFIX_ERROR)


def _kept_decimal(digits: str, scale: int) -> bool:
    fast = len(digits) <= _MAX_DIGITS and scale >= _NANO
    return fast and scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _kept_binary(digits: str, fraction: str, number: int, exponent: int) -> bool:
    fast = not fraction and 15 - len(digits) - exponent * 3 // 10 - 1 >= 0
    return fast and number & 7 != 0


def _bounded(number: int, scale: int, fmt: Format) -> tuple[int, int, Format]:
    """At least one nano, at most the largest int64 for binary forms: upstream's limits."""
    if scale < _NANO:
        number, scale = -(-number // 10 ** (_NANO - scale)), _NANO
    if fmt == "BinarySI":
        if number > _MAX_INT64 * 10**-scale:
            number, scale = _MAX_INT64, 0
        elif 0 < number < 10**-scale:
            fmt = "DecimalSI"
    return number, scale, fmt


def is_quantity(value: Any) -> bool:
    try:
        parse(value)
    except (ValueError, TypeError):
        return False
    return True
