"""Numbers that may be given as a share: `2` or `25%`."""

from typing import Any

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors


def percent_of(value: Any) -> int | None:
    """The number before the percent sign; None if it is no percentage."""
    if isinstance(value, str) and not names.percent(value):
        return int(value[:-1])
    return None


def magnitude(value: Any) -> int:
    """The number, or the percentage's number: for telling zero from the rest."""
    percentage = percent_of(value)
    if percentage is not None:
        return percentage
    return value if isinstance(value, int) else 0


def validate_int_or_percent(found: FieldErrors, value: Any, path: str) -> None:
    if isinstance(value, str):
        found.rule(path, value, names.percent)
    else:
        found.non_negative(path, value)


def validate_at_most_100_percent(found: FieldErrors, value: Any, path: str) -> None:
    if (percent_of(value) or 0) > 100:
        found.invalid(path, value, "must not be greater than 100%")
