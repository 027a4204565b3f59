"""The process's metric registry."""

import pytest

from pynetes.component import metrics


def test_metrics_are_made_once_and_rendered() -> None:
    first = metrics.counter("test_things_total", "Things.", ("kind",))
    assert metrics.counter("test_things_total", "Things.", ("kind",)) is first
    first.labels("a").inc()
    text = metrics.render().decode()
    assert 'test_things_total{kind="a"} 1' in text
    assert "test_things_created" not in text
    with pytest.raises(ValueError, match="exists as another type"):
        metrics.gauge("test_things_total", "Things.")


def test_a_counter_may_have_any_name() -> None:
    counter = metrics.plain_counter("test_attempts", "Attempts.", ("result",))
    counter.labels("success").inc()
    text = metrics.render().decode()
    assert '# TYPE test_attempts counter\ntest_attempts{result="success"} 1\n' in text


def test_durations_are_counted_by_their_bounds() -> None:
    durations = metrics.Durations("test_waits_seconds", "Waits.", ("kind",), buckets=(0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        durations.note(("a",), seconds)
    assert (durations.count("a"), durations.count("b")) == (4, 0)
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith("test_waits_seconds")]
    assert lines == [
        'test_waits_seconds_bucket{kind="a",le="0.1"} 2',
        'test_waits_seconds_bucket{kind="a",le="1"} 3',
        'test_waits_seconds_bucket{kind="a",le="+Inf"} 4',
        'test_waits_seconds_count{kind="a"} 4',
        'test_waits_seconds_sum{kind="a"} 7.65',
    ]


def test_durations_without_labels_are_shown_from_the_start() -> None:
    metrics.Durations("test_pauses_seconds", "Pauses.", (), buckets=(0.1,))
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith("test_pauses_seconds")]
    assert lines == [
        'test_pauses_seconds_bucket{le="0.1"} 0',
        'test_pauses_seconds_bucket{le="+Inf"} 0',
        "test_pauses_seconds_count 0",
        "test_pauses_seconds_sum 0",
    ]
