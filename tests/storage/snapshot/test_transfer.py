"""Snapshots from every engine to every engine: the same keys, no revision seen twice, all or nothing."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pynetes.component import clock
from pynetes.storage import Compacted, Event, KeyValue, RevisionConflict, Store, StoreUnavailable, open_store
from pynetes.storage.database.pool import connect
from pynetes.storage.opening import dialect, located
from pynetes.storage.snapshot import BUMP, SnapshotError, StoreNotEmpty, open_view, restore, take
from pynetes.storage.status import survey
from tests.storage.conftest import EMBEDDED, SERVERS, Servers

ENGINES = ["sqlite", *SERVERS]


class Places:
    """Empty stores of any engine, one of each."""

    def __init__(self, directory: Path, servers: Servers) -> None:
        self.directory = directory
        self._servers = servers

    def empty(self, engine: str, name: str = "store") -> str:
        if engine in EMBEDDED:
            return EMBEDDED[engine](self.directory / name)
        return self._servers[engine].empty()


@pytest.fixture
def places(tmp_path: Path, servers: Servers) -> Iterator[Places]:
    yield Places(tmp_path, servers)
    shutil.rmtree(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "snapshot"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = await open_store(url)
    try:
        yield store
    finally:
        await store.close()


async def snapshot(url: str, file: Path) -> int:
    async with open_view(url) as view:
        return (await take(view, file, cluster="c")).header.revision


VALUES = {
    "/registry/core/configmaps/default/ä": b'{"a":1}',
    "/registry/core/pods/default/all": bytes(range(256)),
    "/registry/core/pods/default/empty": b"",
    "/registry/core/pods/default/large": b"x" * 1_400_000,
    "/registry/core/pods/default/\U0001f600": b"2",
}


async def fill(store: Store) -> None:
    for key, value in VALUES.items():
        made = await store.create(key, b"1")
        await store.update(key, value, expected=made.mod_revision)
    gone = await store.create("/registry/core/pods/default/gone", b"")
    await store.delete(gone.key, expected=gone.mod_revision)


async def contents(store: Store) -> dict[str, bytes]:
    return {kv.key: kv.value for kv in (await store.list("/")).items}


@pytest.mark.parametrize("source", ENGINES)
@pytest.mark.parametrize("target", ENGINES)
async def test_any_engine_grows_into_any_other(source: str, target: str, places: Places, file: Path) -> None:
    url = places.empty(source, "source")
    async with opened(url) as store:
        await fill(store)
        revision = await snapshot(url, file)  # while it runs
        assert revision == await store.revision()
    url = places.empty(target, "target")
    restored = await restore(file, url)
    assert (restored.header.engine, restored.header.cluster, restored.keys) == (source, "c", len(VALUES))
    async with opened(url) as store:
        assert await contents(store) == VALUES
        listed = await store.list("/")
        assert listed.revision == await store.revision() == restored.revision > revision + BUMP
        assert all(revision + BUMP < kv.mod_revision <= listed.revision for kv in listed.items)
        for kv in listed.items:
            assert await store.get(kv.key) == (kv, listed.revision)


@pytest.mark.parametrize("target", ENGINES)
async def test_who_outlives_the_store_lists_again(target: str, places: Places, file: Path) -> None:
    source = places.empty("sqlite", "source")
    async with opened(source) as store:
        old = await store.create("/a", b"1")
        await snapshot(source, file)
        lost = await store.update("/a", b"lost", expected=old.mod_revision)
        seen = await store.revision()
    url = places.empty(target, "target")
    await restore(file, url)
    async with opened(url) as store:
        for start in (1, old.mod_revision, seen, seen + 1, seen + BUMP // 2):
            with pytest.raises(Compacted):
                async with store.watch("/", start=start):
                    pytest.fail("entered")
            with pytest.raises(Compacted):
                await store.list("/", revision=start)
            with pytest.raises(Compacted):
                await store.get("/a", revision=start)
        for stale in (old.mod_revision, lost.mod_revision, 0):
            with pytest.raises(RevisionConflict) as caught:
                await store.update("/a", b"2", expected=stale)
        assert caught.value.current is not None
        assert caught.value.current.mod_revision > seen
        # Compaction of what is gone does nothing, and that of what came since does.
        await store.compact(seen)
        await store.compact(await store.revision())


@pytest.mark.parametrize("target", ENGINES)
async def test_a_restored_store_runs_on(target: str, places: Places, file: Path) -> None:
    source = places.empty("sqlite", "source")
    async with opened(source) as store:
        await fill(store)
        await snapshot(source, file)
    url = places.empty(target, "target")
    await restore(file, url)
    async with opened(url) as store:
        listed = await store.list("/")
        first = listed.items[0]
        async with store.watch("/", start=listed.revision + 1) as watch:
            changed = await store.update(first.key, b"changed", expected=first.mod_revision)
            gone = await store.delete(first.key, expected=changed.mod_revision)
            made = await store.create("/new", b"", ttl=0)
            events: list[Event] = []
            async with asyncio.timeout(100):
                while len(events) < 3:
                    events += (await anext(watch)).events
        assert [event.kv for event in events] == [changed, gone, made]
        assert events[0].prev == first
        assert [kv.mod_revision for kv in (changed, gone, made)] == [listed.revision + n for n in (1, 2, 3)]
    async with opened(url) as store:
        # Read again from history.
        async with store.watch("/", start=listed.revision + 1) as watch, asyncio.timeout(100):
            again: list[Event] = []
            while len(again) < 3:
                again += (await anext(watch)).events
        assert again == events
        assert (await store.list("/", revision=listed.revision)).items == listed.items
        assert (await store.get(first.key, revision=changed.mod_revision))[0] == changed
        await store.compact(gone.mod_revision)
        with pytest.raises(Compacted):
            await store.get(first.key, revision=changed.mod_revision)
        assert (await store.get("/new"))[0] == made
    # And once more, from it to it.
    second = await snapshot(url, file)
    assert second == made.mod_revision
    again_restored = await restore(file, url, overwrite=True)
    assert again_restored.revision > second + BUMP
    async with opened(url) as store:
        assert set(await contents(store)) == {*VALUES, "/new"} - {first.key}


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_snapshot_under_load_is_of_one_revision(engine: str, places: Places, file: Path) -> None:
    url = places.empty(engine)
    pairs = 400
    async with opened(url) as store:
        # Each pair is written together, the first key first: at no revision is the second ahead.
        held = await asyncio.gather(*(store.create(f"/{side}/{n:03}", b"0") for n in range(pairs) for side in "ab"))
        kvs = {kv.key: kv for kv in held}
        written = 0

        async def write() -> None:
            nonlocal written
            while True:
                written += 1
                for side in "ab":
                    key = f"/{side}/{written % pairs:03}"
                    kvs[key] = await store.update(key, b"%d" % written, expected=kvs[key].mod_revision)

        writing = asyncio.ensure_future(write())
        await asyncio.sleep(0.2)
        before = await store.revision()
        revision = await snapshot(url, file)
        assert revision >= before
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        then = {kv.key: kv.value for kv in (await store.list("/", revision=revision)).items}
    copy = places.empty("sqlite", "copy")
    await restore(file, copy)
    async with opened(copy) as restored:
        found = await contents(restored)
    assert found == then
    assert sum(found[f"/a/{n:03}"] != found[f"/b/{n:03}"] for n in range(pairs)) <= 1


@pytest.mark.parametrize(
    ("source", "target"), [*((engine, "sqlite") for engine in SERVERS), *(("sqlite", engine) for engine in ENGINES)]
)
async def test_time_to_live_survives(source: str, target: str, places: Places, file: Path) -> None:
    url = places.empty(source, "source")
    async with opened(url) as store:
        await store.create("/short", b"", ttl=2)
        await store.create("/long", b"", ttl=3600)
        await store.create("/kept", b"")
        await snapshot(url, file)
    url = places.empty(target, "target")
    await restore(file, url)
    async with open_view(url) as view:
        ends = {record.key: record.expires for record in await view.page("/", 10)}
    assert set(ends) == {"/short", "/long", "/kept"}
    assert ends["/kept"] == 0
    # An etcd's leases end up to some minutes later, at each passage.
    assert 3590 < ends["/long"] - clock.time_seconds() < 3600 + 400
    async with opened(url) as store, asyncio.timeout(100):
        async with store.watch("/", start=await store.revision() + 1) as watch:
            if "/short" in await contents(store):
                (event,) = (await anext(watch)).events
                assert (event.type, event.kv.key) == ("DELETE", "/short")
        assert set(await contents(store)) == {"/long", "/kept"}


async def test_what_has_expired_meanwhile_is_left_out(
    places: Places, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = places.empty("sqlite", "source")
    async with opened(url) as store:
        await store.create("/event", b"", ttl=3600)
        await store.create("/kept", b"")
        await snapshot(url, file)
    later = clock.time_seconds() + 4000
    monkeypatch.setattr("pynetes.storage.snapshot.transfer.clock.time_seconds", lambda: later)
    restored = await restore(file, places.empty("sqlite", "target"))
    assert restored.keys == 1


# --- refusals


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_store_that_is_not_empty_is_left_alone(engine: str, places: Places, file: Path) -> None:
    source = places.empty("sqlite", "source")
    async with opened(source) as store:
        await store.create("/from/snapshot", b"")
        await snapshot(source, file)
    url = places.empty(engine)
    async with opened(url) as store:
        made = await store.create("/mine", b"")
    with pytest.raises(StoreNotEmpty, match="is not empty"):
        await restore(file, url)
    async with opened(url) as store:
        assert (await store.list("/")).items == [made]
    restored = await restore(file, url, overwrite=True)
    assert restored.revision > made.mod_revision + BUMP
    async with opened(url) as store:
        assert await contents(store) == {"/from/snapshot": b""}


async def test_an_overwritten_store_goes_on_beyond_its_own_revision(places: Places, file: Path) -> None:
    source, url = places.empty("sqlite", "source"), places.empty("sqlite", "target")
    async with opened(source) as store:
        await store.create("/from/snapshot", b"")
        await snapshot(source, file)
    first = await restore(file, url, bump=10)
    second = await restore(file, url, bump=10, overwrite=True)
    assert second.revision > first.revision + 10


async def write_on(store: Store) -> None:
    kv: KeyValue = await store.create("/lease", b"")
    while True:
        await asyncio.sleep(0.02)  # less than the time in which nobody must write
        kv = await store.update("/lease", b"", expected=kv.mod_revision)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_store_in_use_is_left_alone(
    engine: str, places: Places, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynetes.storage.snapshot.database._LINGERING_SECONDS", 0.1)
    source, url = places.empty("sqlite", "source"), places.empty(engine)
    async with opened(source) as store:
        await store.create("/from/snapshot", b"")
        await snapshot(source, file)
    async with opened(url) as store:
        writing = asyncio.ensure_future(write_on(store))
        while engine != "etcd" and not (await survey(url)).in_use:  # noqa: ASYNC110 (the state is the engine's)
            await asyncio.sleep(0.1)
        with pytest.raises(StoreUnavailable, match="in use"):
            await restore(file, url, overwrite=True)
        assert await contents(store) == {"/lease": b""}
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


@pytest.mark.parametrize("engine", ["postgres", "mysql"])
async def test_a_database_may_notice_late_that_its_server_has_ended(
    engine: str, places: Places, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynetes.storage.snapshot.database._LINGERING_SECONDS", 100.0)
    source, url = places.empty("sqlite", "source"), places.empty(engine)
    async with opened(source) as store:
        await store.create("/from/snapshot", b"")
        await snapshot(source, file)
    with located(url) as location:
        session = await connect(dialect(location))
    assert await session.try_lock("keeper")
    restoring = asyncio.ensure_future(restore(file, url))
    await asyncio.sleep(0.2)
    assert not restoring.done()
    session.terminate()
    await restoring


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_empty_store_has_no_snapshot(engine: str, places: Places, file: Path) -> None:
    url = places.empty(engine)
    await (await open_store(url)).close()
    with pytest.raises(SnapshotError, match="the store is empty"):
        await snapshot(url, file)
    assert os.listdir(file.parent) in ([], ["store"])


@pytest.mark.parametrize("engine", ["sqlite", "postgres", "mysql"])
async def test_a_store_that_is_not_there_has_no_snapshot_and_is_not_made(
    engine: str, places: Places, file: Path
) -> None:
    url = places.empty(engine)
    with pytest.raises(StoreUnavailable, match=r"there is no store at|holds no store"):
        await snapshot(url, file)
    with pytest.raises(StoreUnavailable, match=r"there is no store at|holds no store"):
        await snapshot(url, file)


async def test_memory_has_none(file: Path) -> None:
    with pytest.raises(StoreUnavailable, match="within its process alone"):
        await snapshot("memory:", file)


async def test_a_file_that_is_no_store_is_left_alone(places: Places, file: Path, tmp_path: Path) -> None:
    source = places.empty("sqlite", "source")
    async with opened(source) as store:
        await store.create("/a", b"")
        await snapshot(source, file)
    foreign = tmp_path / "foreign.db"
    foreign.write_bytes(b"no database at all " * 100)
    for action in (restore(file, f"sqlite://{foreign}", overwrite=True), snapshot(f"sqlite://{foreign}", file)):
        with pytest.raises(StoreUnavailable, match="file is not a database"):
            await action
    assert foreign.read_bytes() == b"no database at all " * 100


async def test_a_killed_etcd_restore_is_no_store_until_it_is_run_again(places: Places, file: Path) -> None:
    from pynetes.storage.snapshot.opening import open_target
    from pynetes.storage.snapshot.view import Record

    source, url = places.empty("sqlite", "source"), places.empty("etcd")
    async with opened(source) as store:
        await fill(store)
        await snapshot(source, file)
    target = open_target(url)
    half = await target.__aenter__()
    await half.begin(1000)
    await half.put([Record("/half", b"", 1, 1, 0)])
    with pytest.raises(StoreUnavailable, match="has not come to its end"):
        await open_store(url)
    with pytest.raises(StoreUnavailable, match="has not come to its end"):
        await snapshot(url, file)
    await half._endpoints.close()  # type: ignore[attr-defined]
    await restore(file, url)
    async with opened(url) as store:
        assert await contents(store) == VALUES
    half._committed = True  # type: ignore[attr-defined]
    await target.__aexit__(None, None, None)


async def test_a_killed_sqlite_restore_leaves_nothing_that_counts(places: Places, file: Path, tmp_path: Path) -> None:
    source = places.empty("sqlite", "source")
    async with opened(source) as store:
        await fill(store)
        await snapshot(source, file)
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "store.db.restoring").write_bytes(os.urandom(5000))
    url = places.empty("sqlite", "target")
    await restore(file, url)
    async with opened(url) as store:
        assert await contents(store) == VALUES
    assert sorted(p.name for p in (tmp_path / "target").iterdir()) == ["store.db", "store.db.lock"]
