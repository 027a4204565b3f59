"""What only SQLite knows: its files, its history, and who holds the lock."""

import asyncio
import os
from pathlib import Path

from pynetes.storage.interface import StoreUnavailable
from pynetes.storage.snapshot.sqlite import connect, told
from pynetes.storage.status.report import Compaction, StoreStatus

_META = "SELECT name, value FROM meta"
_VERSIONS = "SELECT count(*) FROM history"
_LOCKS = Path("/proc/locks")


async def look(path: Path, status: StoreStatus) -> Compaction:
    """Fills in what is not told by a view."""
    status.size = await asyncio.to_thread(_size, path)
    if status.in_use is None:
        status.in_use = await asyncio.to_thread(is_locked, path)
    try:
        return await asyncio.to_thread(_history, path)
    except StoreUnavailable as error:
        status.error = status.error or str(error)
        return Compaction()


def _size(path: Path) -> int:
    """Of the database and its log, as the disk counts them."""
    files = (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm"))
    return sum(file.stat().st_blocks * 512 for file in files if file.exists())


def _history(path: Path) -> Compaction:
    connection = connect(path)
    try:
        with told(path):
            meta = dict(connection.execute(_META).fetchall())
            versions = connection.execute(_VERSIONS).fetchone()[0]
    finally:
        connection.close()
    compacted, swept = meta.get("compacted", 0), meta.get("swept", 0)
    return Compaction(compacted, versions=versions, unswept=max(0, compacted - swept - 1))


def is_locked(path: Path) -> bool | None:
    """Whether a server has the store, without touching its lock: that could keep it from starting just then."""
    try:
        file = path.with_name(path.name + ".lock").stat()
        lines = _LOCKS.read_text().splitlines()
    except FileNotFoundError:
        return False
    except OSError:
        return None
    # 1: FLOCK  ADVISORY  WRITE 4711 fd:00:1234567 0 EOF
    holders = [fields for line in lines if len(fields := line.split()) > 5 and fields[1] == "FLOCK"]
    return any(_is_file(fields[5], file) for fields in holders)


def _is_file(told: str, file: os.stat_result) -> bool:
    """Whether `fd:00:1234567`, device and inode, is this file: other disks have files of the same number.

    A file system without a disk of its own (overlayfs, btrfs) may be told as another device than `stat` says.
    """
    device, _, inode = told.rpartition(":")
    major, minor = os.major(file.st_dev), os.minor(file.st_dev)
    return int(inode) == file.st_ino and (not major or device == f"{major:02x}:{minor:02x}")
