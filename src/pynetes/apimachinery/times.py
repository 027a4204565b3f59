"""Times and durations in the forms that the API, its clients and Go's flags use.

Parsing follows Go's `time.Parse` down to the error texts, since they reach the user in "cannot be handled as" answers.
"""

import calendar
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

RFC3339 = "2006-01-02T15:04:05Z07:00"
RFC3339_MICRO = "2006-01-02T15:04:05.000000Z07:00"
ZERO_TIME = "0001-01-01T00:00:00Z"

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION_PART = re.compile(r"([0-9]*)(\.[0-9]*)?([^0-9.]*)", re.ASCII)


def format_time(moment: datetime) -> str:
    """`2024-01-02T03:04:05Z`: metav1.Time, whole seconds in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"


@lru_cache(16)
def format_seconds(second: int) -> str:
    """`format_time` of seconds since the epoch."""
    return format_time(datetime.fromtimestamp(second, UTC))


def format_micro_time(moment: datetime) -> str:
    """`2024-01-02T03:04:05.000000Z`: metav1.MicroTime."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def parse_time(text: str, *, micro: bool = False) -> datetime:
    """A moment in UTC from RFC 3339; with `micro`, six digits of fraction are required, as MicroTime does.

    ValueError carries Go's text. Digits finer than a microsecond are dropped.
    """
    match = _TIME.fullmatch(text)
    if match is None or (micro and len(match.group(7) or "") != 6):
        raise ValueError(_explain(text, RFC3339_MICRO if micro else RFC3339))
    year, month, day, hour, minute, second = (int(match.group(i)) for i in range(1, 7))
    reason = _out_of_range(year, month, day, hour, minute, second, match.group(9), match.group(10))
    if reason:
        raise ValueError(f"parsing time {_quoted(text)}: {reason} out of range")
    fraction = int(((match.group(7) or "") + "000000")[:6])
    zone = UTC
    if match.group(8):
        offset = timedelta(hours=int(match.group(9)), minutes=int(match.group(10)))
        zone = timezone(offset if match.group(8) == "+" else -offset)
    try:
        return datetime(year, month, day, hour, minute, second, fraction, tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        raise ValueError(f"parsing time {_quoted(text)}: year out of range") from None


def _out_of_range(
    year: int, month: int, day: int, hour: int, minute: int, second: int, zone_hour: str | None, zone_minute: str | None
) -> str:
    if not 1 <= month <= 12:
        return "month"
    if hour > 23:
        return "hour"
    if minute > 59:
        return "minute"
    if second > 59:
        return "second"
    if int(zone_hour or 0) > 23:
        return "time zone offset hour"
    if int(zone_minute or 0) > 59:
        return "time zone offset minute"
    leap = year if year else 2000
    return "" if 1 <= day <= calendar.monthrange(leap, month)[1] else "day"


# What Go's parser reads one after the other: the layout's element and what may stand for it.
_ELEMENTS: tuple[tuple[str, str], ...] = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d\d"),
    ("-", "-"),
    ("02", r"\d\d"),
    ("T", "T"),
    ("15", r"\d\d?"),
    (":", ":"),
    ("04", r"\d\d"),
    (":", ":"),
    ("05", r"\d\d"),
)
_ZONE = ("Z07:00", r"Z|[+-]\d\d:\d\d")


def _explain(text: str, layout: str) -> str:
    """Go's message for a text that is no time: the first element of the layout that did not fit."""
    fraction = (".000000", r"[.,]\d{6}") if layout == RFC3339_MICRO else ("", r"(?:[.,]\d+)?")
    rest = text
    for element, pattern in (*_ELEMENTS, fraction, _ZONE):
        match = re.match(pattern, rest, re.ASCII)
        if match is None:
            wrong = f"cannot parse {_quoted(rest)} as {_quoted(element)}"
            return f"parsing time {_quoted(text)} as {_quoted(layout)}: {wrong}"
        rest = rest[match.end() :]
    return f"parsing time {_quoted(text)}: extra text: {_quoted(rest)}"


def _quoted(text: str) -> str:
    """A text in double quotes as Go's time package shows it: non-ASCII bytes escaped."""
    out = []
    for byte in text.encode("utf-8", "surrogatepass"):
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 0x20 <= byte < 0x80:
            out.append(char)
        else:
            out.append(f"\\x{byte:02x}")
    return '"' + "".join(out) + '"'


def parse_duration(text: str) -> float:
    """Seconds from Go's form: `300ms`, `-1.5h`, `2h45m`. ValueError with Go's text."""
    return parse_duration_ns(text) / 1e9


def parse_duration_ns(text: str) -> int:
    """Nanoseconds, exact."""
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    quoted = _quoted(text)
    if not rest:
        raise ValueError(f"time: invalid duration {quoted}")
    total = 0
    while rest:
        match = _DURATION_PART.match(rest)
        assert match is not None
        whole, fraction, unit = match.group(1), match.group(2) or "", match.group(3)
        if not whole and len(fraction) < 2:
            raise ValueError(f"time: invalid duration {quoted}")
        if not unit:
            raise ValueError(f"time: missing unit in duration {quoted}")
        if unit not in _UNITS:
            raise ValueError(f"time: unknown unit {_quoted(unit)} in duration {quoted}")
        total += int(whole or 0) * _UNITS[unit]
        if len(fraction) > 1:
            total += int(fraction[1:]) * _UNITS[unit] // 10 ** (len(fraction) - 1)
        if total > 2**63 - 1:
            raise ValueError(f"time: invalid duration {quoted}")
        rest = rest[match.end() :]
    return -total if text[0] == "-" else total


def format_duration(seconds: float) -> str:
    """Go's form: `1h30m0s`, `1.5s`, `100ms`, `0s`."""
    nanoseconds = round(seconds * 10**9)
    sign = "-" if nanoseconds < 0 else ""
    nanoseconds = abs(nanoseconds)
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < 10**9:
        for unit, size in (("ms", 10**6), ("µs", 10**3), ("ns", 1)):
            if nanoseconds >= size:
                return f"{sign}{_decimal(nanoseconds, size)}{unit}"
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{sign}{text}{_decimal(rest, 10**9)}s"


def _decimal(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{str(rest).rjust(len(str(unit)) - 1, '0').rstrip('0')}"


def human_duration(seconds: float) -> str:
    """kubectl's AGE: two or three significant figures (`5d3h`, `45m`)."""
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    if total < 0:
        return "0s"
    if total < 120:
        return f"{total}s"
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if minutes < 10:
        return _two(minutes, "m", total % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 365 * 2:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(major: int, unit: str, minor: int, minor_unit: str) -> str:
    return f"{major}{unit}{minor}{minor_unit}" if minor else f"{major}{unit}"
