"""Joins an upgraded client connection with one to the runtime's stream server, byte for byte.

Whatever protocol was agreed on (SPDY/3.1, WebSocket) stays between client and runtime. Each side is read no faster
than the other takes it.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

from aiohttp import web

_MAX_HEAD = 64 * 1024
_CONNECT_TIMEOUT = 30.0
_NOT_FORWARDED = frozenset(("host", "authorization", "content-length", "transfer-encoding", "accept-encoding"))


class RelayError(Exception):
    """The stream server cannot be reached or does not speak HTTP."""


class _Side(asyncio.Protocol):
    """One of the two connections; what it receives goes to its peer."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.peer: _Side | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.early = bytearray()
        self.head: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.beyond: asyncio.BaseProtocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)
            return
        self.early += data
        if not self.head.done() and (b"\r\n\r\n" in self.early or len(self.early) > _MAX_HEAD):
            self.head.set_result(None)

    def pause_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None:
            with suppress(RuntimeError):
                self.peer.transport.resume_reading()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.close()
        for future in (self.closed, self.head):
            if not future.done():
                future.set_result(None)
        if self.beyond is not None:
            self.beyond.connection_lost(cast(Exception | None, exc))


def request_head(method: str, url: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The request to the stream server: the client's, but for the address."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in _NOT_FORWARDED]
    if method == "POST":
        lines.append("Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def relay(request: web.Request, url: str) -> web.StreamResponse:
    """Answers an upgrade request with the stream at `url`; returns when either side has closed. Raises RelayError."""
    remote = await _connect(url)
    assert remote.transport is not None
    try:
        remote.transport.write(request_head(request.method, url, request.headers.items()))
        await remote.head
        head, separator, rest = bytes(remote.early).partition(b"\r\n\r\n")
        if not separator:
            raise RelayError("the runtime's stream server closed the connection")
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            return await _refusal(remote, status, head, rest)
        return await _join(request, remote, head + separator, rest)
    finally:
        remote.transport.close()


async def _connect(url: str) -> _Side:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise RelayError(f"the runtime's stream server has an address that is not supported: {url}")
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            _, side = await asyncio.get_running_loop().create_connection(_Side, parts.hostname, parts.port or 80)
    except (OSError, TimeoutError) as error:
        raise RelayError(f"error dialing backend: {error}") from error
    return side


async def _refusal(remote: _Side, status: int, head: bytes, rest: bytes) -> web.Response:
    """No upgrade: the runtime's answer, whole."""
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    length = int(headers.get(b"content-length", b"0"))
    while len(remote.early) < len(head) + 4 + length and not remote.closed.done():
        await asyncio.wait([remote.closed], timeout=0.05)
    body = bytes(remote.early)[len(head) + 4 :] if length else rest
    return web.Response(status=status, body=body, content_type="text/plain")


async def _join(request: web.Request, remote: _Side, head: bytes, rest: bytes) -> web.StreamResponse:
    transport, handler = request.transport, request.protocol
    if transport is None or transport.is_closing():
        raise ConnectionResetError("client went away")
    client = _Side()
    client.transport, client.beyond = transport, handler
    early = bytes(getattr(handler, "_message_tail", b""))
    transport.set_protocol(client)
    transport.write(head + rest)
    client.peer, remote.peer = remote, client
    assert remote.transport is not None
    if early:
        remote.transport.write(early)
    with suppress(RuntimeError):
        transport.resume_reading()
    try:
        await asyncio.wait([client.closed, remote.closed], return_when=asyncio.FIRST_COMPLETED)
    finally:
        remote.transport.close()
        transport.close()
    # What was written is still on its way out; the connection ends with it.
    await asyncio.wait([client.closed], timeout=_CONNECT_TIMEOUT)
    return web.Response()
