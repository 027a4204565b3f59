import pytest

from pynetes.component import clock
from pynetes.kubelet.runtime.backoff import Backoff


@pytest.fixture
def wall():
    now = [1000.0]
    clock.set_wall_clock(lambda: now[0])
    yield now
    clock.set_wall_clock(None)


def test_waits_twice_as_long_each_time_up_to_the_maximum(wall):
    backoff, seen = Backoff(10, 300), []
    for _ in range(7):
        backoff.next("k", wall[0])
        seen.append(backoff.get("k"))
        wall[0] += seen[-1]
    assert seen == [10, 20, 40, 80, 160, 300, 300]


def test_holds_from_the_end_of_the_last_try(wall):
    backoff = Backoff(10, 300)
    assert not backoff.in_backoff_since("k", wall[0])
    backoff.next("k", wall[0])
    assert backoff.in_backoff_since("k", wall[0])
    wall[0] += 10
    assert not backoff.in_backoff_since("k", wall[0] - 10)


def test_is_forgotten_after_a_long_good_time(wall):
    backoff = Backoff(10, 300)
    backoff.next("k", wall[0])
    backoff.next("k", wall[0])
    wall[0] += 601
    assert not backoff.in_backoff_since("k", wall[0])
    backoff.next("k", wall[0])
    assert backoff.get("k") == 10
    wall[0] += 700
    backoff.collect()
    assert backoff.get("k") == 0
