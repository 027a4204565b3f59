"""The process's metric registry."""

import pytest

from pynetes.component import metrics


def test_metrics_are_made_once_and_rendered() -> None:
    first = metrics.counter("test_things_total", "Things.", ("kind",))
    assert metrics.counter("test_things_total", "Things.", ("kind",)) is first
    first.labels("a").inc()
    text = metrics.render().decode()
    assert 'test_things_total{kind="a"} 1.0' in text
    assert "test_things_created" not in text
    with pytest.raises(ValueError, match="exists as another type"):
        metrics.gauge("test_things_total", "Things.")
