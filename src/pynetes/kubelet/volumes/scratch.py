"""The directory that the kubelet's own volumes live in: on disk, in memory or on huge pages."""

import asyncio
import contextlib
import shutil
from pathlib import Path

from pynetes.kubelet.volumes import mounts

_PERMISSIONS = 0o777


def make(path: Path) -> None:
    """A directory that everybody may write, as volumes without fsGroup are."""
    path.mkdir(parents=True, exist_ok=True)
    if path.stat().st_mode & 0o777 != _PERMISSIONS:
        path.chmod(path.stat().st_mode | _PERMISSIONS)


def make_in_memory(path: Path, size: int = 0) -> None:
    """A tmpfs of at most `size` bytes (0: the kernel's default). Idempotent."""
    path.mkdir(parents=True, exist_ok=True)
    if not mounts.is_mount_point(path):
        mounts.mount("tmpfs", path, "tmpfs", options=f"size={size}" if size else "")
    make(path)


def make_on_huge_pages(path: Path, page_size: int, minimum: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if not mounts.is_mount_point(path):
        mounts.mount("nodev", path, "hugetlbfs", options=f"pagesize={page_size},min_size={minimum}")
    make(path)


async def remove(path: Path) -> None:
    """Unmounts what is mounted on or below the path and deletes the rest; no error if it is gone."""
    await asyncio.to_thread(_remove, path)  # an emptyDir may hold millions of files


def _remove(path: Path) -> None:
    mounts.unmount_below(path)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
