"""Arithmetic with CEL's strictness: 64 bits, no silent overflow, no conversion between types of numbers."""

import math
from typing import Any

from pynetes.apimachinery.cel.values import (
    LISTS,
    MAX_INT,
    MAX_UINT,
    MIN_INT,
    CelError,
    Duration,
    MapList,
    SetList,
    Timestamp,
    TypeValue,
    UInt,
    contains,
    no_such_overload,
    type_of,
)


def checked(number: int) -> int:
    if not MIN_INT <= number <= MAX_INT:
        raise CelError("integer overflow")
    return number


def unsigned(number: int) -> UInt:
    if not 0 <= number <= MAX_UINT:
        raise CelError("unsigned integer overflow")
    return UInt(number)


def add(left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind is other:
        if kind is int:
            return checked(left + right)
        if kind is str or kind is bytes or kind is float:
            return left + right
        if kind is UInt:
            return unsigned(int(left) + int(right))
        if kind is Duration:
            return Duration(left.nanos + right.nanos)
    if kind in LISTS and other in LISTS:
        return _joined(left, right)
    if kind is Timestamp and other is Duration:
        return Timestamp(left.nanos + right.nanos, left.offset)
    if kind is Duration and other is Timestamp:
        return Timestamp(left.nanos + right.nanos, right.offset)
    raise _refused(left, "_+_", kind in _ADDERS)


_ADDERS = frozenset((int, str, bytes, float, UInt, Duration, Timestamp, list, SetList, MapList))


def _joined(left: list[Any], right: list[Any]) -> list[Any]:
    """Sets and lists with keys keep one of each: the right side's value at the left side's place."""
    if isinstance(left, SetList):
        return SetList([*left, *(item for item in right if not contains(left, item))])
    if isinstance(left, MapList):
        added = MapList(right, left.keys).by_key()
        present = MapList(left, left.keys).by_key()
        kept = [added.get(key, item) for key, item in present.items()]
        return MapList([*kept, *(item for key, item in added.items() if key not in present)], left.keys)
    return [*left, *right]


#: Types that the original asks by name for functions they do not know; their refusal has no name in it.
_RECEIVERS = frozenset((str, Duration, Timestamp))


def _refused(left: Any, name: str, supported: bool) -> CelError:
    plain = supported or type(left) in _RECEIVERS
    return no_such_overload() if plain else CelError(f"no such overload: {name}")


def subtract(left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind is other:
        if kind is int:
            return checked(left - right)
        if kind is float:
            return left - right
        if kind is UInt:
            return unsigned(int(left) - int(right))
        if kind is Duration or kind is Timestamp:
            return Duration(left.nanos - right.nanos)
    if kind is Timestamp and other is Duration:
        return Timestamp(left.nanos - right.nanos, left.offset)
    raise _refused(left, "_-_", kind in (int, float, UInt, Duration, Timestamp))


def multiply(left: Any, right: Any) -> Any:
    kind = type(left)
    if kind is type(right):
        if kind is int:
            return checked(left * right)
        if kind is float:
            return left * right
        if kind is UInt:
            return unsigned(int(left) * int(right))
    raise _refused(left, "_*_", kind in (int, float, UInt))


def divide(left: Any, right: Any) -> Any:
    kind = type(left)
    if kind is type(right):
        if kind is float:
            return _divided(left, right)
        if kind is int or kind is UInt:
            if right == 0:
                raise CelError("division by zero")
            quotient = abs(int(left)) // abs(int(right))
            if kind is UInt:
                return UInt(quotient)
            return checked(quotient if (left < 0) == (right < 0) else -quotient)
    raise _refused(left, "_/_", kind in (int, float, UInt))


def _divided(left: float, right: float) -> float:
    """IEEE 754's, which Python refuses to do by zero."""
    if right:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def modulo(left: Any, right: Any) -> Any:
    kind = type(left)
    if kind is type(right) and (kind is int or kind is UInt):
        if right == 0:
            raise CelError("modulus by zero")
        rest = abs(int(left)) % abs(int(right))
        if kind is UInt:
            return UInt(rest)
        if left == MIN_INT and right == -1:
            raise CelError("integer overflow")
        return rest if left >= 0 else -rest
    raise _refused(left, "_%_", kind in (int, UInt))


def negate(value: Any) -> Any:
    kind = type(value)
    if kind is int:
        return checked(-value)
    if kind is float:
        return -value
    if kind is Duration:
        return Duration(-value.nanos)
    raise _refused(value, "-_", False)


def invert(value: Any) -> bool:
    if value is True or value is False:
        return not value
    raise no_such_overload()


def type_value(value: Any) -> TypeValue:
    return TypeValue(type_of(value).name)
