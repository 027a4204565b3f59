"""A write whose answer is lost is sent to another member, has its effect once, and is known for what it was."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

import pytest

from pynetes.storage import KeyExists, Store, StoreUnavailable, open_store
from tests.storage.conftest import Servers
from tests.storage.engines.proxy import Proxy

VALUE = b"the value that is written"
T = TypeVar("T")


def carries(text: bytes) -> Callable[[bytes], bool]:
    return lambda data: text in data


@pytest.fixture
async def proxy(servers: Servers) -> AsyncIterator[Proxy]:
    """Before an empty etcd."""
    servers["etcd"].empty()
    async with Proxy(servers["etcd"].port) as made:
        yield made


@pytest.fixture
async def store(proxy: Proxy, servers: Servers) -> AsyncIterator[Store]:
    """Two roads to one etcd, as if it were two members: the first is the proxy's."""
    opened = await open_store(f"etcd://127.0.0.1:{proxy.port},127.0.0.1:{servers['etcd'].port}")
    yield opened
    proxy.mend()
    await opened.close()


@pytest.fixture
async def other(proxy: Proxy, servers: Servers) -> AsyncIterator[Store]:
    """Sees the engine as it is."""
    opened = await open_store(f"etcd://127.0.0.1:{servers['etcd'].port}")
    yield opened
    await opened.close()


async def without_its_answer(proxy: Proxy, other: Store, write: Coroutine[Any, Any, T], value: bytes | None) -> T:
    """The outcome of a write after which /a has this value; the connection breaks when it has."""

    async def written() -> bool:
        found, _ = await other.get("/a")
        return (found.value if found else None) == value

    outcome, _ = await asyncio.gather(write, proxy.break_once(written))
    return outcome


async def test_an_answer_is_lost(store: Store, other: Store, proxy: Proxy) -> None:
    proxy.swallow_answers = carries(VALUE)
    made = await without_its_answer(proxy, other, store.create("/a", VALUE), VALUE)
    assert proxy.hits == 1
    assert (await store.get("/a"))[0] == made
    assert made.mod_revision == await store.revision()


async def test_the_answer_to_an_update_is_lost(store: Store, other: Store, proxy: Proxy) -> None:
    made = await store.create("/a", b"before")
    proxy.swallow_answers = carries(VALUE)
    update = store.update("/a", VALUE, expected=made.mod_revision)
    changed = await without_its_answer(proxy, other, update, VALUE)
    assert proxy.hits == 1
    assert (await store.get("/a"))[0] == changed
    assert (changed.create_revision, changed.mod_revision) == (made.mod_revision, made.mod_revision + 1)


async def test_the_write_itself_is_lost(store: Store, proxy: Proxy) -> None:
    proxy.refuse = carries(VALUE)
    made = await store.create("/a", VALUE)
    assert proxy.hits == 1
    assert (await store.get("/a"))[0] == made


async def test_the_answer_to_a_delete_is_lost(store: Store, other: Store, proxy: Proxy) -> None:
    made = await store.create("/a", VALUE)
    proxy.swallow_answers = carries(b"/a")
    with pytest.raises(StoreUnavailable, match="may have happened"):
        await without_its_answer(proxy, other, store.delete("/a", expected=made.mod_revision), None)
    assert proxy.hits == 1
    assert (await store.get("/a"))[0] is None


async def test_what_another_wrote_is_not_taken_for_ours(store: Store, proxy: Proxy) -> None:
    other = await store.create("/a", b"another's")
    proxy.refuse = carries(VALUE)
    with pytest.raises(StoreUnavailable, match="may have happened"):
        await store.create("/a", VALUE)
    proxy.mend()
    with pytest.raises(KeyExists):
        await store.create("/a", VALUE)
    assert (await store.get("/a"))[0] == other
