"""Capacity and allocatable."""

import pytest

from pynetes.kubelet import machine
from pynetes.kubelet.node_resources import allocatable, binary, capacity, milli, threshold


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1000, "1000"), (1024, "1Ki"), (1536, "1536"), (8 << 30, "8Gi"), (8109989 << 10, "8109989Ki")],
)
def test_binary(value: int, text: str) -> None:
    assert binary(value) == text


@pytest.mark.parametrize(("value", "text"), [(2000, "2"), (1900, "1900m"), (0, "0")])
def test_milli(value: int, text: str) -> None:
    assert milli(value) == text


@pytest.mark.parametrize(("text", "expected"), [("100Mi", 100 << 20), ("10%", 100), ("0", 0)])
def test_threshold(text: str, expected: int) -> None:
    assert threshold(text, 1000) == expected


def test_allocatable_is_what_reservations_and_eviction_leave() -> None:
    total = {
        "cpu": "2",
        "memory": "8Gi",
        "ephemeral-storage": "100Gi",
        "pods": "110",
        "hugepages-2Mi": "1Gi",
    }
    found = allocatable(
        total,
        kube_reserved={"cpu": "100m", "memory": "256Mi"},
        system_reserved={"cpu": "50m", "ephemeral-storage": "1Gi"},
        eviction_hard={"memory.available": "100Mi", "nodefs.available": "10%"},
    )
    assert found == {
        "cpu": "1850m",
        "memory": binary((8 << 30) - (256 << 20) - (100 << 20) - (1 << 30)),
        "ephemeral-storage": "89Gi",
        "pods": "110",
        "hugepages-2Mi": "1Gi",
    }


def test_reserving_more_than_there_is_leaves_nothing() -> None:
    found = allocatable({"cpu": "1"}, kube_reserved={"cpu": "2"}, system_reserved={}, eviction_hard={})
    assert found == {"cpu": "0"}


def test_capacity_is_the_machines() -> None:
    disk = machine.FileSystem(1 << 30, 1 << 20, 100, 50)
    found = capacity(max_pods=110, pods_per_core=0, disk=disk)
    assert found["cpu"] == str(machine.cpu_count())
    assert found["ephemeral-storage"] == "1Gi"
    assert found["memory"].endswith("i")
    assert found["pods"] == "110"
    assert capacity(max_pods=110, pods_per_core=3, disk=disk)["pods"] == str(min(110, 3 * machine.cpu_count()))
