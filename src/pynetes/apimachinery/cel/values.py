"""Values at run time, and what the original says about them.

A value is Python's own where there is one: bool, int, float, str, bytes, None, list, dict. The others are here. An int
is CEL's `int`; `uint` is a subclass, so that numbers of different types compare by value, as CEL wants it.
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from pynetes.apimachinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
    object_type,
    opaque,
)

MAX_INT, MIN_INT, MAX_UINT = 2**63 - 1, -(2**63), 2**64 - 1
_MIN_SECONDS, _MAX_SECONDS = -62135596800, 253402300799
NANOS = 10**9


class CelError(Exception):
    """An evaluation that went wrong. `||`, `&&`, `all` and `exists` may still swallow it."""


class BudgetExceededError(Exception):
    """The evaluation cost more than it may: no operator swallows this."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


def no_such_overload() -> CelError:
    return CelError("no such overload")


class UInt(int):
    """CEL's uint; arithmetic on it gives plain ints, which whoever computes turns back."""

    __slots__ = ()


class Duration:
    """Nanoseconds, at most what an int64 holds."""

    __slots__ = ("nanos",)
    cel_type: ClassVar[Type] = DURATION

    def __init__(self, nanos: int) -> None:
        if not MIN_INT <= nanos <= MAX_INT:
            raise CelError("integer overflow")
        self.nanos = nanos

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and other.nanos == self.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __str__(self) -> str:
        return f"{decimal(self.nanos / NANOS)}s"


class Timestamp:
    """Nanoseconds since 1970, with the offset (seconds) in which the time was written."""

    __slots__ = ("nanos", "offset")
    cel_type: ClassVar[Type] = TIMESTAMP

    def __init__(self, nanos: int, offset: int = 0) -> None:
        if not _MIN_SECONDS * NANOS <= nanos < (_MAX_SECONDS + 1) * NANOS:
            raise CelError("timestamp overflow")
        self.nanos = nanos
        self.offset = offset

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and other.nanos == self.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)


class Optional:
    """A value or none."""

    __slots__ = ("_has", "_value")
    cel_type: ClassVar[Type] = opaque("optional_type")

    def __init__(self, value: Any = None, has: bool = True) -> None:
        self._value = value
        self._has = has

    @property
    def has_value(self) -> bool:
        return self._has

    @property
    def value(self) -> Any:
        if not self._has:
            raise CelError("optional.none() dereference")
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Optional) or self._has != other._has:
            return False
        return not self._has or equals(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]


NONE = Optional(has=False)


class TypeValue:
    """What `type(x)` gives: equal if the names are."""

    __slots__ = ("name",)
    cel_type: ClassVar[Type] = Type("type", "type")

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeValue) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


class ObjectValue:
    """An object that an expression made: `Object.spec{replicas: 3}`."""

    __slots__ = ("cel_type", "fields")

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        self.cel_type = object_type(name)
        self.fields = fields

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ObjectValue) or other.cel_type != self.cel_type:
            return False
        return equals(self.fields, other.fields)

    __hash__ = None  # type: ignore[assignment]


class SetList(list[Any]):
    """A list whose order means nothing (x-kubernetes-list-type: set)."""

    __slots__ = ()


class MapList(list[Any]):
    """A list of objects that `keys` tell apart (x-kubernetes-list-type: map); order means nothing."""

    __slots__ = ("keys",)

    def __init__(self, items: list[Any], keys: tuple[str, ...]) -> None:
        super().__init__(items)
        self.keys = keys

    def by_key(self) -> dict[Any, Any]:
        return {_hashable([item.get(key) for key in self.keys]): item for item in self}


def _hashable(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_hashable(v) for v in value)
    if isinstance(value, dict):
        return frozenset((key, _hashable(v)) for key, v in value.items())
    return (type(value) is bool, value)


LIST, MAP = list_of(DYN), map_of(DYN, DYN)
_TYPES: dict[type, Type] = {
    bool: BOOL,
    int: INT,
    UInt: UINT,
    float: DOUBLE,
    str: STRING,
    bytes: BYTES,
    type(None): NULL,
    list: LIST,
    SetList: LIST,
    MapList: LIST,
    dict: MAP,
}
NUMBERS = frozenset((int, UInt, float))
_PLAIN = frozenset((bool, int, UInt, float, str, bytes, type(None)))
LISTS = frozenset((list, SetList, MapList))


def type_of(value: Any) -> Type:
    """The type at run time: of lists and maps without their elements'."""
    found = _TYPES.get(type(value))
    if found is not None:
        return found
    if isinstance(value, Mapping):
        return MAP
    own: Type = value.cel_type
    return own


