"""Ranges hand out each member once."""

import ipaddress

import pytest

from pynetes.apiserver.registry.services.allocator import (
    AllocationError,
    Allocator,
    PortAllocator,
    RangeFull,
    addresses,
)


def test_reserved_part_is_used_last() -> None:
    allocator = Allocator(0, 10, 4, draw=lambda first, last: first)
    assert [allocator.take_any() for _ in range(10)] == [4, 5, 6, 7, 8, 9, 0, 1, 2, 3]
    with pytest.raises(RangeFull, match="range is full"):
        allocator.take_any()
    allocator.release(5)
    assert allocator.take_any() == 5


def test_addresses_leave_out_network_and_broadcast() -> None:
    network = ipaddress.ip_network("10.0.0.0/29")
    allocator = addresses(network)
    assert {network[allocator.take_any() - int(network[0])] for _ in range(6)} == set(network.hosts())
    with pytest.raises(RangeFull):
        allocator.take_any()
    assert [int(address) in allocator for address in network] == [False, *[True] * 6, False]


def test_ports() -> None:
    allocator = PortAllocator(30000, 30001)
    allocator.take(30000)
    with pytest.raises(AllocationError, match="provided port is already allocated"):
        allocator.take(30000)
    with pytest.raises(AllocationError, match="The range of valid ports is 30000-30001"):
        allocator.take(29999)
    assert allocator.take_any() == 30001
