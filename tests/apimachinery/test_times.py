from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery import times


def test_formats() -> None:
    moment = datetime(2024, 1, 2, 5, 4, 5, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert times.format_time(moment) == "2024-01-02T03:04:05Z"
    assert times.format_micro_time(moment) == "2024-01-02T03:04:05.123456Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02T03:04:05Z", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2024-01-02T03:04:05.5Z", datetime(2024, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("2024-01-02T03:04:05.123456789Z", datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)),
        ("2024-01-02T03:04:05+02:30", datetime(2024, 1, 2, 0, 34, 5, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_parses_rfc3339(text: str, moment: datetime) -> None:
    assert times.parse_time(text) == moment


LAYOUT = '"2006-01-02T15:04:05Z07:00"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", f'parsing time "foo" as {LAYOUT}: cannot parse "foo" as "2006"'),
        ("", f'parsing time "" as {LAYOUT}: cannot parse "" as "2006"'),
        ("2024-1-2", f'parsing time "2024-1-2" as {LAYOUT}: cannot parse "1-2" as "01"'),
        ("2024/01/02", f'parsing time "2024/01/02" as {LAYOUT}: cannot parse "/01/02" as "-"'),
        ("2024-01-02", f'parsing time "2024-01-02" as {LAYOUT}: cannot parse "" as "T"'),
        ("2024-01-02T03:04:05", f'parsing time "2024-01-02T03:04:05" as {LAYOUT}: cannot parse "" as "Z07:00"'),
        ("2024-13-01T00:00:00Z", 'parsing time "2024-13-01T00:00:00Z": month out of range'),
        ("2023-02-29T00:00:00Z", 'parsing time "2023-02-29T00:00:00Z": day out of range'),
        ("2024-01-01T24:00:00Z", 'parsing time "2024-01-01T24:00:00Z": hour out of range'),
        ("2024-01-01T00:60:00Z", 'parsing time "2024-01-01T00:60:00Z": minute out of range'),
        ("2024-01-01T00:00:60Z", 'parsing time "2024-01-01T00:00:60Z": second out of range'),
        ("2024-01-01T00:00:00Zx", 'parsing time "2024-01-01T00:00:00Zx": extra text: "x"'),
        ('"é', f'parsing time "\\"\\xc3\\xa9" as {LAYOUT}: cannot parse "\\"\\xc3\\xa9" as "2006"'),
    ],
)
def test_refuses_times_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        times.parse_time(text)
    assert str(caught.value) == message


def test_micro_times_need_their_six_digits() -> None:
    assert times.parse_time("2024-01-02T03:04:05.000001Z", micro=True).microsecond == 1
    with pytest.raises(ValueError, match=r'cannot parse "Z" as "\.000000"'):
        times.parse_time("2024-01-02T03:04:05Z", micro=True)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_micro_times_read_back(moment: datetime) -> None:
    assert times.parse_time(times.format_micro_time(moment), micro=True) == moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("1h30m", 5400), ("300ms", 0.3), ("-1.5h", -5400), ("2h45m0.5s", 9900.5),
        ("1us", 1e-6), ("1µs", 1e-6), (".5s", 0.5), ("+5s", 5),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert times.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("5", 'time: missing unit in duration "5"'),
        ("5x", 'time: unknown unit "x" in duration "5x"'),
        ("s", 'time: invalid duration "s"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
    ],
)
def test_wrong_durations(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        times.parse_duration(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (5400, "1h30m0s"),
        (1.5, "1.5s"),
        (0.1, "100ms"),
        (0.0000015, "1.5µs"),
        (-60, "-1m0s"),
        (3661, "1h1m1s"),
    ],
)
def test_durations_print_as_gos(seconds: float, text: str) -> None:
    assert times.format_duration(seconds) == text
    assert times.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"),
        (3 * 3600 - 1, "179m"), (3 * 3600, "3h"), (3 * 3600 + 60, "3h1m"), (8 * 3600, "8h"), (47 * 3600, "47h"),
        (48 * 3600, "2d"), (53 * 3600, "2d5h"), (8 * 86400, "8d"), (729 * 86400, "729d"), (730 * 86400, "2y"),
        (731 * 86400, "2y1d"), (3000 * 86400, "8y"),
    ],
)  # fmt: skip
def test_ages_as_kubectl_shows_them(seconds: float, text: str) -> None:
    assert times.human_duration(seconds) == text
