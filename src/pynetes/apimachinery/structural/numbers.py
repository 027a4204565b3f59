"""Numbers as schemas see them: which type they are, and whether they fit."""

from decimal import Decimal
from typing import Any

_INT64 = 2**63
_INT32 = 2**31
_FLOAT32_MAX = 3.4028234663852886e38
_EXACT = 2**53 - 1


def is_integral(value: Any) -> bool:
    """A float that stands for a whole number, as JSON's `3.0` does."""
    return bool(-_EXACT <= value <= _EXACT and value == int(value))


def in_range(value: int | float, kind: str, form: str) -> bool:
    """Whether a number fits the type (`integer`, `number`, or empty) and format it is declared with."""
    if kind == "integer":
        limit = _INT32 if form == "int32" else _INT64
        if isinstance(value, float) and not value.is_integer():
            return False
        return -limit <= value < limit
    return form != "float" or abs(value) <= _FLOAT32_MAX


def is_multiple(value: int | float, factor: int | float) -> bool:
    if factor <= 0:
        return False
    if isinstance(value, int) and int(factor) == factor:
        return value % int(factor) == 0
    return is_integral(value / factor if factor >= 1 else 1 / factor * value)


def go_text(value: Any) -> str:
    """A number as Go prints it (`%v`): floats of a million or more, and tiny ones, with an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, float):
        return str(value)
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return repr(value).removesuffix(".0")
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(2)}"
