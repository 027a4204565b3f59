import pytest

from pynetes.controllers.nodeipam import CIDRRangeFull, CIDRSet


def test_blocks_come_in_order_and_are_not_reused_at_once():
    pool = CIDRSet("10.244.0.0/16", 24)
    assert [pool.allocate() for _ in range(3)] == ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]
    pool.release("10.244.1.0/24")
    assert pool.allocate() == "10.244.3.0/24"


def test_a_full_range_says_so_and_takes_back():
    pool = CIDRSet("10.0.0.0/23", 24)
    pool.allocate()
    pool.allocate()
    with pytest.raises(CIDRRangeFull, match="no remaining CIDRs"):
        pool.allocate()
    pool.release("10.0.0.0/24")
    assert pool.allocate() == "10.0.0.0/24"


def test_occupied_blocks_are_passed_over():
    pool = CIDRSet("10.0.0.0/16", 24)
    pool.occupy("10.0.0.0/23")
    pool.occupy("10.0.2.128/25")
    pool.occupy("192.168.0.0/16")
    pool.occupy("fd00::/64")
    assert pool.allocate() == "10.0.3.0/24"


def test_six_has_ranges_too():
    pool = CIDRSet("fd00::/56", 64)
    assert [pool.allocate(), pool.allocate()] == ["fd00::/64", "fd00:0:0:1::/64"]


@pytest.mark.parametrize("mask", [15, 33])
def test_a_mask_must_fit(mask):
    with pytest.raises(ValueError, match="does not fit"):
        CIDRSet("10.0.0.0/16", mask)
