"""When a schedule fires: walks calendar days in the schedule's time zone, so that clock changes are handled there."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from pynetes.apis.batch.schedule import Schedule

MAX_YEARS = 5
"""A schedule that does not fire within so many years (30 February) never does."""


def zone(name: str | None) -> tzinfo:
    """ValueError for a zone that is not known here."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"unknown time zone {name}") from error


def following(schedule: Schedule, after: datetime, where: tzinfo = UTC) -> datetime | None:
    """The first moment later than `after`, in UTC."""
    if schedule.every:
        return after.replace(microsecond=0) + timedelta(seconds=schedule.every)
    start = after.astimezone(where)
    day, last = start.date(), start.date() + timedelta(days=366 * MAX_YEARS)
    while day <= last:
        if day.month in schedule.months and schedule.matches_day(day.day, (day.weekday() + 1) % 7):
            for moment in _moments(schedule, day, where):
                if moment > after:
                    return moment
        day += timedelta(days=1)
    return None


def _moments(schedule: Schedule, day: date, where: tzinfo) -> Iterator[datetime]:
    """The day's times in order. One that a clock change skips does not happen; one that it repeats happens once."""
    for hour in sorted(schedule.hours):
        for minute in sorted(schedule.minutes):
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=where)
            moment = local.astimezone(UTC)
            if moment.astimezone(where).replace(tzinfo=None) == local.replace(tzinfo=None):
                yield moment


def latest(
    schedule: Schedule, since: datetime, now: datetime, where: tzinfo = UTC, *, most: int = 100
) -> tuple[datetime | None, int]:
    """The last moment after `since` and not after `now`, and how many there were (counted up to `most` + 1)."""
    first = following(schedule, since, where)
    if first is None or first > now:
        return None, 0
    count, moment = 1, first
    while count <= most:
        after = following(schedule, moment, where)
        if after is None or after > now:
            return moment, count
        moment, count = after, count + 1
    return _last_before(schedule, moment, now, where), count


def _last_before(schedule: Schedule, known: datetime, now: datetime, where: tzinfo) -> datetime:
    """The last moment up to `now`, found by halving the time to `known` instead of counting through it."""
    low, high = known, now
    while (high - low).total_seconds() > 60:
        middle = low + (high - low) / 2
        found = following(schedule, middle, where)
        if found is not None and found <= now:
            low = found
        else:
            high = middle
    final = following(schedule, low, where)
    return final if final is not None and final <= now else low
