"""Parts of timestamps and durations: `getHours`, `getDayOfWeek` and their like, in UTC or in a named zone."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.types import DURATION, INT, STRING, TIMESTAMP
from pynetes.apimachinery.cel.values import NANOS, CelError, Duration, Timestamp
from pynetes.component.memo import remembered

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OFFSET = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)


@remembered(256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _moment(value: Timestamp, zone: str) -> datetime:
    moment = _EPOCH + timedelta(microseconds=value.nanos // 1000)
    if not zone or zone == "UTC":
        return moment
    match = _OFFSET.fullmatch(zone)
    if match is not None:
        offset = timedelta(hours=int(match.group(2)), minutes=int(match.group(3)))
        return moment - offset if match.group(1) == "-" else moment + offset
    named = _zone(zone)
    if named is None:
        raise CelError(f"unknown time zone {zone}")
    return moment.astimezone(named)


#: By function: the overload's name in between, and the part.
_PARTS: dict[str, tuple[str, Callable[[datetime], int]]] = {
    "getFullYear": ("year", lambda t: t.year),
    "getMonth": ("month", lambda t: t.month - 1),
    "getDayOfYear": ("day_of_year", lambda t: t.timetuple().tm_yday - 1),
    "getDayOfMonth": ("day_of_month", lambda t: t.day - 1),
    "getDate": ("day_of_month_1_based", lambda t: t.day),
    "getDayOfWeek": ("day_of_week", lambda t: t.isoweekday() % 7),
    "getHours": ("hours", lambda t: t.hour),
    "getMinutes": ("minutes", lambda t: t.minute),
    "getSeconds": ("seconds", lambda t: t.second),
    "getMilliseconds": ("milliseconds", lambda t: t.microsecond // 1000),
}
_UNITS = {"getHours": 3600 * NANOS, "getMinutes": 60 * NANOS, "getSeconds": NANOS, "getMilliseconds": 10**6}


def _part(part: Callable[[datetime], int]) -> Callable[..., int]:
    def run(value: Timestamp, zone: str = "") -> int:
        return part(_moment(value, zone))

    return run


def _in_units(unit: int) -> Callable[[Duration], int]:
    def run(value: Duration) -> int:
        whole = abs(value.nanos) // unit
        return whole if value.nanos >= 0 else -whole

    return run


def declared() -> list[Function]:
    found: list[Function] = []
    for name, (middle, part) in _PARTS.items():
        run = _part(part)
        overloads = [
            Overload(f"timestamp_to_{middle}", (TIMESTAMP,), INT, run, member=True),
            Overload(f"timestamp_to_{middle}_with_tz", (TIMESTAMP, STRING), INT, run, member=True),
        ]
        if name in _UNITS:
            overloads.append(Overload(f"duration_to_{middle}", (DURATION,), INT, _in_units(_UNITS[name]), member=True))
        found.append(Function(name, overloads))
    return found
