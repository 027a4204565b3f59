"""Which images go, and when."""

from typing import Any

import pytest

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.images.gc import (
    DiskUsage,
    ImageGC,
    ImageRecord,
    Policy,
    bytes_to_free,
    eviction_order,
    format_size,
    too_old,
)


def record(id: str, used: float = 0, detected: float = 0, pinned: bool = False) -> ImageRecord:
    return ImageRecord(id, 100, detected, used, pinned)


def test_the_longest_unused_goes_first_and_pinned_or_used_stay() -> None:
    records = [record("a", 5), record("b", 3, 2), record("c", 3, 1), record("used"), record("pinned", pinned=True)]
    assert [r.id for r in eviction_order(records, frozenset({"used"}))] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("available", "expected"),
    [(1000, 0), (160, 0), (150, 50), (100, 100), (0, 200), (5000, 0)],
)
def test_between_the_thresholds_nothing_happens(available: int, expected: int) -> None:
    assert bytes_to_free(DiskUsage(1000, available), Policy()) == expected


def test_age_counts_only_after_the_kubelet_watched_that_long() -> None:
    policy = Policy(maximum_age=100)
    old, fresh = record("old", used=10), record("fresh", used=190)
    assert too_old([old, fresh], policy, now=200, began=50) == [old]
    assert too_old([old], policy, now=200, began=150) == []
    assert too_old([old], Policy(), now=200, began=0) == []


@pytest.mark.parametrize("values", [(101, 80), (-1, 0), (80, 85)])
def test_impossible_policies(values: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        Policy(*values)


@pytest.mark.parametrize(
    ("size", "text"), [(5, "5 B"), (1536, "1.5 KiB"), (5 << 20, "5.0 MiB"), (3 << 30, "3.0 GiB"), (2 << 40, "2.0 TiB")]
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert format_size(size) == text


class Disk:
    """600 of 1000 bytes are taken by other things."""

    def __init__(self, images: Any) -> None:
        self.images, self.capacity = images, 1000

    async def __call__(self) -> DiskUsage:
        used = 600 + sum(image.size for image in self.images.present.values())
        return DiskUsage(self.capacity, self.capacity - used)


def collector(setup: Any, events: list[Any], *, in_use: str = "", mounted: str = "", age: float = 0) -> ImageGC:
    async def containers() -> list[pb.Container]:
        return [pb.Container(image_ref=in_use)] if in_use else []

    return ImageGC(
        setup.images,
        containers=containers,
        disk=Disk(setup.images),
        node_event=lambda *event: events.append(event),
        policy=Policy(minimum_age=age),
        sandbox_image="pause:1",
        mounted=lambda: ["No Image", mounted],
    )


def add(setup: Any, *names: str) -> None:
    for name in names:
        setup.images.present[name] = pb.Image(id=f"id-{name}", repo_tags=[name], size=100)


async def test_a_full_disk_loses_unused_images_until_it_is_low_enough(setup: Any) -> None:
    add(setup, "a:1", "b:1", "pause:1")
    await collector(setup, [], in_use="a:1").collect()
    assert setup.images.removed == ["id-b:1"]


async def test_a_disk_below_the_threshold_loses_nothing(setup: Any) -> None:
    add(setup, "a:1")
    await collector(setup, []).collect()
    assert setup.images.removed == []


async def test_what_was_just_pulled_stays_and_the_node_says_that_it_is_full(setup: Any) -> None:
    add(setup, "a:1", "b:1", "c:1")
    events: list[Any] = []
    with pytest.raises(RuntimeError, match="Insufficient free disk space"):
        await collector(setup, events, age=120).collect()
    assert setup.images.removed == []
    assert events[0][:2] == ("Warning", "FreeDiskSpaceFailed")
    assert "(90% of 1000 B used)" in events[0][2]


async def test_eviction_removes_all_unused(setup: Any) -> None:
    add(setup, "a:1", "b:1", "c:1", "pause:1")
    assert await collector(setup, [], in_use="id-c:1").delete_unused() == 200
    assert sorted(setup.images.removed) == ["id-a:1", "id-b:1"]


async def test_images_that_are_mounted_as_volumes_are_in_use(setup: Any) -> None:
    add(setup, "docker.io/library/a:latest", "docker.io/library/b:latest")
    await collector(setup, [], mounted="a").delete_unused()
    assert setup.images.removed == ["id-docker.io/library/b:latest"]


async def test_an_image_that_cannot_be_removed_does_not_stop_the_others(setup: Any) -> None:
    add(setup, "a:1")
    gc = collector(setup, [])
    await gc.detect()
    setup.images.error = "in use"
    assert await gc.delete_unused() == 0
