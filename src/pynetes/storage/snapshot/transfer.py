"""From a store to a file and back."""

import asyncio
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from pynetes import __version__
from pynetes.component import clock
from pynetes.storage.snapshot.archive import Header, Reader, SnapshotError, Writer
from pynetes.storage.snapshot.opening import open_target
from pynetes.storage.snapshot.view import Record, View, pages

BUMP = 1_000_000_000
"""What etcd's documentation advises: more than any cluster writes between a snapshot and the loss of its store."""


class Taken(Struct, frozen=True):
    header: Header
    keys: int
    size: int
    """Of the file, bytes."""


class Restored(Struct, frozen=True):
    header: Header
    keys: int
    revision: int
    """The store's, from now on."""


async def take(view: View, path: Path, *, cluster: str = "") -> Taken:
    """Writes the view to `path`, which has all of it when this returns, or is as it was. SnapshotError."""
    time = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    header = Header(engine=view.engine, cluster=cluster, revision=view.revision, time=time, version=__version__)
    keys = 0
    with _replacing(path) as file:
        writer = Writer(file, header)
        async for records in pages(view):
            await asyncio.to_thread(writer.write, records)
            keys += len(records)
        if not keys:
            raise SnapshotError("the store is empty: there is nothing to take a snapshot of")
        writer.finish()
    return Taken(header, keys, writer.size)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` at the end, durable; after an error, there is nothing of it."""
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)  # mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(number, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync_directory(path.parent)
    except OSError as error:
        raise SnapshotError(f"cannot write {path}: {error.strerror}") from error


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


async def restore(path: Path, url: str, *, overwrite: bool = False, bump: int = BUMP) -> Restored:
    """Restores a snapshot to the store at the URL. SnapshotError, StoreNotEmpty, StoreUnavailable: nothing has changed.

    The store goes on from a revision that is greater by `bump` than the snapshot's and, if it is overwritten, its own.
    """
    with Reader(path) as snapshot:
        await asyncio.to_thread(snapshot.verify)
        async with open_target(url, overwrite=overwrite) as target:
            await target.begin(max(snapshot.header.revision, target.revision) + bump)
            keys = 0
            batches = snapshot.batches()
            while batch := await asyncio.to_thread(next, batches, None):
                alive = _alive(batch)
                await target.put(alive)
                keys += len(alive)
            if not keys:
                raise SnapshotError(f"{path} holds nothing to restore: all its keys have expired")
            return Restored(snapshot.header, keys, await target.commit())


def _alive(records: Sequence[Record]) -> list[Record]:
    now = clock.time_seconds()
    return [record for record in records if not 0 < record.expires <= now]
