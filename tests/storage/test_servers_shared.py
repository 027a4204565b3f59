"""Several stores on one engine, as several API servers have them: one history, whoever wrote it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pynetes.storage import Compacted, Event, KeyValue, RevisionConflict, Store, Watch, open_store
from tests.storage.conftest import SERVERS, Servers

WRITERS, WRITES = 8, 40


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest, servers: Servers) -> str:
    return servers[request.param].empty()


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[Store, Store]]:
    opened = await open_store(url), await open_store(url)
    yield opened
    for store in opened:
        await store.close()


async def collect(watch: Watch, count: int) -> list[Event]:
    events: list[Event] = []
    async with asyncio.timeout(100):
        while len(events) < count:
            events += (await anext(watch)).events
    return events


async def test_all_see_the_writes_of_all_in_one_order(stores: tuple[Store, Store], url: str) -> None:
    made: list[KeyValue] = []

    async def write(store: Store, name: str) -> None:
        for number in range(WRITES // 4):
            key = f"/{name}-{number}"
            kv = await store.create(key, b"1")
            changed = await store.update(key, b"2", expected=kv.mod_revision)
            gone = await store.delete(key, expected=changed.mod_revision)
            made.extend((kv, changed, gone, await store.create(key, b"3")))

    total = 2 * WRITERS * WRITES
    async with (
        stores[0].watch("/", start=2) as first,
        stores[1].watch("/", start=2) as second,
        asyncio.TaskGroup() as group,
    ):
        told = [group.create_task(collect(watch, total)) for watch in (first, second)]
        for index, store in enumerate(stores):
            for writer in range(WRITERS):
                group.create_task(write(store, f"{index}-{writer}"))
    assert [event.kv.mod_revision for event in told[0].result()] == list(range(2, total + 2))
    assert told[0].result() == told[1].result()
    assert [event.kv for event in told[0].result()] == sorted(made, key=lambda kv: kv.mod_revision)
    late = await open_store(url)
    async with late.watch("/", start=2) as watch:
        assert await collect(watch, total) == told[0].result()
    await late.close()


async def test_a_read_after_a_write_elsewhere_sees_it(stores: tuple[Store, Store]) -> None:
    writer, reader = stores
    for number in range(20):
        made = await writer.create(f"/{number}", b"")
        assert await reader.revision() >= made.mod_revision
        assert (await reader.get(made.key))[0] == made
        assert made in (await reader.list("/")).items
        writer, reader = reader, writer


async def test_progress_reaches_what_was_written_elsewhere(stores: tuple[Store, Store]) -> None:
    writer, reader = stores
    async with reader.watch("/quiet/", start=await reader.revision() + 1) as watch:
        for number in range(10):
            made = await writer.create(f"/other/{number}", b"")
            watch.request_progress()
            async with asyncio.timeout(100):
                batch = await anext(watch)
            assert batch.events == []
            assert batch.revision >= made.mod_revision


async def test_a_change_is_told_elsewhere(stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch) -> None:
    """By the engine, where it can: nobody looks by himself meanwhile."""
    monkeypatch.setattr("pynetes.storage.database.feed._POLL_LISTENING", 1000.0)
    writer, reader = stores
    async with reader.watch("/", start=await reader.revision() + 1) as watch:
        for number in range(10):
            await asyncio.sleep(0.05)  # long enough to be quiet
            made = await writer.create(f"/{number}", b"")
            (event,) = await collect(watch, 1)
            assert event.kv == made


async def test_of_writers_on_different_servers_one_wins(stores: tuple[Store, Store]) -> None:
    made = await stores[0].create("/a", b"")
    for _ in range(10):
        results = await asyncio.gather(
            *(stores[i % 2].update("/a", str(i).encode(), expected=made.mod_revision) for i in range(10)),
            return_exceptions=True,
        )
        won = [result for result in results if isinstance(result, KeyValue)]
        assert len(won) == 1
        assert sum(isinstance(result, RevisionConflict) for result in results) == 9
        made = won[0]


async def test_compactions_on_all_servers_at_once(stores: tuple[Store, Store]) -> None:
    kv = await stores[0].create("/a", b"0")
    for number in range(600):
        kv = await stores[number % 2].update("/a", str(number).encode(), expected=kv.mod_revision)
    await asyncio.gather(*(store.compact(kv.mod_revision - 10) for store in stores), stores[0].compact(300))
    for store in stores:
        assert (await store.get("/a", revision=kv.mod_revision - 10))[0] is not None
        with pytest.raises(Compacted):
            await store.get("/a", revision=kv.mod_revision - 11)
        with pytest.raises(Compacted):
            async with store.watch("/", start=kv.mod_revision - 10):
                pytest.fail("entered")


async def test_keys_expire_when_the_server_that_wrote_them_is_gone(stores: tuple[Store, Store], url: str) -> None:
    made = await stores[0].create("/a", b"", ttl=1)
    await stores[0].close()
    async with stores[1].watch("/", start=made.mod_revision + 1) as watch:
        (event,) = await collect(watch, 1)
    assert (event.type, event.kv.key) == ("DELETE", "/a")
