"""Cluster IPs come from the ServiceCIDRs that are ready."""

from typing import Any

import pytest

from pynetes.apiserver.registry.services.allocator import AllocationError, RangeFull
from pynetes.apiserver.registry.services.ranges import Ranges

Object = dict[str, Any]


def cidr(name: str, *cidrs: str, ready: str = "True", **metadata: str) -> Object:
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "metadata": {"name": name, **metadata},
        "spec": {"cidrs": list(cidrs)},
        "status": {"conditions": conditions},
    }


def take_all(ranges: Ranges, family: str = "IPv4") -> set[str]:
    taken = set()
    try:
        while True:
            taken.add(ranges.take_any(family))
    except RangeFull:
        return taken


def test_until_there_are_any_the_servers_own_networks_count() -> None:
    ranges = Ranges("10.0.0.0/30,fd00::/126")
    assert ranges.families == ["IPv4", "IPv6"]
    assert (take_all(ranges), take_all(ranges, "IPv6")) == ({"10.0.0.1", "10.0.0.2"}, {"fd00::1", "fd00::2", "fd00::3"})
    ranges.changed("ADDED", cidr("kubernetes", "10.1.0.0/30"))
    assert (take_all(ranges), take_all(ranges, "IPv6")) == ({"10.1.0.1", "10.1.0.2"}, set())


def test_several_add_up_and_overlap() -> None:
    ranges = Ranges("10.0.0.0/30")
    ranges.changed("ADDED", cidr("kubernetes", "10.0.0.0/30"))
    ranges.changed("ADDED", cidr("more", "10.0.0.0/29", "fd00::/126"))
    ranges.take("10.0.0.6")
    assert take_all(ranges) == {f"10.0.0.{n}" for n in range(1, 6)}
    ranges.changed("DELETED", cidr("more"))
    ranges.release("10.0.0.2")
    ranges.release("10.0.0.6")
    assert take_all(ranges) == {"10.0.0.2"}


@pytest.mark.parametrize(
    "closed", [cidr("a", "10.0.0.0/30", ready="False"), cidr("a", "10.0.0.0/30", deletionTimestamp="x")]
)
def test_none_is_taken_of_one_that_is_not_ready_or_being_deleted(closed: Object) -> None:
    ranges = Ranges("10.0.0.0/30")
    ranges.changed("MODIFIED", closed)
    assert take_all(ranges) == set()
    with pytest.raises(AllocationError, match="the provided network does not match the current range"):
        ranges.take("10.0.0.1")


def test_an_address_is_had_once_and_in_a_network() -> None:
    ranges = Ranges("10.0.0.0/29")
    ranges.remember(["10.0.0.3", "192.168.0.1"])
    with pytest.raises(AllocationError, match="provided IP is already allocated"):
        ranges.take("10.0.0.3")
    for outside in ("10.0.0.0", "10.0.0.7", "10.0.1.1", "fd00::1"):
        with pytest.raises(AllocationError, match="the provided network does not match the current range"):
            ranges.take(outside)
