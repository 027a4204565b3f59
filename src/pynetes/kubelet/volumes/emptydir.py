"""`emptyDir`: scratch space that lives as long as the pod; on disk, in memory, or on huge pages.

The size limit of a memory volume is the tmpfs's size; that of a disk volume is enforced by eviction.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pynetes.apimachinery import quantity
from pynetes.kubelet import pod_resources
from pynetes.kubelet.volumes import ownership, scratch
from pynetes.kubelet.volumes.plugin import MountedVolume, VolumeContext, VolumeError

_HUGE_PAGES = "HugePages"


def memory_size(source: Mapping[str, Any], pod: Mapping[str, Any], node: Mapping[str, Any] | None) -> int:
    """Bytes of a memory volume: the smallest of what the volume, the pod and the node allow; 0 for unknown."""
    allocatable = ((node or {}).get("status") or {}).get("allocatable") or {}
    bounds = [quantity.parse(allocatable.get("memory", 0)).value()]
    if pod_resources.limited(pod, "memory"):
        bounds.append(pod_resources.limits(pod)["memory"].value())
    bounds.append(quantity.parse(source.get("sizeLimit") or 0).value())
    return min((bound for bound in bounds if bound > 0), default=0)


def huge_page_size(medium: str, pod: Mapping[str, Any]) -> tuple[int, int]:
    """Page size and bytes wanted, for medium `HugePages` (the pod's only size) or `HugePages-<size>`."""
    wanted: dict[str, int] = {
        name.removeprefix("hugepages-"): value.value()
        for name, value in pod_resources.requests(pod).items()
        if name.startswith("hugepages-")
    }
    size = medium.removeprefix(_HUGE_PAGES).removeprefix("-")
    if not size:
        if len(wanted) != 1:
            raise VolumeError(
                "no hugepages requested"
                if not wanted
                else f"medium {medium} cannot be used if multiple huge page sizes are requested"
            )
        size = next(iter(wanted))
    return quantity.parse(size).value(), wanted.get(size, 0)


class EmptyDirPlugin:
    name = "kubernetes.io/empty-dir"
    source = "emptyDir"

    async def set_up(self, context: VolumeContext) -> MountedVolume:
        source = context.volume.get(self.source) or {}
        try:
            self._make(source, context)
            ownership.set_group(context.path, context.fs_group, readonly=False)
        except OSError as error:
            raise VolumeError(str(error)) from error
        return MountedVolume(context.name, str(context.path), self.name)

    def _make(self, source: Mapping[str, Any], context: VolumeContext) -> None:
        medium = source.get("medium") or ""
        if medium == "Memory":
            scratch.make_in_memory(context.path, memory_size(source, context.pod, context.sources.node()))
        elif medium.startswith(_HUGE_PAGES):
            scratch.make_on_huge_pages(context.path, *huge_page_size(medium, context.pod))
        elif not medium:
            scratch.make(context.path)
        else:
            raise VolumeError(f'unknown storage medium "{medium}"')

    async def tear_down(self, path: Path) -> None:
        await scratch.remove(path)
