"""When the node counts as low."""

import pytest

from pynetes.kubelet.eviction.thresholds import (
    Amount,
    Observation,
    Threshold,
    by_priority,
    met,
    parse,
    parse_amount,
    past_grace,
)


@pytest.mark.parametrize(
    ("text", "amount", "of_1000"),
    [("100", Amount(100), 100), ("1Ki", Amount(1024), 1024), ("10%", Amount(fraction=0.1), 100), ("0", Amount(0), 0)],
)
def test_amounts(text: str, amount: Amount, of_1000: int) -> None:
    assert parse_amount(text) == amount
    assert amount.of(1000) == of_1000


@pytest.mark.parametrize("text", ["-1", "101%", "-5%", "x", "x%"])
def test_bad_amounts(text: str) -> None:
    with pytest.raises(ValueError):
        parse_amount(text)


def test_configuration() -> None:
    found = parse(
        {"memory.available": "100Mi", "nodefs.available": "10%", "imagefs.available": "0%"},
        {"memory.available": "200Mi"},
        {"memory.available": 30.0},
        {"memory.available": "50Mi"},
    )
    reclaim = Amount(50 << 20)
    assert found == [
        Threshold("memory.available", Amount(100 << 20), None, reclaim),
        Threshold("nodefs.available", Amount(fraction=0.1)),
        Threshold("memory.available", Amount(200 << 20), 30.0, reclaim),
        Threshold("allocatableMemory.available", Amount(100 << 20), None, reclaim),
    ]


@pytest.mark.parametrize(
    ("hard", "soft", "message"),
    [
        ({"coffee.available": "1"}, {}, "unsupported eviction signal coffee.available"),
        ({}, {"memory.available": "1"}, "grace period must be specified for the soft eviction threshold"),
    ],
)
def test_bad_configuration(hard: dict[str, str], soft: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(hard, soft, {}, {})


HARD = Threshold("memory.available", Amount(100), None, Amount(50))
SOFT = Threshold("nodefs.available", Amount(fraction=0.1), 30.0)


@pytest.mark.parametrize(
    ("available", "with_reclaim", "crossed"),
    [(99, False, True), (100, False, False), (149, True, True), (150, True, False)],
)
def test_crossing_and_the_way_back(available: int, with_reclaim: bool, crossed: bool) -> None:
    observed = {"memory.available": Observation(available, 1000)}
    assert met([HARD, SOFT], observed, with_reclaim=with_reclaim) == ([HARD] if crossed else [])


def test_soft_thresholds_wait() -> None:
    since = {HARD: 100.0, SOFT: 100.0}
    assert past_grace(since, 100.0) == [HARD]
    assert past_grace(since, 130.0) == [HARD, SOFT]


def test_memory_comes_first() -> None:
    assert by_priority([SOFT, HARD]) == [HARD, SOFT]
