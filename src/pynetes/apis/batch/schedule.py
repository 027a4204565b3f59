"""Cron schedules: five fields or a descriptor, as CronJobs give them.

Error texts are those of the parser that upstream uses; they reach the user in the validation of `spec.schedule`.
"""

import re

from msgspec import Struct

from pynetes.apimachinery.times import parse_duration

_MONTHS = {
    name: n
    for n, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_DAYS = {name: n for n, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)


class Schedule(Struct, frozen=True):
    """Either the allowed values of each field, or a constant `every` in seconds. A day fits if day of month and day of
    week both fit; if neither of the two fields begins with a star, it is enough that one fits."""

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = False
    any_weekday: bool = False
    every: int = 0

    def matches_day(self, day: int, weekday: int) -> bool:
        """`weekday` counts from Sunday = 0."""
        in_days, in_weekdays = day in self.days, weekday in self.weekdays
        if self.any_day or self.any_weekday:
            return in_days and in_weekdays
        return in_days or in_weekdays


def parse(text: str) -> Schedule:
    """ValueError with the reason. `TZ=` prefixes are skipped: validation forbids them where they are not allowed."""
    if not text:
        raise ValueError("empty spec string")
    if text.startswith(("TZ=", "CRON_TZ=")):
        _, _, text = text.partition(" ")
        text = text.strip()
    if text.startswith("@"):
        return _descriptor(text)
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]")
    values = [_field(field, *bounds) for field, bounds in zip(fields, _FIELDS, strict=True)]
    (minutes, _), (hours, _), (days, any_day), (months, _), (weekdays, any_weekday) = values
    return Schedule(minutes, hours, days, months, weekdays, any_day, any_weekday)


def _descriptor(text: str) -> Schedule:
    if text in _DESCRIPTORS:
        return parse(_DESCRIPTORS[text])
    if text.startswith(_EVERY):
        try:
            seconds = parse_duration(text.removeprefix(_EVERY))
        except ValueError as error:
            raise ValueError(f"failed to parse duration {text}: {error}") from None
        return Schedule(every=max(int(seconds), 1))
    raise ValueError(f"unrecognized descriptor: {text}")


def _field(text: str, low: int, high: int, named: dict[str, int]) -> tuple[frozenset[int], bool]:
    """Allowed values, and whether some part of the field is a star."""
    values: set[int] = set()
    star = False
    for part in filter(None, text.split(",")):
        found, starred = _range(part, low, high, named)
        values.update(found)
        star = star or starred
    return frozenset(values), star


def _range(text: str, low: int, high: int, named: dict[str, int]) -> tuple[range, bool]:
    bounds, *steps = text.split("/")
    ends = bounds.split("-")
    star = False
    if ends[0] in ("*", "?"):
        start, end, star = low, high, True
    else:
        start = _value(ends[0], named)
        if len(ends) > 2:
            raise ValueError(f"too many hyphens: {text}")
        end = _value(ends[1], named) if len(ends) == 2 else start
    step = 1
    if len(steps) == 1:
        step = _positive(steps[0])
        if len(ends) == 1 and not star:
            end = high  # `5/15` means from 5 on
        star = star and step <= 1
    elif steps:
        raise ValueError(f"too many slashes: {text}")
    if start < low:
        raise ValueError(f"beginning of range ({start}) below minimum ({low}): {text}")
    if end > high:
        raise ValueError(f"end of range ({end}) above maximum ({high}): {text}")
    if start > end:
        raise ValueError(f"beginning of range ({start}) beyond end of range ({end}): {text}")
    if step == 0:
        raise ValueError(f"step of range should be a positive number: {text}")
    return range(start, end + 1, step), star


def _value(text: str, named: dict[str, int]) -> int:
    number = named.get(text.lower())
    return _positive(text) if number is None else number


def _positive(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    number = int(text)
    if number < 0:
        raise ValueError(f"negative number ({number}) not allowed: {text}")
    return number
