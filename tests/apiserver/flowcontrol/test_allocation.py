"""Seats of priority levels: shares, lending, borrowing."""

from math import inf
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery import meta
from pynetes.apis.flowcontrol import mandatory
from pynetes.apiserver.flowcontrol.allocation import Bounds, Demand, allocate, bounds


def limited(shares: int, lendable: int = 0, borrowing: int | None = None) -> dict[str, Any]:
    part: dict[str, Any] = {"nominalConcurrencyShares": shares, "lendablePercent": lendable}
    if borrowing is not None:
        part["borrowingLimitPercent"] = borrowing
    return {"type": "Limited", "limited": part}


def test_shares_lending_and_borrowing_limits() -> None:
    found = bounds({"a": limited(30, 50, 20), "b": limited(10, 0)}, 100)
    assert found == {"a": Bounds(75, 37, 90), "b": Bounds(25, 25, inf)}


def test_the_shares_of_the_suggested_levels() -> None:
    levels = (*mandatory.MANDATORY_LEVELS, *mandatory.SUGGESTED_LEVELS)
    found = bounds({meta.name(level): level["spec"] for level in levels}, 600)
    assert {name: each.nominal for name, each in found.items()} == {
        "exempt": 0,
        "catch-all": 13,
        "system": 74,
        "node-high": 98,
        "leader-election": 25,
        "workload-high": 98,
        "workload-low": 245,
        "global-default": 49,
    }


def test_idle_levels_lend_to_busy_ones() -> None:
    limits = bounds({"idle": limited(50, 80), "busy": limited(50, 0), "poor": limited(0)}, 100)
    assert allocate(limits, {"idle": 0, "busy": 500}) == {"idle": 10, "busy": 90, "poor": 0}


def test_a_borrowing_limit_holds() -> None:
    limits = bounds({"idle": limited(50, 80), "busy": limited(50, 0, 10)}, 100)
    assert allocate(limits, {"busy": 500})["busy"] == 55


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(1, 100), st.integers(0, 100)), min_size=1),
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1000)),
    st.integers(10, 1000),
)
def test_all_seats_are_given_and_none_below_what_is_never_lent(
    levels: dict[str, tuple[int, int]], demand: dict[str, float], total: int
) -> None:
    limits = bounds({name: limited(shares, lendable) for name, (shares, lendable) in levels.items()}, total)
    found = allocate(limits, {name: value for name, value in demand.items() if name in limits})
    assert abs(sum(found.values()) - sum(each.nominal for each in limits.values())) <= 2 * len(limits)
    assert all(found[name] >= each.least for name, each in limits.items())


def test_demand_remembers_its_peaks_for_a_while() -> None:
    demand = Demand()
    demand.note(40)
    assert demand.period(3) == 40
    later = [demand.period(3) for _ in range(200)]
    assert later[0] > 35
    assert later == sorted(later, reverse=True)
    assert later[-1] < 5
