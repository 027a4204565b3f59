"""A connection cut in the midst of a write: what the engine did not acknowledge is never told as a success."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit, urlunsplit

import pytest

from pynetes.storage import Store, StoreUnavailable, open_store
from tests.storage.conftest import SERVERS, Servers
from tests.storage.engines.proxy import Proxy

VALUE = b"0123456789" * 30
WRITE: dict[str, bytes] = {"etcd": VALUE, "postgres": VALUE, "mysql": VALUE}
COMMIT: dict[str, bytes] = {"etcd": VALUE, "postgres": b"COMMIT", "mysql": b"COMMIT"}


@pytest.fixture(params=SERVERS)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(engine: str, servers: Servers) -> str:
    return servers[engine].empty()


@pytest.fixture
async def proxy(engine: str, servers: Servers) -> AsyncIterator[Proxy]:
    async with Proxy(servers[engine].port) as made:
        yield made


@pytest.fixture
async def store(url: str, proxy: Proxy) -> AsyncIterator[Store]:
    parts = urlsplit(url)
    netloc = parts.netloc.replace(str(parts.port), str(proxy.port))
    opened = await open_store(urlunsplit(parts._replace(netloc=netloc)))
    yield opened
    proxy.mend()
    await opened.close()


@pytest.fixture
async def other(url: str) -> AsyncIterator[Store]:
    """Sees the engine as it is."""
    opened = await open_store(url)
    yield opened
    await opened.close()


def contains(text: bytes) -> Callable[[bytes], bool]:
    return lambda data: text in data


async def test_the_acknowledgement_is_lost(engine: str, store: Store, other: Store, proxy: Proxy) -> None:
    before = await store.create("/before", b"")
    proxy.swallow_answers = contains(COMMIT[engine])

    async def written() -> bool:
        return (await other.get("/a"))[0] is not None

    with pytest.raises(StoreUnavailable):
        await asyncio.gather(store.create("/a", VALUE), proxy.break_once(written))
    proxy.mend()
    assert proxy.hits == 1
    found, _ = await other.get("/a")
    assert found is not None
    async with asyncio.timeout(100):
        # The one who wrote reads it too, and goes on from there.
        assert (await store.get("/a"))[0] == found
        changed = await store.update("/a", b"2", expected=found.mod_revision)
        async with store.watch("/", start=before.mod_revision) as watch:
            told = []
            while len(told) < 3:
                told += (await anext(watch)).events
    assert [event.kv for event in told] == [before, found, changed]


async def test_the_write_is_lost(engine: str, store: Store, other: Store, proxy: Proxy) -> None:
    await store.create("/before", b"")
    proxy.refuse = contains(WRITE[engine])
    with pytest.raises(StoreUnavailable):
        await store.create("/a", VALUE)
    assert proxy.hits >= 1
    proxy.mend()
    assert (await other.get("/a"))[0] is None
    async with asyncio.timeout(100):
        made = await store.create("/a", VALUE)
    assert (await other.get("/a"))[0] == made


async def test_the_commit_is_lost(engine: str, store: Store, other: Store, proxy: Proxy) -> None:
    proxy.refuse = contains(COMMIT[engine])
    with pytest.raises(StoreUnavailable, match=r"may have happened|reset|closed|Socket|Lost|recvmsg|connection"):
        await store.create("/a", VALUE)
    proxy.mend()
    assert (await other.get("/a"))[0] is None
    # And its lock with it.
    async with asyncio.timeout(100):
        assert await other.create("/a", VALUE)


async def test_a_broken_connection_is_replaced_without_a_word(store: Store, proxy: Proxy) -> None:
    made = await store.create("/a", b"")
    async with store.watch("/", start=made.mod_revision + 1) as watch:
        for number in range(5):
            proxy.break_all()
            await asyncio.sleep(0.05)
            async with asyncio.timeout(100):
                assert (await store.get("/a"))[0] == made
                await store.list("/")
                changed = await store.update("/a", str(number).encode(), expected=made.mod_revision)
                (event,) = (await anext(watch)).events
            assert event.kv == changed
            assert event.prev == made
            made = changed


async def test_silence_ends_in_an_error(store: Store, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.create("/a", b"")
    proxy.silent = True
    with monkeypatch.context() as impatient:
        impatient.setattr("pynetes.storage.database.pool.TIMEOUT", 1.0)
        impatient.setattr("pynetes.storage.database.pool._CONNECT_TIMEOUT", 1.0)
        impatient.setattr("pynetes.storage.etcd.endpoints.TIMEOUT", 1.0)
        for refused in (store.create("/b", b""), store.get("/a"), store.list("/"), store.revision()):
            with pytest.raises(StoreUnavailable):
                async with asyncio.timeout(100):
                    await refused
    proxy.mend()
    proxy.break_all()
    async with asyncio.timeout(100):
        for number in itertools.count():
            try:
                await store.create(f"/c/{number}", b"")
                break
            except StoreUnavailable:
                await asyncio.sleep(0.1)
