"""What etcd adds to the contract: members that fail, TLS, leases that keys share."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest

from pynetes.component import clock
from pynetes.storage import KeyValue, StoreUnavailable, open_store
from pynetes.storage.etcd import EtcdStore
from pynetes.storage.etcd.endpoints import TIMEOUT, Endpoints
from pynetes.storage.etcd.leases import Leases
from tests.ports import free_port
from tests.storage.conftest import Servers
from tests.storage.engines import Etcd, SecureEtcd
from tests.storage.engines.proxy import Proxy


class Member(Etcd):
    """One of several: `others` hold all of them once they are made."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.peers: list[str] = []

    @property
    def peer(self) -> str:
        return f"m{self.number}=http://127.0.0.1:{self._peer}"

    def command(self) -> Sequence[str]:
        given = [*super().command(), f"--name=m{self.number}", f"--initial-cluster={','.join(self.peers)}"]
        return [*given, "--heartbeat-interval=50", "--election-timeout=300"]

    def is_ready(self) -> bool:
        return True  # it is, once others are


@pytest.fixture(scope="module")
def members() -> Iterator[list[Member]]:
    """A cluster of three."""
    made = [Member(number) for number in range(3)]
    try:
        for member in made:
            member.peers = [each.peer for each in made]
        for member in made:
            member.start()
        yield made
    finally:
        for member in made:
            member.close()


def url_of(members: Sequence[Member]) -> str:
    return "etcd://" + ",".join(f"127.0.0.1:{member.port}" for member in members)


async def writable(url: str) -> EtcdStore:
    """A store on members that have, or soon elect, a leader."""
    async with asyncio.timeout(100):
        while True:
            try:
                store = await open_store(url)
                break
            except StoreUnavailable:
                await asyncio.sleep(0.1)
    assert isinstance(store, EtcdStore)
    await written(store)
    return store


async def written(store: EtcdStore) -> KeyValue:
    """A write, as soon as one succeeds; its key is new at every try, for one that failed may happen yet."""
    async with asyncio.timeout(100):
        while True:
            try:
                return await store.create(f"/{clock.monotonic()}", b"")
            except StoreUnavailable:
                await asyncio.sleep(0.05)


async def test_writes_and_watches_go_on_when_a_member_dies(members: list[Member]) -> None:
    store = await writable(url_of(members))
    told: list[KeyValue] = []
    async with store.watch("/", start=await store.revision() + 1) as watch:
        for victim in members:
            # The one in use is the first that is alive, then whichever the store went to.
            await asyncio.to_thread(victim.kill)
            told += [await written(store) for _ in range(20)]
            await asyncio.to_thread(victim.start)
        seen: list[KeyValue] = []
        async with asyncio.timeout(100):
            while told[-1] not in seen:
                seen += [event.kv for event in (await anext(watch)).events]
        assert [kv for kv in told if kv not in seen] == []
        revisions = [kv.mod_revision for kv in seen]
        assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
    await store.close()


def test_a_failure_from_before_a_member_was_taken_is_not_its_own() -> None:
    endpoints = Endpoints(("one:1", "two:1"), None)
    one, began = endpoints.member, clock.monotonic()
    endpoints.leave(one, began)
    endpoints.take(one)
    endpoints.leave(one, began)
    assert endpoints.member is one
    endpoints.leave(one, clock.monotonic())
    assert endpoints.member is not one


