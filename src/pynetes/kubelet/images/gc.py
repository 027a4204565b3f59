"""Frees the image disk: removes unused images when it is too full, or when they are too old."""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator

from msgspec import Struct

from pynetes.component import clock
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.images import reference

log = logging.getLogger(__name__)


class Policy(Struct, frozen=True):
    """Percent of the disk, ages in seconds; `maximum_age` 0 means no limit."""

    high_percent: int = 85
    low_percent: int = 80
    minimum_age: float = 120
    maximum_age: float = 0

    def __post_init__(self) -> None:
        for name, value in (("HighThresholdPercent", self.high_percent), ("LowThresholdPercent", self.low_percent)):
            if not 0 <= value <= 100:
                raise ValueError(f"invalid {name} {value}, must be in range [0-100]")
        if self.low_percent > self.high_percent:
            raise ValueError(
                f"LowThresholdPercent {self.low_percent} can not be higher than "
                f"HighThresholdPercent {self.high_percent}"
            )


class ImageRecord(Struct):
    """What is known of an image; times by the monotonic clock, `last_used` 0 for never."""

    id: str
    size: int
    first_detected: float
    last_used: float = 0
    pinned: bool = False


class DiskUsage(Struct, frozen=True):
    capacity: int
    available: int

    @property
    def percent(self) -> int:
        return 100 - min(self.available, self.capacity) * 100 // self.capacity


def eviction_order(records: Iterable[ImageRecord], in_use: frozenset[str]) -> list[ImageRecord]:
    """Unused, unpinned images, least recently used first, then the oldest."""
    candidates = (r for r in records if r.id not in in_use and not r.pinned)
    return sorted(candidates, key=lambda r: (r.last_used, r.first_detected))


def too_old(candidates: Iterable[ImageRecord], policy: Policy, now: float, began: float) -> list[ImageRecord]:
    """Images past the maximum age, unused; none before the kubelet itself (since `began`) has watched that long."""
    if not policy.maximum_age or now - began <= policy.maximum_age:
        return []
    return [r for r in candidates if now - (r.last_used or r.first_detected) > policy.maximum_age]


def bytes_to_free(disk: DiskUsage, policy: Policy) -> int:
    """0 below the high threshold; above it, enough to get to the low one."""
    if disk.percent < policy.high_percent:
        return 0
    return max(0, disk.capacity * (100 - policy.low_percent) // 100 - min(disk.available, disk.capacity))


class ImageGC:
    """`disk` tells the usage of the disk that holds the images; `containers` lists all, dead ones included."""

    def __init__(
        self,
        images: ImageService,
        *,
        containers: Callable[[], Awaitable[list[pb.Container]]],
        disk: Callable[[], Awaitable[DiskUsage]],
        node_event: Callable[[str, str, str], None],
        policy: Policy | None = None,
        sandbox_image: str = "",
        mounted: Callable[[], Iterable[str]] = tuple,
        removed: Callable[[list[str]], None] | None = None,
    ) -> None:
        """`sandbox_image` is never removed; `mounted` gives the references of image volumes that pods have; `removed`
        hears the names of the images that remain after a collection."""
        self._mounted = mounted
        self._images, self._containers, self._disk, self._event = images, containers, disk, node_event
        self._policy = policy or Policy()
        self._sandbox_image = sandbox_image
        self._after = removed
        self._records: dict[str, ImageRecord] = {}
        self._began = clock.monotonic()

    async def detect(self) -> frozenset[str]:
        """Brings the records up to date; returns the ids of images in use."""
        images = await self._images.list_images()
        containers = await self._containers()
        names = {name: image.id for image in images for name in (*image.repo_tags, *image.repo_digests)}
        of_containers = (ref for c in containers for ref in (c.image_ref, c.image.image, c.image_id) if ref)
        in_use = frozenset(names.get(ref, ref) for ref in (*of_containers, *_listed_names(self._mounted())))
        now = clock.monotonic()
        for image in images:
            record = self._records.setdefault(image.id, ImageRecord(image.id, image.size, now))
            record.size = image.size
            record.pinned = image.pinned or self._sandbox_image in image.repo_tags
            if image.id in in_use:
                record.last_used = now
        for gone in set(self._records) - {image.id for image in images}:
            del self._records[gone]
        if self._after:
            self._after(list(names))
        return in_use

    async def collect(self) -> None:
        """One round: images past their age, then as many as the disk needs. Raises RuntimeError if that fails."""
        candidates = eviction_order(self._records.values(), await self.detect())
        now = clock.monotonic()
        for record in too_old(candidates, self._policy, now, self._began):
            await self._remove(record)
        disk = await self._disk()
        if disk.capacity == 0:
            message = "invalid capacity 0 on image filesystem"
            self._event("Warning", "InvalidDiskCapacity", message)
            raise RuntimeError(message)
        wanted = bytes_to_free(disk, self._policy)
        if not wanted:
            return
        log.info("the image disk is %d %% full: removing %d bytes of unused images", disk.percent, wanted)
        freed = await self._free(wanted, [r for r in candidates if r.id in self._records])
        if freed < wanted:
            message = _insufficient(disk, freed)
            self._event("Warning", "FreeDiskSpaceFailed", message)
            raise RuntimeError(message)

    async def delete_unused(self) -> int:
        """Removes all that may go (eviction under disk pressure); returns the bytes freed."""
        return await self._free(None, eviction_order(self._records.values(), await self.detect()))

    async def _free(self, wanted: int | None, candidates: list[ImageRecord]) -> int:
        freed, now = 0, clock.monotonic()
        for record in candidates:
            if now - record.first_detected < self._policy.minimum_age:
                continue  # just pulled: its container may be about to start
            if await self._remove(record):
                freed += record.size
            if wanted is not None and freed >= wanted:
                break
        return freed

    async def _remove(self, record: ImageRecord) -> bool:
        try:
            await self._images.remove_image(record.id)
        except CRIError as error:
            log.warning("image %s cannot be removed: %s", record.id, error)
            return False
        self._records.pop(record.id, None)
        return True


def _listed_names(images: Iterable[str]) -> Iterator[str]:
    for image in images:
        with contextlib.suppress(ValueError):  # no such image can have been pulled
            yield reference.full_name(image)


def _insufficient(disk: DiskUsage, freed: int) -> str:
    return (
        f"Insufficient free disk space on the node's image filesystem ({disk.percent}% of "
        f"{format_size(disk.capacity)} used). Failed to free sufficient space by deleting unused images "
        f"(freed {freed} bytes). Investigate disk usage, as it could be used by active images, logs, volumes, "
        "or other data."
    )


def format_size(size: int) -> str:
    """`12.5 GiB`: sizes for people."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} TiB"
