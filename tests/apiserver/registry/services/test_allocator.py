"""Ranges hand out each member once."""

import ipaddress

import pytest

from pynetes.apiserver.registry.services.allocator import (
    AllocationError,
    Allocator,
    IPAllocator,
    PortAllocator,
    RangeFull,
)


def test_reserved_part_is_used_last() -> None:
    allocator = Allocator(10, 4, draw=lambda first, last: first)
    assert [allocator.take_any() for _ in range(10)] == [4, 5, 6, 7, 8, 9, 0, 1, 2, 3]
    with pytest.raises(RangeFull, match="range is full"):
        allocator.take_any()
    allocator.release(5)
    assert allocator.take_any() == 5


def test_addresses_leave_out_network_and_broadcast() -> None:
    allocator = IPAllocator(ipaddress.ip_network("10.0.0.0/29"))
    taken = {allocator.take_any() for _ in range(6)}
    assert taken == {f"10.0.0.{n}" for n in range(1, 7)}
    with pytest.raises(RangeFull):
        allocator.take_any()
    for outside in ("10.0.0.0", "10.0.0.7", "10.0.1.1"):
        with pytest.raises(AllocationError, match="is not in the valid range"):
            allocator.take(outside)
    allocator.release("10.0.0.3")
    allocator.take("10.0.0.3")
    with pytest.raises(AllocationError, match="provided IP is already allocated"):
        allocator.take("10.0.0.3")


def test_ports() -> None:
    allocator = PortAllocator(30000, 30001)
    allocator.take(30000)
    with pytest.raises(AllocationError, match="provided port is already allocated"):
        allocator.take(30000)
    with pytest.raises(AllocationError, match="The range of valid ports is 30000-30001"):
        allocator.take(29999)
    assert allocator.take_any() == 30001
