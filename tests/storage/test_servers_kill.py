"""kill -9 of engine and of writer, again and again: nothing acknowledged is lost, nothing is told that did not happen.

PYNETES_KILL_ROUNDS sets how often; each round is a kill after some dozens of acknowledged writes. All of it goes over
TLS with client certificates. MySQL itself is not in Debian 12: its part is MariaDB's, which is.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from pynetes.storage import (
    Event,
    KeyExists,
    KeyValue,
    RevisionConflict,
    Store,
    StoreUnavailable,
    Watch,
    open_store,
)
from tests.storage.engines import Engine, SecureEtcd, SecureMariaDB, SecurePostgres

ROUNDS = int(os.environ.get("PYNETES_KILL_ROUNDS", "10"))
ACKNOWLEDGED = 60
WRITERS = 12
ROOT = Path(__file__).parents[2]

SECURED: dict[str, type[Engine]] = {"etcd": SecureEtcd, "postgres": SecurePostgres, "mysql": SecureMariaDB}

pytestmark = pytest.mark.timeout(120 + 60 * ROUNDS)


@pytest.fixture(scope="module", params=SECURED)
def server(request: pytest.FixtureRequest) -> Iterator[Engine]:
    made = SECURED[request.param]()
    try:
        made.start()
        yield made
    finally:
        made.close()


class Witness:
    """Follows a store's whole history through one watch."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.revision = 0
        self._moved = asyncio.Event()

    async def follow(self, watch: Watch) -> None:
        async for batch in watch:
            self.events += batch.events
            self.revision = batch.revision
            self._moved.set()

    async def reach(self, revision: int) -> None:
        async with asyncio.timeout(100):
            while self.revision < revision:
                self._moved.clear()
                await self._moved.wait()


@asynccontextmanager
async def witnessed(url: str) -> AsyncIterator[Witness]:
    """A witness on a store of its own."""
    store = await open_store(url)
    witness = Witness()
    async with store.watch("/", start=2) as watch:
        task = asyncio.ensure_future(witness.follow(watch))
        yield witness
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.close()


async def history(url: str, upto: int) -> list[Event]:
    """All events, read again by a store that was not there when they happened."""
    store = await open_store(url)
    events: list[Event] = []
    async with store.watch("/", start=2) as watch, asyncio.timeout(100):
        while not events or events[-1].kv.mod_revision < upto:
            events += (await anext(watch)).events
    await store.close()
    return events


async def reread(store: Store, key: str) -> KeyValue | None:
    """What is there, as soon as the engine answers again."""
    while True:
        try:
            return (await store.get(key))[0]
        except StoreUnavailable:
            await asyncio.sleep(0.05)


class Told(Protocol):
    def append(self, kv: KeyValue, /) -> object: ...


async def write(store: Store, key: str, told: Told) -> None:
    """Creates, updates and deletes one key for ever, and notes what was acknowledged."""
    held, doubtful = await reread(store, key), True  # who wrote before may have been killed under way
    for number in range(1_000_000):
        value = f"{key} {number}".encode() * 50
        try:
            if held is None:
                held = await store.create(key, value)
                told.append(held)
            elif number % 7 == 6:
                told.append(await store.delete(key, expected=held.mod_revision))
                held = None
            else:
                held = await store.update(key, value, expected=held.mod_revision)
                told.append(held)
            doubtful = False
        except StoreUnavailable:
            # It happened, did not, or happens yet; what is there tells.
            held, doubtful = await reread(store, key), True
        except (KeyExists, RevisionConflict) as e:
            assert doubtful  # it has happened after the look
            held = e.current


def check(witness: Witness, told: list[KeyValue]) -> None:
    revisions = [event.kv.mod_revision for event in witness.events]
    assert revisions == list(range(2, len(revisions) + 2))
    happened = {event.kv.mod_revision: event.kv for event in witness.events}
    assert [kv for kv in told if happened.get(kv.mod_revision) != kv] == []


async def test_the_engine(server: Engine) -> None:
    url = server.empty()
    told: list[KeyValue] = []
    store = await open_store(url)
    async with witnessed(url) as witness:
        writers = [asyncio.ensure_future(write(store, f"/w{number}", told)) for number in range(WRITERS)]
        for _ in range(ROUNDS):
            goal = len(told) + ACKNOWLEDGED
            async with asyncio.timeout(100):
                while len(told) < goal:
                    await asyncio.sleep(0.005)
                    assert not any(writer.done() for writer in writers)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        for writer in writers:
            writer.cancel()
        assert {type(e) for e in await asyncio.gather(*writers, return_exceptions=True)} == {asyncio.CancelledError}
        await reread(store, "/")
        await store.close()  # after the writes that nobody waits for any more
        store = await open_store(url)
        revision = await store.revision()
        await witness.reach(revision)
        check(witness, told)
        assert await history(url, revision) == witness.events
        last = {event.kv.key: event for event in witness.events}
        there = {key: event.kv for key, event in last.items() if event.type == "PUT"}
        assert {kv.key: kv for kv in (await store.list("/")).items} == there
    await store.close()


WRITER = """
import asyncio, os, sys
from pynetes.storage.opening import open_patiently
from tests.storage.test_servers_kill import write

class Told:
    def append(self, kv):
        os.write(1, f"{kv.key} {kv.mod_revision}\\n".encode())

async def main():
    store = await open_patiently(sys.argv[1], 100)
    await asyncio.gather(*(write(store, f"/w{i}", Told()) for i in range(12)))

asyncio.run(main())
"""


async def write_and_kill(url: str) -> list[tuple[str, int]]:
    """Runs writers in another process, kills it under way and returns what it had told."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    lines = [await child.stdout.readline() for _ in range(ACKNOWLEDGED)]
    assert lines[-1], (await child.stderr.read()).decode()
    child.send_signal(signal.SIGKILL)
    lines += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    return [(key, int(revision)) for key, revision in (line.decode().split() for line in lines if line.endswith(b"\n"))]


async def test_the_writer(server: Engine) -> None:
    url = server.empty()
    told: list[tuple[str, int]] = []
    async with witnessed(url) as witness:
        # The writers of `test_apiserver_kill` are killed as often as engines; here, every one of their writes is seen.
        for _ in range(max(1, ROUNDS // 4)):
            told += await write_and_kill(url)
        store = await open_store(url)
        # Nothing that the dead left behind keeps the living from writing.
        async with asyncio.timeout(100):
            made = await store.create("/after", b"")
        await witness.reach(made.mod_revision)
        check(witness, [made])
        happened = {(event.kv.key, event.kv.mod_revision) for event in witness.events}
        assert set(told) <= happened
        await store.close()
