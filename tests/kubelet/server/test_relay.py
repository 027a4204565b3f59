"""Upgraded connections are joined byte for byte."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from pynetes.kubelet.server.relay import relay, request_head

Streams = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def test_the_clients_request_goes_on_but_for_the_address() -> None:
    headers = [
        ("Host", "10.0.0.1:10250"),
        ("Authorization", "Bearer secret"),
        ("Connection", "Upgrade"),
        ("Upgrade", "SPDY/3.1"),
        ("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
        ("X-Stream-Protocol-Version", "v3.channel.k8s.io"),
    ]
    assert request_head("POST", "http://127.0.0.1:4000/exec/token?x=1", headers).decode().split("\r\n") == [
        "POST /exec/token?x=1 HTTP/1.1",
        "Host: 127.0.0.1:4000",
        "Connection: Upgrade",
        "Upgrade: SPDY/3.1",
        "X-Stream-Protocol-Version: v4.channel.k8s.io",
        "X-Stream-Protocol-Version: v3.channel.k8s.io",
        "Content-Length: 0",
        "",
        "",
    ]


@asynccontextmanager
async def backend(serve: Streams) -> AsyncIterator[str]:
    """A stream server; gives its URL."""
    tasks = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/exec/token"
    await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)


@asynccontextmanager
async def front(url: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """An HTTP server that relays every request to `url`; gives its port."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return await relay(request, url)

    application = web.Application()
    application.router.add_route("*", "/", handler)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


UPGRADE = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(SWITCHING + b"hello ")
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def connected(port: int, **options: Any) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    try:
        async with asyncio.timeout(60):
            yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_both_ways_and_large(pki: Any, tls: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.directory / "kubelet.crt", pki.directory / "kubelet.key")
    payload = bytes(range(256)) * 16384
    options: dict[str, Any] = {"ssl": pki.context()} if tls else {}
    async with (
        backend(echo) as url,
        front(url, context if tls else None) as port,
        connected(port, **options) as (reader, writer),
    ):
        writer.write(UPGRADE)
        assert (await reader.readuntil(b"\r\n\r\n")) == SWITCHING
        assert await reader.readexactly(6) == b"hello "

        async def send() -> None:
            writer.write(payload)
            await writer.drain()

        sending = asyncio.create_task(send())
        assert await reader.readexactly(len(payload)) == payload
        await sending


async def test_what_the_server_wrote_last_arrives_before_the_end() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCHING + b"x" * 1_000_000)
        await writer.drain()

    async with backend(speak) as url, front(url) as port, connected(port) as (reader, writer):
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        assert len(await reader.read()) == 1_000_000


async def test_a_client_that_leaves_ends_the_stream() -> None:
    ended = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCHING)
        await reader.read()
        ended.set()

    async with backend(wait) as url, front(url) as port:
        async with connected(port) as (reader, writer):
            writer.write(UPGRADE)
            await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(60):
            await ended.wait()


async def test_a_slow_client_slows_the_server_down() -> None:
    written = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(SWITCHING)
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
                written += 65536
        except ConnectionError:
            pass

    async with backend(flood) as url, front(url) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65536)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        before = -1
        while before != written:
            before = written
            await asyncio.sleep(0.2)
        assert written < 64 << 20
        writer.close()


async def test_a_refusal_is_handed_on() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngo")
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(b"ne")
        await reader.read()

    async with backend(refuse) as url, front(url) as port, connected(port) as (reader, writer):
        writer.write(UPGRADE)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 404 " in head.split(b"\r\n")[0]
        assert await reader.readexactly(4) == b"gone"
