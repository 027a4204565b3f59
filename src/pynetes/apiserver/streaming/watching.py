"""Watches through a WebSocket, as browsers and some client libraries ask for them: each event is one message."""

import contextlib
import struct
from collections.abc import Callable, Iterator
from typing import cast

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse as AiohttpStream
from aiohttp.web_ws import WebSocketResponse

from pynetes.apiserver.edge.connection import Connection
from pynetes.apiserver.http import Request, StreamResponse, Upgrade
from pynetes.apiserver.streaming import websocket
from pynetes.component.tasks import Tasks

Split = Callable[[bytes], Iterator[bytes]]


def lines(chunk: bytes) -> Iterator[bytes]:
    """The events of a chunk of JSON."""
    return (line + b"\n" for line in chunk.split(b"\n")[:-1])


def messages(chunk: bytes) -> Iterator[bytes]:
    """Those of protobuf, of which each has its length before it; a message needs none."""
    at = 0
    while at < len(chunk):
        (length,) = struct.unpack_from(">I", chunk, at)
        yield chunk[at + 4 : at + 4 + length]
        at += 4 + length


def over_websocket(request: Request, stream: StreamResponse, *, text: bool) -> Upgrade:
    """The same events; `text`: they are JSON. What the client sends is not read."""
    offered = websocket.protocols_of(request)

    async def run(raw: BaseRequest) -> AiohttpStream:
        socket = await websocket.accept(raw, offered[0] if offered else "")
        async with Tasks("watch") as tasks:
            # What the server cancels when it goes down, so that the client is told.
            cast(Connection, raw.protocol).stream = tasks.start(_send(socket, stream, text), name="events", crash=False)
            async for _ in socket:
                pass
        return socket

    return Upgrade(run)


async def _send(socket: WebSocketResponse, stream: StreamResponse, text: bool) -> None:
    split: Split = lines if text else messages
    with contextlib.suppress(ConnectionError):
        try:
            async with contextlib.aclosing(stream.chunks) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    for event in split(chunk):
                        await (socket.send_str(event.decode()) if text else socket.send_bytes(event))
        finally:
            await socket.close()
