"""The endpoints of the Service `kubernetes` with several API servers on one store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pynetes.apis.names import ENDPOINT_SLICES, ENDPOINTS
from pynetes.apiserver.bootstrap import hooks, masterleases, service
from pynetes.apiserver.bootstrap.masterleases import MasterLeases
from pynetes.apiserver.server import APIServer
from pynetes.client.rest import Client
from pynetes.component import pki
from pynetes.storage import Store, open_store
from pynetes.testing import apiserver
from tests.storage.engines import Engine, Etcd, MariaDB, Postgres

ADDRESSES = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


@pytest.mark.parametrize(
    ("addresses", "subsets"),
    [
        ([], []),
        (["192.0.2.2", "192.0.2.1"], ["192.0.2.1", "192.0.2.2"]),
    ],
)
def test_endpoints_are_in_order(addresses: list[str], subsets: list[str]) -> None:
    made = service.endpoints(addresses, 6443)
    assert [each["ip"] for subset in made["subsets"] for each in subset["addresses"]] == subsets
    assert [each["addresses"] for each in service.endpoint_slice(addresses, 6443)["endpoints"]] == [
        [a] for a in subsets
    ]


@asynccontextmanager
async def stored(kind: type[Engine]) -> AsyncIterator[Store]:
    engine = kind()
    try:
        await asyncio.to_thread(engine.start)
        opened = await open_store(await asyncio.to_thread(engine.empty))
        yield opened
        await opened.close()
    finally:
        engine.close()


@pytest.fixture
def lasting(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """For how many seconds a lease lasts that is renewed from now on; at first for longer than a test."""

    def last(seconds: int) -> None:
        monkeypatch.setattr(masterleases, "SECONDS", seconds)

    last(600)
    return last


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with stored(Etcd) as opened:
        yield opened


@pytest.fixture(params=[Etcd, Postgres, MariaDB])
async def any_store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """What several API servers can share."""
    async with stored(request.param) as opened:
        yield opened


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (the state is the server's)
            await asyncio.sleep(0.05)


async def told(client: Client) -> list[str]:
    """What the Service says, the same in both forms."""
    found: list[dict[str, Any]] = (await client.get(ENDPOINTS, "kubernetes", "default")).get("subsets") or []
    slices = await client.get(ENDPOINT_SLICES, "kubernetes", "default")
    addresses = [each["ip"] for subset in found for each in subset["addresses"]]
    in_slice = [address for each in slices["endpoints"] or [] for address in each["addresses"]]
    return addresses if addresses == in_slice else []


async def test_a_server_that_is_renewed_no_more_is_gone(any_store: Store, lasting: Callable[[int], None]) -> None:
    leases = MasterLeases(any_store)
    for address in ADDRESSES:
        await leases.renew(address)
    await leases.renew(ADDRESSES[0])
    assert await leases.living() == list(ADDRESSES)
    lasting(1)
    for address in ADDRESSES[1:]:
        await leases.renew(address)

    async def only_the_first() -> bool:
        return await leases.living() == [ADDRESSES[0]]

    await until(only_the_first)
    await leases.remove(ADDRESSES[0])
    await leases.remove(ADDRESSES[0])
    assert await leases.living() == []


async def test_servers_come_go_and_die(
    store: Store, tmp_path: Path, lasting: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "_WITHDRAW_SECONDS", 60.0)
    keys = pki.ensure(tmp_path)

    def server(address: str) -> APIServer:
        config = apiserver.config(keys, advertise_address=address)
        return APIServer(config, store=store)

    async with AsyncExitStack() as stack:
        # All at once: what each of them makes for the cluster is made once.
        servers = await asyncio.gather(*(stack.enter_async_context(server(a)) for a in ADDRESSES[:2]))
        await asyncio.gather(*(each.ready() for each in servers))
        client = servers[0].client()
        await until(lambda: _is(client, ADDRESSES[:2]))
        async with server(ADDRESSES[2]) as third:
            await third.ready()
            await until(lambda: _is(client, ADDRESSES))
        # It said so when it ended.
        assert await told(client) == list(ADDRESSES[:2])
        # One that dies says nothing.
        await MasterLeases(store).renew("192.0.2.9")
        await until(lambda: _is(client, (*ADDRESSES[:2], "192.0.2.9")))
        lasting(1)
        await MasterLeases(store).renew("192.0.2.9")
        lasting(600)
        await until(lambda: _is(client, ADDRESSES[:2]))


async def _is(client: Client, addresses: tuple[str, ...]) -> bool:
    return await told(client) == list(addresses)
