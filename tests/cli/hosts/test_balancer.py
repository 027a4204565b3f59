"""Connections go to healthy servers, move on at once when one dies, and do not hang on a dead one."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pynetes.apiserver.server import APIServer
from pynetes.cli.hosts import balancer, machine
from pynetes.cli.hosts.balancer import Backend, Balancer, Health, order
from pynetes.cli.hosts.machine import ServerHealth
from pynetes.component import pki
from pynetes.testing import apiserver
from tests.ports import free_port

A, B, C = (Backend("192.0.2.1", port) for port in (1, 2, 3))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who listens is reached, however slow the machine."""
    for connecting in (balancer, machine):
        monkeypatch.setattr(connecting, "CONNECT_SECONDS", 60.0)


@pytest.mark.parametrize(
    ("health", "turn", "expected"),
    [
        ({A: Health.READY, B: Health.READY, C: Health.READY}, 0, [A, B, C]),
        ({A: Health.READY, B: Health.READY, C: Health.READY}, 4, [B, C, A]),
        ({A: Health.DEAD, B: Health.UNREADY, C: Health.READY}, 0, [C, B, A]),
        ({A: Health.DEAD, C: Health.READY}, 0, [C, B, A]),
        ({}, 2, [C, A, B]),
    ],
)
def test_the_healthiest_come_first_and_equals_in_turn(
    health: dict[Backend, Health], turn: int, expected: list[Backend]
) -> None:
    assert order([A, B, C], health, turn) == expected


def test_without_servers_there_is_no_order() -> None:
    assert order([], {}, 7) == []


