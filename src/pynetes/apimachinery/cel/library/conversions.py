"""Conversions between types: `int('3')`, `timestamp(…)`, `string(3.5)`; what does not convert is an error."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.library.arithmetic import checked, unsigned
from pynetes.apimachinery.cel.library.standard import estimate_from_bytes, estimate_to_bytes, traverse
from pynetes.apimachinery.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    INT,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
)
from pynetes.apimachinery.cel.values import (
    MAX_INT,
    MAX_UINT,
    MIN_INT,
    NANOS,
    CelError,
    Duration,
    Timestamp,
    UInt,
    general,
)
from pynetes.apimachinery.times import parse_duration_ns

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_INT = re.compile(r"[+-]?[0-9]+", re.ASCII)
_FLOAT = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)",
    re.ASCII | re.IGNORECASE,
)
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))


def _refused(t: Type) -> CelError:
    return CelError(f"type conversion error from 'string' to '{t.name}'")


def to_bool(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise _refused(BOOL)


def _same(value: Any) -> Any:
    return value


def _text_to_int(text: str) -> int:
    if _INT.fullmatch(text) and len(text) <= 40 and MIN_INT <= int(text) <= MAX_INT:
        return int(text)
    raise _refused(INT)


def _text_to_uint(text: str) -> UInt:
    if text.isascii() and text.isdigit() and len(text) <= 40 and int(text) <= MAX_UINT:
        return UInt(int(text))
    raise _refused(UINT)


def _text_to_double(text: str) -> float:
    if _FLOAT.fullmatch(text) is None:
        raise _refused(DOUBLE)
    number = float(text)
    if number in (float("inf"), float("-inf")) and "n" not in text.lower():
        raise _refused(DOUBLE)
    return number


def _double_to_int(number: float) -> int:
    if not float(MIN_INT) < number < float(MAX_INT):
        raise CelError("integer overflow")
    return int(number)


def _double_to_uint(number: float) -> UInt:
    if not 0 <= number < float(MAX_UINT):
        raise CelError("unsigned integer overflow")
    return UInt(int(number))


def to_duration(text: str) -> Duration:
    try:
        return Duration(parse_duration_ns(text))
    except ValueError:
        raise _refused(DURATION) from None


def _int_to_duration(value: int) -> Duration:
    """Declared, but not done, by the original."""
    raise CelError(f"type conversion error from 'int' to '{DURATION.name}'")


def to_timestamp(text: str) -> Timestamp:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise _refused(TIMESTAMP)
    year, month, day, hour, minute, second = (int(match.group(i)) for i in range(1, 7))
    offset = 0
    if match.group(8):
        offset = int(match.group(9)) * 3600 + int(match.group(10)) * 60
        if int(match.group(9)) > 23 or int(match.group(10)) > 59:
            raise _refused(TIMESTAMP)
        offset = offset if match.group(8) == "+" else -offset
    if year == 0:
        raise CelError("timestamp overflow")
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise _refused(TIMESTAMP) from None
    seconds = (moment - _EPOCH) // timedelta(seconds=1) - offset
    return Timestamp(seconds * NANOS + int(((match.group(7) or "") + "0" * 9)[:9]), offset)


def timestamp_text(value: Timestamp) -> str:
    """RFC 3339 in the offset in which the time was written."""
    seconds, nanos = divmod(value.nanos, NANOS)
    moment = _EPOCH + timedelta(seconds=seconds + value.offset)
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    zone = "Z"
    if value.offset:
        minutes = abs(value.offset) // 60
        zone = f"{'-' if value.offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{fraction}{zone}"


def _bytes_to_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise CelError("invalid UTF-8 in bytes, cannot convert to string") from None


def _text_to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _function(name: str, result: Type, *kinds: tuple[str, Type, Callable[[Any], Any]]) -> Function:
    return Function(name, [Overload(overload, (t,), result, run) for overload, t, run in kinds])


def declared() -> list[Function]:
    to_bytes = _function("bytes", BYTES, ("bytes_to_bytes", BYTES, _same))
    to_bytes.overloads.append(
        Overload("string_to_bytes", (STRING,), BYTES, _text_to_bytes, cost=traverse, estimate=estimate_to_bytes)
    )
    to_text = _function(
        "string",
        STRING,
        ("string_to_string", STRING, _same),
        ("bool_to_string", BOOL, lambda value: "true" if value else "false"),
        ("double_to_string", DOUBLE, general),
        ("duration_to_string", DURATION, str),
        ("int64_to_string", INT, str),
        ("timestamp_to_string", TIMESTAMP, timestamp_text),
        ("uint64_to_string", UINT, str),
    )
    to_text.overloads.insert(
        2, Overload("bytes_to_string", (BYTES,), STRING, _bytes_to_text, cost=traverse, estimate=estimate_from_bytes)
    )
    return [
        _function("bool", BOOL, ("bool_to_bool", BOOL, _same), ("string_to_bool", STRING, to_bool)),
        to_bytes,
        _function(
            "double",
            DOUBLE,
            ("double_to_double", DOUBLE, _same),
            ("int64_to_double", INT, float),
            ("string_to_double", STRING, _text_to_double),
            ("uint64_to_double", UINT, float),
        ),
        _function(
            "duration",
            DURATION,
            ("duration_to_duration", DURATION, _same),
            ("int64_to_duration", INT, _int_to_duration),
            ("string_to_duration", STRING, to_duration),
        ),
        _function(
            "int",
            INT,
            ("int64_to_int64", INT, _same),
            ("double_to_int64", DOUBLE, _double_to_int),
            ("duration_to_int64", DURATION, lambda value: value.nanos),
            ("string_to_int64", STRING, _text_to_int),
            ("timestamp_to_int64", TIMESTAMP, lambda value: value.nanos // NANOS),
            ("uint64_to_int64", UINT, lambda value: checked(int(value))),
        ),
        to_text,
        _function(
            "timestamp",
            TIMESTAMP,
            ("timestamp_to_timestamp", TIMESTAMP, _same),
            ("int64_to_timestamp", INT, lambda value: Timestamp(value * NANOS)),
            ("string_to_timestamp", STRING, to_timestamp),
        ),
        _function(
            "uint",
            UINT,
            ("uint64_to_uint64", UINT, _same),
            ("double_to_uint64", DOUBLE, _double_to_uint),
            ("int64_to_uint64", INT, unsigned),
            ("string_to_uint64", STRING, _text_to_uint),
        ),
    ]