async def test_history_is_read_on_when_the_member_is_left(servers: Servers) -> None:
    """By whoever notices that it is silent: the one who reads may wait for a minute."""
    servers["etcd"].empty()
    async with Proxy(servers["etcd"].port) as first, Proxy(servers["etcd"].port) as second:
        store = await EtcdStore.open([f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"])
        made = [await store.create(f"/{number}", b"") for number in range(3)]
        left, first.silent = store._endpoints.member, True
        reading = asyncio.ensure_future(store._feed.read_after("/", made[0].mod_revision, made[-1].mod_revision, 10))
        await asyncio.sleep(0.05)
        store._endpoints.leave(left, clock.monotonic())
        async with asyncio.timeout(100):
            assert [event.kv for event in await reading] == made[1:]
        await store.close()


@pytest.mark.parametrize("turns", range(1, 8))
async def test_a_watch_that_is_left_while_it_begins_begins_anew(servers: Servers, turns: int) -> None:
    """Whenever that happens: gRPC's own cancellation would leave it hanging."""
    store = await EtcdStore.open([f"127.0.0.1:{servers['etcd'].port}"])
    revision = await store.revision()
    made = await store.create(f"/left/{clock.monotonic()}", b"")
    reading = asyncio.ensure_future(store._feed.read_after("/", revision, made.mod_revision, 10))
    for _ in range(turns):
        await asyncio.sleep(0)
    store._feed.reconnect()
    assert [event.kv for event in await reading] == [made]
    await store.close()


async def test_the_first_member_may_be_dead_from_the_start(members: list[Member]) -> None:
    store = await writable(f"etcd://127.0.0.1:{free_port()},{url_of(members).removeprefix('etcd://')}")
    await store.close()


async def test_a_cluster_without_a_majority_refuses_writes(members: list[Member]) -> None:
    store = await writable(url_of(members))
    for member in members[:2]:
        await asyncio.to_thread(member.kill)
    with pytest.raises(StoreUnavailable):
        await store.create("/no-majority", b"")
    with pytest.raises(StoreUnavailable):
        await store.get("/no-majority")
    for member in members[:2]:
        await asyncio.to_thread(member.start)
    await written(store)
    await store.close()


@pytest.fixture(scope="module")
def secure() -> Iterator[SecureEtcd]:
    server = SecureEtcd()
    try:
        server.start()
        yield server
    finally:
        server.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[None]:
    store = await open_store(url)
    try:
        await store.create(f"/{clock.monotonic()}", b"")
        yield
    finally:
        await store.close()


async def test_tls_with_a_client_certificate(secure: SecureEtcd) -> None:
    files, where = secure.files, f"127.0.0.1:{secure.port}"
    login = secure.login
    async with opened(f"etcd://{where}?cacert={files.ca}&{login}"):
        pass
    async with opened(f"etcds://{where}?cacert={files.ca}&{login}"):
        pass


async def test_what_is_wrong_with_the_certificates_is_refused(
    secure: SecureEtcd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynetes.storage.etcd.endpoints._ROUND_DELAY", TIMEOUT)  # the first refusal is the last
    files, where = secure.files, f"127.0.0.1:{secure.port}"
    login = secure.login
    for url in (
        f"etcd://{where}",
        f"etcd://{where}?cacert={files.ca}",
        f"etcd://{where}?cacert={files.stranger}&{login}",
    ):
        with pytest.raises(StoreUnavailable, match=where):
            await open_store(url)
    with pytest.raises(StoreUnavailable, match="cannot read /nowhere: No such file"):
        await open_store(f"etcd://{where}?cacert=/nowhere")


class Granted:
    def __init__(self) -> None:
        self.lengths: list[int] = []

    async def grant(self, seconds: int) -> int:
        self.lengths.append(seconds)
        return len(self.lengths)


async def test_keys_of_the_same_minute_share_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    etcd, now = Granted(), 1000.0
    monkeypatch.setattr("pynetes.storage.etcd.leases.clock.monotonic", lambda: now)
    leases = Leases(etcd.grant)
    assert await leases.lease(0) == 0
    assert [await leases.lease(3600) for _ in range(3)] == [1, 1, 1]
    now += 59
    assert await leases.lease(3600) == 1
    assert await leases.lease(10) == 2
    now += 2
    assert await leases.lease(3600) == 3
    assert etcd.lengths == [3660, 10, 3660]
    leases.forget(3)
    assert await leases.lease(3600) == 4


async def test_a_lease_takes_a_thousand_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    etcd = Granted()
    leases = Leases(etcd.grant)
    given = [await leases.lease(3600) for _ in range(1001)]
    assert given == [1] * 1000 + [2]