class Server:
    """Answers every line with its name; says "end" when a client has said all it has to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.health = Health.READY
        self.backend = Backend("127.0.0.1", free_port())
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.backend.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                writer.write(self.name.encode() + b" " + line)
                await writer.drain()
            writer.write(b"end\n")
            writer.close()
            await writer.wait_closed()
        self._writers.discard(writer)

    def freeze(self) -> None:
        """As a host that is cut off: nothing comes any more, no connection ends."""
        self.health = Health.DEAD

    async def stop(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()


class Cluster:
    def __init__(self, *servers: Server) -> None:
        self.servers = servers
        self.asked = asyncio.Event()
        self.balancer = Balancer("127.0.0.1", 0, lambda: [s.backend for s in self.servers], self._check, period=0.02)

    async def _check(self, backend: Backend) -> Health:
        return next(server.health for server in self.servers if server.backend == backend)

    async def sees(self, *expected: Health) -> None:
        async with asyncio.timeout(60):
            while [self.balancer.health.get(server.backend) for server in self.servers] != list(expected):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.balancer.port)

    async def ask(self) -> str:
        """Which server answers a new connection; empty if it is closed without an answer."""
        reader, writer = await self.connect()
        try:
            writer.write(b"hello\n")
            async with asyncio.timeout(60):
                return (await reader.readline()).decode().partition(" ")[0]
        except ConnectionError:
            return ""
        finally:
            writer.transport.abort()


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster(Server("one"), Server("two"))
    async with contextlib.AsyncExitStack() as stack:
        for server in made.servers:
            await server.start()
            stack.push_async_callback(server.stop)
        async with made.balancer:
            await made.sees(Health.READY, Health.READY)
            yield made


async def test_ready_servers_take_turns(cluster: Cluster) -> None:
    assert sorted([await cluster.ask() for _ in range(4)]) == ["one", "one", "two", "two"]


async def test_one_that_is_not_ready_gets_no_new_connection_and_keeps_its_old_ones(cluster: Cluster) -> None:
    one, _ = cluster.servers
    connections = [await cluster.connect() for _ in range(2)]
    one.health = Health.UNREADY
    await cluster.sees(Health.UNREADY, Health.READY)
    assert {await cluster.ask() for _ in range(4)} == {"two"}
    answers = set()
    for reader, writer in connections:
        writer.write(b"still there\n")
        answers.add((await reader.readline()).decode())
        writer.transport.abort()
    assert answers == {"one still there\n", "two still there\n"}


async def test_where_none_is_ready_one_that_answers_has_to_do(cluster: Cluster) -> None:
    one, two = cluster.servers
    one.health, two.health = Health.UNREADY, Health.DEAD
    await cluster.sees(Health.UNREADY, Health.DEAD)
    assert {await cluster.ask() for _ in range(4)} == {"one"}


async def test_a_server_that_has_just_died_is_passed_over_before_its_health_is_known(cluster: Cluster) -> None:
    await cluster.servers[0].stop()
    assert {await cluster.ask() for _ in range(4)} == {"two"}
    await cluster.servers[0].start()


async def test_connections_to_a_dead_server_are_reset(cluster: Cluster) -> None:
    connections = [await cluster.connect() for _ in range(2)]
    for reader, writer in connections:
        writer.write(b"hello\n")
        assert await reader.readline()
    cluster.servers[0].freeze()
    cluster.servers[1].freeze()
    for reader, writer in connections:
        async with asyncio.timeout(60):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.transport.abort()


async def test_a_server_that_comes_back_is_used_again(cluster: Cluster) -> None:
    one = cluster.servers[0]
    one.health = Health.DEAD
    await cluster.sees(Health.DEAD, Health.READY)
    one.health = Health.READY
    await cluster.sees(Health.READY, Health.READY)
    assert {await cluster.ask() for _ in range(2)} == {"one", "two"}


async def test_servers_come_and_go(cluster: Cluster) -> None:
    cluster.servers = cluster.servers[1:]
    await cluster.sees(Health.READY)
    assert {await cluster.ask() for _ in range(3)} == {"two"}
    cluster.servers = ()
    await cluster.sees()
    assert await cluster.ask() == ""


async def test_a_client_that_has_said_all_still_hears_the_answer(cluster: Cluster) -> None:
    reader, writer = await cluster.connect()
    writer.write(b"last words\n")
    writer.write_eof()
    async with asyncio.timeout(60):
        assert (await reader.read()).partition(b" ")[2] == b"last words\nend\n"
    writer.close()
    await writer.wait_closed()


async def test_much_is_passed_on_whole_though_nobody_reads_for_a_while(cluster: Cluster) -> None:
    reader, writer = await cluster.connect()
    text = b"x" * 60_000 + b"\n"

    async def write() -> None:
        for _ in range(200):
            writer.write(text)
            await writer.drain()
        writer.write_eof()

    writing = asyncio.ensure_future(write())
    await asyncio.sleep(0.2)
    async with asyncio.timeout(60):
        received = len(await reader.read())
        await writing
    assert received == 200 * (len(text) + len("one ")) + len("end\n")
    writer.close()
    await writer.wait_closed()


async def test_leaving_closes_every_connection_and_the_listener() -> None:
    server = Server("one")
    await server.start()
    made = Cluster(server)
    async with made.balancer:
        reader, writer = await made.connect()
        writer.write(b"hello\n")
        assert await reader.readline()
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.transport.abort()
    with pytest.raises(ConnectionRefusedError):
        await made.connect()
    await server.stop()


@asynccontextmanager
async def api_server(directory: Path) -> AsyncIterator[tuple[Backend, bytes]]:
    keys = pki.ensure(directory)
    config = apiserver.config(keys)
    async with APIServer(config) as server:
        yield Backend("127.0.0.1", server.port), keys.ca.certificate.read_bytes()


async def until(found: Callable[[], Awaitable[Any]], expected: Any) -> None:
    async with asyncio.timeout(60):
        while await found() != expected:  # noqa: ASYNC110 (the state is the server's)
            await asyncio.sleep(0.02)


async def test_an_api_server_is_ready_when_it_says_so_and_dead_when_it_is_gone(tmp_path: Path) -> None:
    async with api_server(tmp_path) as (backend, authority):
        health = ServerHealth(authority)
        await until(lambda: health(backend), Health.READY)
    assert await health(backend) is Health.DEAD
    await health.close()


async def test_a_server_of_another_authority_is_not_ready(tmp_path: Path) -> None:
    async with api_server(tmp_path / "one") as (backend, _):
        health = ServerHealth(pki.ensure(tmp_path / "other").ca.certificate.read_bytes())
        assert await health(backend) is Health.UNREADY
        await health.close()


async def test_one_that_listens_and_never_answers_is_not_dead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pynetes.cli.hosts.machine.CONNECT_SECONDS", 0.1)
    health = ServerHealth(pki.ensure(tmp_path).ca.certificate.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert await health(Backend("127.0.0.1", silent.getsockname()[1])) is Health.UNREADY
    await health.close()


async def test_reachable_tells_a_closed_port_from_an_open_one() -> None:
    server = Server("one")
    await server.start()
    assert await balancer.reachable(server.backend) is Health.UNREADY
    await server.stop()
    assert await balancer.reachable(server.backend) is Health.DEAD
