"""One client's connection: its verified certificate, and the stream that runs on it."""

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp.web_protocol import RequestHandler

if TYPE_CHECKING:
    from aiohttp.web_server import Server


class Connection(RequestHandler):
    """aiohttp's protocol, plus what authentication and streams need to know about the connection.

    Ordinary requests run to their end even if the client leaves (a write must not stop half-way); streams do not.
    """

    __slots__ = ("peer_certificate", "remote", "stream")

    def __init__(self, manager: "Server", **options: Any) -> None:
        super().__init__(manager, **options)
        self.peer_certificate: bytes | None = None
        self.remote = ""
        self.stream: asyncio.Task[Any] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.peer_certificate = tls.getpeercert(True)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.remote = peer[0]
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.stream is not None:
            self.stream.cancel()
        super().connection_lost(exc)

    async def send(self, data: bytes) -> None:
        """Writes, and waits while the client is slower than we are. ConnectionResetError if it is gone."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("client went away")
        transport.write(data)
        if self.writing_paused:
            await self._drain_helper()
