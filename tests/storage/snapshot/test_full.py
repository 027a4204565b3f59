"""No room, or a kill in the midst of it: it is told, and nothing half done remains."""

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pynetes.storage import StoreUnavailable, open_store
from pynetes.storage.snapshot import SnapshotError, open_view, restore, take
from pynetes.storage.snapshot.opening import open_target
from pynetes.storage.snapshot.view import Record
from tests.storage.conftest import Servers
from tests.storage.engines import Etcd

KEYS = 3000


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.fixture
async def url(tmp_path: Path) -> str:
    """A store that takes more than 2 MiB, however compressed."""
    store = await open_store(f"sqlite://{tmp_path}/store.db")
    noise = random.Random(1)
    await asyncio.gather(*(store.create(f"/{n:05}", noise.randbytes(1000)) for n in range(KEYS)))
    await store.close()
    return f"sqlite://{tmp_path}/store.db"


async def snapshot(url: str, file: Path) -> Path:
    async with open_view(url) as view:
        await take(view, file)
    return file


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


@pytest.mark.root
async def test_a_snapshot_onto_a_full_disk(url: str, small: Path) -> None:
    (small / "snapshot").write_text("the one before")
    with pytest.raises(SnapshotError, match=r"cannot write .*/snapshot: No space left on device"):
        await snapshot(url, small / "snapshot")
    assert names(small) == ["snapshot"]
    assert (small / "snapshot").read_text() == "the one before"


async def test_a_snapshot_that_may_not_be_written(url: str, tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"cannot write .*/nowhere/snapshot: No such file or directory"):
        await snapshot(url, tmp_path / "nowhere" / "snapshot")
    (tmp_path / "taken").mkdir()
    with pytest.raises(SnapshotError, match=r"cannot write .*/taken: Is a directory"):
        await snapshot(url, tmp_path / "taken")
    assert names(tmp_path) == ["store.db", "store.db.lock", "taken"]


async def test_a_snapshot_is_for_its_owner_alone(url: str, tmp_path: Path) -> None:
    assert (await snapshot(url, tmp_path / "snapshot")).stat().st_mode & 0o777 == 0o600


@pytest.mark.root
@pytest.mark.parametrize("before", ["nothing", "a store"])
async def test_a_sqlite_restore_onto_a_full_disk(url: str, small: Path, tmp_path: Path, before: str) -> None:
    file = await snapshot(url, tmp_path / "snapshot")
    target = f"sqlite://{small}/store.db"
    if before == "a store":
        store = await open_store(target)
        made = await store.create("/mine", b"")
        await store.close()
    with pytest.raises(StoreUnavailable, match=r"store\.db.*(full|space|I/O)"):
        await restore(file, target, overwrite=True)
    if before == "nothing":
        assert names(small) == ["store.db.lock"]
        return
    assert names(small) == ["store.db", "store.db.lock"]
    store = await open_store(target)
    assert (await store.list("/")).items == [made]
    await store.close()


class SmallEtcd(Etcd):
    def command(self) -> Sequence[str]:
        return [*super().command(), "--quota-backend-bytes=2000000"]


async def test_an_etcd_restore_beyond_its_quota(url: str, tmp_path: Path) -> None:
    file = await snapshot(url, tmp_path / "snapshot")
    server = SmallEtcd()
    try:
        await asyncio.to_thread(server.start)
        where = f"etcd://127.0.0.1:{server.port}"
        with pytest.raises(StoreUnavailable, match="database space exceeded"):
            await restore(file, where)
        store = await open_store(where)
        assert (await store.list("")).items == []
        await store.close()
    finally:
        server.close()


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
async def test_a_database_that_is_killed_under_a_restore_forgets_it(engine: str, servers: Servers) -> None:
    server = servers[engine]
    url = server.empty()
    async with open_target(url) as target:
        await target.begin(1000)
        for n in range(20):
            await target.put([Record(f"/{n:02}/{m:03}", b"x" * 1000, 1, 1, 0) for m in range(500)])
        await asyncio.to_thread(server.kill)
        with pytest.raises(StoreUnavailable):
            await target.commit()
    await asyncio.to_thread(server.start)
    store = await open_store(url)
    assert (await store.list("/")).items == []
    assert await store.revision() == 1
    await store.close()
    async with open_target(url) as again:
        assert again.revision == 0
