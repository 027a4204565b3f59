"""How much disk directories take (`du`), asked seldom: walking is slow, so answers are kept for a while."""

import asyncio
import os
from pathlib import Path

from msgspec import Struct

from pynetes.component import clock

_KEEP = 60.0


class DirectoryUsage(Struct, frozen=True):
    used: int = 0
    inodes: int = 0


def measure(directory: str | Path) -> DirectoryUsage:
    """Blocks allocated below the directory on its own file system, hard links once."""
    used, inodes, seen = 0, 0, set()
    try:
        device = os.lstat(directory).st_dev
    except OSError:
        return DirectoryUsage()
    stack = [str(directory)]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    if status.st_dev != device or (status.st_nlink > 1 and (status.st_ino in seen)):
                        continue
                    seen.add(status.st_ino)
                    used, inodes = used + status.st_blocks * 512, inodes + 1
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
        except OSError:
            continue  # gone while we looked
    return DirectoryUsage(used, inodes)


class DiskUsages:
    def __init__(self) -> None:
        self._known: dict[str, tuple[float, DirectoryUsage]] = {}

    async def of(self, directory: str) -> DirectoryUsage:
        now = clock.monotonic()
        known = self._known.get(directory)
        if known is not None and known[0] > now:
            return known[1]
        usage = await asyncio.to_thread(measure, directory)
        self._known = {path: entry for path, entry in self._known.items() if entry[0] > now}
        self._known[directory] = (now + _KEEP, usage)
        return usage
