"""A client's WebSocket, as channels or as a plain byte stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from aiohttp import WSCloseCode, WSMsgType
from aiohttp.web_request import BaseRequest
from aiohttp.web_ws import WebSocketResponse

from pynetes.apimachinery.streaming.channels import Codec, Message, MessageError
from pynetes.apiserver.authentication.bearer import WEBSOCKET_PREFIX, offered_protocols
from pynetes.apiserver.http import Request

_MAX_MESSAGE = 32 << 20


def is_websocket(request: Request) -> bool:
    upgrade = request.headers.get("Upgrade", "").lower()
    return upgrade == "websocket" and "upgrade" in request.headers.get("Connection", "").lower()


def is_upgrade(request: Request) -> bool:
    return "upgrade" in request.headers.get("Connection", "").lower() and bool(request.headers.get("Upgrade"))


def protocols_of(request: Request) -> list[str]:
    """The subprotocols that the client offers, a bearer token among them left out."""
    return [protocol for protocol in offered_protocols(request) if not protocol.startswith(WEBSOCKET_PREFIX)]


async def accept(raw: BaseRequest, protocol: str) -> WebSocketResponse:
    """Takes the connection over as a WebSocket; with "" no subprotocol is named."""
    protocols: Sequence[str] = (protocol,) if protocol else ()
    socket = WebSocketResponse(protocols=protocols, compress=False, max_msg_size=_MAX_MESSAGE)
    await socket.prepare(raw)
    return socket


class ChannelSocket:
    """Messages on channels. Writers of several channels may write at once."""

    def __init__(self, socket: WebSocketResponse, codec: Codec) -> None:
        self._socket = socket
        self._writing = asyncio.Lock()
        self.codec = codec

    async def send(self, channel: int, data: bytes) -> None:
        """ConnectionError if the client is gone."""
        message = self.codec.encode(channel, data)
        async with self._writing:
            if self._socket.closed:
                raise ConnectionResetError("WebSocket is closed")
            if isinstance(message, str):
                await self._socket.send_str(message)
            else:
                await self._socket.send_bytes(message)

    async def messages(self) -> AsyncIterator[Message]:
        """What the client sends, until it closes. A message that breaks the protocol closes the socket."""
        while True:
            received = await self._socket.receive()
            if received.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                return
            try:
                yield self.codec.decode(received.data)
            except MessageError as error:
                await self.close(WSCloseCode.PROTOCOL_ERROR, str(error))
                return

    async def close(self, code: int = WSCloseCode.OK, text: str = "") -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.close(code=code, message=text.encode())


class SocketDuplex:
    """The payloads of binary messages as one byte stream: SPDY tunnelled through a WebSocket."""

    def __init__(self, socket: WebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                return b""
            data = message.data.encode() if isinstance(message.data, str) else bytes(message.data)
            if data:
                return data

    async def write(self, data: bytes) -> None:
        if self._socket.closed:
            raise ConnectionResetError("WebSocket is closed")
        await self._socket.send_bytes(data)

    async def close(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._socket.close()
