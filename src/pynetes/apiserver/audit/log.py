"""The log backend: a line an event, in a file that is rotated by size and cleared by age and number.

`-` stands for standard output, which is not rotated.
"""

import asyncio
import gzip
import logging
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

from pynetes.apiserver.audit import event
from pynetes.component import clock

log = logging.getLogger(__name__)

Object = dict[str, Any]

FORMATS: dict[str, Callable[[Object], bytes]] = {"json": event.line, "legacy": event.legacy_line}
_PACKED = ".gz"
_STAMP = "%Y-%m-%dT%H-%M-%S.%f"


class Rotation(Struct, frozen=True):
    """`size` in MiB; `age` in days and `backups` in files, 0 keeps all."""

    size: int = 100
    age: int = 0
    backups: int = 0
    compress: bool = False


_STANDARD = Rotation()


class LogBackend:
    def __init__(self, path: str, format: str = "json", rotation: Rotation = _STANDARD) -> None:
        self._path = None if path == "-" else Path(path)
        self._encode = FORMATS[format]
        self._rotation = rotation
        self._lock = asyncio.Lock()

    async def write(self, events: Sequence[Object]) -> None:
        data = b"".join([self._encode(each) for each in events])
        async with self._lock:  # the order of lines is that of the calls
            await asyncio.to_thread(self._write, data)

    def _write(self, data: bytes) -> None:
        if self._path is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._rotate_for(self._path, len(data))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _rotate_for(self, path: Path, size: int) -> None:
        limit = self._rotation.size << 20
        if not limit or not path.exists() or path.stat().st_size + size <= limit:
            return
        backup = _free_name(path)
        path.rename(backup)
        if self._rotation.compress:
            _compress(backup)
        for old in outdated(backups_of(path), self._rotation, clock.now()):
            old.unlink(missing_ok=True)

    async def close(self) -> None:
        """Nothing is open between writes, so that others may move the file."""


def _free_name(path: Path) -> Path:
    """For what is put aside now: later than all that were before, so that none is overwritten or passes for older."""
    now = max([clock.now(), *(made + timedelta(milliseconds=1) for made in backups_of(path).values())])
    return path.with_name(f"{path.stem}-{now.strftime(_STAMP)[:-3]}{path.suffix}")


def _compress(path: Path) -> None:
    packed = path.with_name(f"{path.name}{_PACKED}")
    with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as out:
        shutil.copyfileobj(plain, out)
    packed.chmod(0o600)
    path.unlink()


def backups_of(path: Path) -> dict[Path, datetime]:
    """Rotated files, with their times."""
    found = {}
    for each in path.parent.glob(f"{path.stem}-*"):
        stamp = each.name.removeprefix(f"{path.stem}-").removesuffix(_PACKED).removesuffix(path.suffix)
        try:
            found[each] = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            log.debug("%s is no backup of %s", each, path)
    return found


def outdated(backups: dict[Path, datetime], rotation: Rotation, now: datetime) -> list[Path]:
    newest_first = sorted(backups, key=lambda path: backups[path], reverse=True)
    surplus = newest_first[rotation.backups :] if rotation.backups else []
    oldest = now - timedelta(days=rotation.age)
    return [path for path in newest_first if path in surplus or (rotation.age and backups[path] < oldest)]
