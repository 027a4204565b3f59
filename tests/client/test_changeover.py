"""Clients of several API servers: killed, frozen, failing and ending ones, over real connections."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pynetes.client import kubeconfig, serverlist
from pynetes.client.https import REQUEST_TIMEOUT, HTTPSTransport
from pynetes.client.kubeconfig import Config
from pynetes.client.transport import TransportError, TransportRequest
from tests.ports import free_port

SERVER = """
import sys
from aiohttp import web

state = {"ready": True, "writes": 0}

async def handle(request):
    if request.path == "/readyz":
        return web.Response(status=200 if state["ready"] else 500)
    if request.path == "/break":
        state["ready"] = False
        return web.Response(status=500)
    if request.path == "/watch":
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        import asyncio
        await asyncio.sleep(3600)
    if request.method == "POST":
        state["writes"] += 1
    return web.Response(text=f"{sys.argv[1]} {state['writes']}")

app = web.Application()
app.router.add_route("*", "/{rest:.*}", handle)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[2]), print=lambda text: print("up", flush=True))
"""


class Server:
    """A process that can be killed and frozen."""

    def __init__(self, name: str) -> None:
        self.port = free_port()
        self.name = name
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVER, self.name, str(self.port), stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert await self._process.stdout.readline()

    def send(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    async def kill(self) -> None:
        if self._process is not None:
            process, self._process = self._process, None
            process.kill()
            await process.communicate()


@asynccontextmanager
async def servers(*names: str) -> AsyncIterator[list[Server]]:
    made = [Server(name) for name in names]
    try:
        for each in made:
            await each.start()
        yield made
    finally:
        for each in made:
            await each.kill()


@pytest.fixture
async def pair() -> AsyncIterator[list[Server]]:
    async with servers("one", "two") as made:
        yield made


@asynccontextmanager
async def connected(made: list[Server], *, prefer_first: bool = False) -> AsyncIterator[HTTPSTransport]:
    transport = HTTPSTransport([each.url for each in made], prefer_first=prefer_first)
    try:
        yield transport
    finally:
        await transport.close()


async def text(transport: HTTPSTransport, method: str = "GET", path: str = "/") -> str:
    return (await transport.request(TransportRequest(method, path))).body.decode()


async def until_answered_by(transport: HTTPSTransport, name: str, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not (await text(transport)).startswith(name):  # noqa: ASYNC110 (the state is the server's)
            await asyncio.sleep(0.1)


async def test_requests_go_on_when_a_server_is_killed(pair: list[Server]) -> None:
    async with connected(pair) as transport:
        assert await text(transport, "POST") == "one 1"
        await pair[0].kill()
        assert await text(transport) == "two 0"
        assert await text(transport, "POST") == "two 1"


async def test_a_frozen_server_is_left_within_seconds_and_no_write_is_sent_twice(pair: list[Server]) -> None:
    loop = asyncio.get_running_loop()
    async with connected(pair) as transport:
        assert await text(transport, "POST") == "one 1"
        pair[0].send(signal.SIGSTOP)
        began = loop.time()
        reading = asyncio.ensure_future(text(transport))
        with pytest.raises(TransportError, match="does not answer, and was left for another"):
            await text(transport, "POST")
        assert await reading == "two 0"
        assert loop.time() - began < REQUEST_TIMEOUT - 5
        assert await text(transport, "POST") == "two 1"
        pair[0].send(signal.SIGCONT)


async def test_a_watch_of_a_frozen_server_ends_with_it(pair: list[Server]) -> None:
    async with connected(pair) as transport, transport.stream(TransportRequest("GET", "/watch")) as stream:
        assert await anext(aiter(stream.chunks)) == b"first"
        pair[0].send(signal.SIGSTOP)
        reading = asyncio.ensure_future(text(transport))
        with pytest.raises(TransportError, match="was left for another"):
            await asyncio.wait_for(anext(aiter(stream.chunks)), 60)
        assert await reading == "two 0"
        pair[0].send(signal.SIGCONT)


async def test_a_server_that_says_it_failed_is_left_if_it_is_not_ready(pair: list[Server]) -> None:
    async with connected(pair) as transport:
        assert (await transport.request(TransportRequest("GET", "/break"))).status == 500
        await until_answered_by(transport, "two")


async def test_it_goes_back_to_the_preferred_server(pair: list[Server]) -> None:
    async with connected(pair, prefer_first=True) as transport:
        await pair[0].kill()
        assert await text(transport) == "two 0"
        await pair[0].start()
        await until_answered_by(transport, "one")


async def test_a_server_that_ended_well_is_left_before_it_is_gone(pair: list[Server]) -> None:
    async with connected(pair[:1]) as transport:
        assert transport.set_servers([each.url for each in pair])
        assert await text(transport) == "one 0"
        assert transport.set_servers([pair[1].url])
        assert await text(transport) == "two 0"
        assert not transport.set_servers([pair[1].url])


async def test_when_none_serves_the_first_error_comes_at_once(pair: list[Server]) -> None:
    async with connected(pair) as transport:
        for each in pair:
            await each.kill()
        with pytest.raises(TransportError, match="Cannot connect"):
            await text(transport)
        await pair[1].start()
        assert await text(transport) == "two 0"


def test_a_kubeconfig_keeps_the_list_where_it_has_one(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    kubeconfig.write(path, kubeconfig.document("c", Config("https://a:6443", servers=(), prefer_server=True)))
    serverlist.keep_in(path)(["https://a:6443", "https://b:6443"])
    found = kubeconfig.load(path)
    assert (found.server, found.servers) == ("https://a:6443", ("https://a:6443", "https://b:6443"))
    assert found.prefer_server
    kubeconfig.write(path, kubeconfig.document("c", Config("https://a:6443")))
    serverlist.keep_in(path)(["https://b:6443"])
    assert kubeconfig.load(path).servers is None
    serverlist.keep_in(tmp_path / "missing")(["https://b:6443"])


def test_the_endpoints_of_the_service_are_the_servers() -> None:
    found = {
        "endpoints": [
            {"addresses": ["192.0.2.1"], "conditions": {"ready": True}},
            {"addresses": ["2001:db8::1"]},
            {"addresses": ["192.0.2.3"], "conditions": {"ready": False}},
        ],
        "ports": [{"name": "https", "port": 6443}, {"name": "other", "port": 1}],
    }
    assert serverlist.addresses(found) == ["https://192.0.2.1:6443", "https://[2001:db8::1]:6443"]
    assert serverlist.addresses({}) == []
