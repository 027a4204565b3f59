"""One client's connection: its verified certificate, and the stream that runs on it."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParser
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, RequestPayloadError, _ErrInfo
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse

from pynetes.apiserver.edge.malformed import BrokenBody
from pynetes.apiserver.edge.malformed import answer as malformed
from pynetes.apiserver.edge.mending import reread
from pynetes.apiserver.edge.tls import intermediates
from pynetes.component.serving import MAX_HEAD_BYTES

if TYPE_CHECKING:
    from aiohttp.web_server import Server


#: Of the parser's options, those that are not the connection's alone.
_LIMITS = ("max_line_size", "max_field_size", "max_headers", "auto_decompress")


def _parser(protocol: "Connection", loop: asyncio.AbstractEventLoop, limits: dict[str, Any]) -> HttpRequestParser:
    """As aiohttp makes it for a connection."""
    return HttpRequestParser(protocol, loop, protocol._read_bufsize, payload_exception=RequestPayloadError, **limits)


class Connection(RequestHandler):
    """aiohttp's protocol, plus what authentication and streams need to know about the connection.

    Ordinary requests run to their end even if the client leaves (a write must not stop half-way); streams do not.
    """

    __slots__ = ("_body", "_head_bytes", "_limits", "_refused", "peer_certificate", "peer_issuers", "remote", "stream")

    def __init__(self, manager: "Server", **options: Any) -> None:
        super().__init__(manager, **options)
        self._limits = {name: options[name] for name in _LIMITS if name in options}
        self.peer_certificate: bytes | None = None
        self.peer_issuers: tuple[bytes, ...] = ()
        self.remote = ""
        self.stream: asyncio.Task[Any] | None = None
        self._head_bytes = 0  # of a request whose headers have not ended
        self._refused = False
        self._body: Any = EMPTY_PAYLOAD  # of the last request whose headers have

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.peer_certificate = tls.getpeercert(True)
            if self.peer_certificate is not None:
                self.peer_issuers = intermediates(tls)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.remote = peer[0]
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Bounds the headers of a request, as the parser bounds only each of them."""
        if self._refused:
            return
        if self._close or self._force_close:
            self._receive_last(data)
            return
        known, body = self._request_count, self._body
        super().data_received(data)
        if self._request_count != known and self._messages:
            if self._messages[-1][0].__class__ is _ErrInfo:
                if not body.is_eof():
                    self._break(body)
                    return
                self._reread(data)
            self._body, self._head_bytes = self._messages[-1][1], 0
        elif not self._upgraded and self._body.is_eof():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse_head()

    def _break(self, body: Any) -> None:
        """What the parser has refused was the body of a request that is being answered."""
        refused = cast(_ErrInfo, self._messages.pop()[0])
        body.set_exception(BrokenBody(refused.exc))
        self._refused = True

    def _reread(self, data: bytes) -> None:
        """Looks again at what the parser has refused."""
        refused = cast(_ErrInfo, self._messages[-1][0])
        read = reread(refused.exc, data, partial(_parser, self, self._loop, self._limits))
        if read is not None:
            self._messages.pop()
            self._parser, messages = read
            self._refused = messages[-1][1].exception() is not None
            self._messages.extend(messages)

    @property
    def is_broken(self) -> bool:
        """Nothing that comes after what was read so far can be made sense of."""
        return self._refused

    def _receive_last(self, data: bytes) -> None:
        """The rest of a request that has come in part and waits for an answer: aiohttp, once it ends, reads no more."""
        if self._parser is not None and not self._upgraded and not self._body.is_eof():
            with suppress(HttpProcessingError):  # whoever reads the body is told of it
                self._parser.feed_data(data)

    def _refuse_head(self) -> None:
        self._refused = True
        error = LineTooLong("", MAX_HEAD_BYTES)
        self._messages.append((_ErrInfo(status=400, exc=error, message=""), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> StreamResponse:
        """What is no HTTP is the client's fault: answered as the original does, and no matter for the log."""
        if status == 500:
            return super().handle_error(request, status, exc, message)
        return cast(StreamResponse, malformed(exc))

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.stream is not None:
            self.stream.cancel()
        super().connection_lost(exc)

    async def send(self, data: bytes | memoryview, within: float | None = None) -> None:
        """Writes, and waits while the client is slower than we are. ConnectionResetError if it is gone, or has not
        taken enough `within` seconds: it may not keep an answer in memory for ever."""
        transport = self.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("client went away")
        transport.write(data)
        if not self.writing_paused:
            return
        try:
            async with asyncio.timeout(within):
                await self._drain_helper()
        except TimeoutError:
            transport.abort()
            raise ConnectionResetError("client is too slow") from None