def equals(left: Any, right: Any) -> bool:
    """CEL's `==`: numbers by value whatever their type, everything else only to its own type."""
    kind, other = type(left), type(right)
    if kind is other:
        if kind in _PLAIN:
            return bool(left == right)
        if kind is list:
            return len(left) == len(right) and all(map(equals, left, right))
        if kind is dict:
            return _equal_maps(left, right)
    if kind in NUMBERS:
        return other in NUMBERS and bool(left == right)
    if kind in LISTS:
        return other in LISTS and _equal_lists(left, right)
    if isinstance(left, Mapping):
        return isinstance(right, Mapping) and _equal_maps(left, right)
    return kind is other and bool(left == right)


def _equal_maps(left: Mapping[Any, Any], right: Mapping[Any, Any]) -> bool:
    if len(left) != len(right):
        return False
    for key, value in left.items():
        found = lookup(right, key)
        if found is ABSENT or not equals(value, found):
            return False
    return True


def _equal_lists(left: list[Any], right: list[Any]) -> bool:
    if len(left) != len(right):
        return False
    if isinstance(left, MapList) and isinstance(right, MapList):
        return _equal_maps(left.by_key(), right.by_key())
    if isinstance(left, SetList | MapList) or isinstance(right, SetList | MapList):
        return all(contains(right, item) for item in left) and all(contains(left, item) for item in right)
    return all(map(equals, left, right))


def contains(items: list[Any], value: Any) -> bool:
    return any(equals(item, value) for item in items)


ABSENT: Any = object()


def lookup(items: Mapping[Any, Any], key: Any) -> Any:
    """The value at a key, or ABSENT. `true` is not 1, though Python thinks so."""
    try:
        found = items.get(key, ABSENT)
    except TypeError:
        raise no_such_overload() from None
    if found is ABSENT or type(key) is str or key not in (0, 1):
        return found
    boolean = type(key) is bool
    return found if any(k == key and (type(k) is bool) == boolean for k in items) else ABSENT


def compare(left: Any, right: Any) -> int:
    """-1, 0, 1; CelError if the two have no order."""
    kind, other = type(left), type(right)
    if kind in NUMBERS and other in NUMBERS:
        if (kind is float and math.isnan(left)) or (other is float and math.isnan(right)):
            raise CelError("NaN values cannot be ordered")
    elif kind is not other or kind not in _ORDERED:
        raise no_such_overload()
    elif kind is Duration or kind is Timestamp:
        left, right = left.nanos, right.nanos
    return int(left > right) - int(left < right)


_ORDERED = frozenset((bool, str, bytes, Duration, Timestamp))


def size_of(value: Any) -> int:
    """What the value counts for in costs."""
    kind = type(value)
    if kind is str or kind is bytes or kind is dict or kind in LISTS:
        return len(value)
    if kind in NUMBERS or kind is bool or value is None:
        return 1
    if kind is Optional:
        return size_of(value.value) if value.has_value else 1
    if isinstance(value, Mapping):
        return len(value)
    own = getattr(value, "cost_size", None)
    return int(own()) if own is not None else 1


def is_zero(value: Any) -> bool:
    """Whether `optional.ofNonZeroValue` takes it for nothing."""
    kind = type(value)
    if kind in _PLAIN or kind in LISTS or kind is dict:
        return not value
    if kind is Duration:
        return bool(value.nanos == 0)
    if kind is Timestamp:
        return bool(value.nanos == _MIN_SECONDS * NANOS)
    if kind is Optional:
        return not value.has_value
    return False


def decimal(number: float) -> str:
    """The shortest decimal form without an exponent."""
    text = repr(number)
    if "e" not in text:
        return text.removesuffix(".0")
    return f"{number:.20f}".rstrip("0").rstrip(".") if abs(number) < 1 else f"{number:.0f}"


def general(number: float) -> str:
    """Go's %g: the shortest digits, with an exponent from 1e+06 on and below 0.0001."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    power = int(f"{number:.17e}".partition("e")[2])
    if -4 <= power < 6:
        return decimal(number)
    digits = repr(abs(number)).partition("e")[0].replace(".", "").strip("0")
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{'-' if number < 0 else ''}{digits[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"


_GO_NAMES: dict[type, str] = {
    bool: "types.Bool",
    int: "types.Int",
    UInt: "types.Uint",
    float: "types.Double",
    str: "types.String",
    bytes: "types.Bytes",
    type(None): "types.Null",
    Duration: "types.Duration",
    Timestamp: "types.Timestamp",
    Optional: "*types.Optional",
}


def go_name(value: Any) -> str:
    """The name of the original's own type for the value, which some of its messages have."""
    return _GO_NAMES.get(type(value)) or type_of(value).name


def display(value: Any) -> str:
    """How the original prints a value in its messages."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return general(value)
    if value is None:
        return "null"
    if kind is TypeValue:
        return str(value.name)
    return str(value)
