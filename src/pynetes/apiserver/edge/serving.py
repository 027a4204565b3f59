"""Listening, and the road from aiohttp's request to ours and back."""

import asyncio
import logging
import ssl
from types import TracebackType
from typing import Any, Self, cast

from aiohttp.http_writer import HttpVersion10, HttpVersion11
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_server import Server as HTTPServer

from pynetes.apimachinery.errors import StatusError, request_entity_too_large
from pynetes.apiserver.edge.connection import Connection
from pynetes.apiserver.edge.malformed import BrokenBody, readable, refusal
from pynetes.apiserver.edge.malformed import answer as malformed
from pynetes.apiserver.edge.reply import CLOSE, send_stream, send_whole, unexpected
from pynetes.apiserver.http import Handler, Request, Response, Upgrade
from pynetes.apiserver.requestinfo import decode_path, origin_form, parse_query
from pynetes.component.serving import MAX_HEAD_BYTES
from pynetes.component.uids import new_uid

log = logging.getLogger(__name__)

#: As long as the original keeps an idle connection.
_IDLE_SECONDS = 90.0
_HEADERS = 1024  # the original has no such limit but that of all their bytes


class BindError(Exception):
    """The address cannot be listened on; the message says which and why."""


class _Server(HTTPServer):
    def __call__(self) -> RequestHandler:
        return Connection(
            self,
            loop=self._loop,
            keepalive_timeout=_IDLE_SECONDS,
            access_log=None,
            max_line_size=MAX_HEAD_BYTES,
            max_field_size=MAX_HEAD_BYTES,
            max_headers=_HEADERS,
            auto_decompress=False,
        )


class Edge:
    """Serves `handler` on one address. `async with Edge(...) as edge:` listens; leaving ends all connections."""

    def __init__(
        self,
        handler: Handler,
        *,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        max_body_bytes: int,
        shutdown_grace: float,
        reuse_port: bool = False,
    ) -> None:
        self._handler = handler
        self._host = host
        self.port = port
        self._tls = tls
        self._max_body = max_body_bytes
        self._grace = shutdown_grace
        self._reuse_port = reuse_port or None
        self._draining = False
        self._server: asyncio.Server | None = None
        self._http: _Server | None = None

    async def __aenter__(self) -> Self:
        self._http = _Server(cast(Any, self._handle))
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._http,
                self._host,
                self.port,
                ssl=self._tls,
                backlog=1024,
                reuse_address=True,
                reuse_port=self._reuse_port,
            )
        except OSError as error:
            address = f"{self._host}:{self.port}"
            reason = "address already in use" if error.errno == 98 else error.strerror or str(error)
            raise BindError(f"failed to listen on {address}: bind: {reason}") from error
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._http is not None
        self._server.close()
        self._http.pre_shutdown()
        for connection in self._http.connections:
            if isinstance(connection, Connection) and connection.stream is not None:
                connection.stream.cancel()
        await self._http.shutdown(self._grace)
        await self._server.wait_closed()

    def drain(self) -> None:
        """From now on every answer ends its connection."""
        self._draining = True

    async def _handle(self, raw: BaseRequest) -> Any:
        connection = cast(Connection, raw.protocol)
        if raw.version is not HttpVersion11 and raw.version not in (HttpVersion10, HttpVersion11):
            return refusal("505 HTTP Version Not Supported: unsupported protocol version")
        expected = raw.headers.get("Expect", "")
        if expected and not _continues(expected):
            await connection.send(unexpected(raw.version))
            return CLOSE
        target = origin_form(raw._message.path)
        try:
            path = decode_path(target)
        except ValueError:
            return malformed()
        request = Request(
            raw.method,
            path,
            parse_query(target),
            readable(raw.headers),
            _Body(raw, connection, self._max_body),
            connection.remote,
            connection.peer_certificate,
            raw,
            peer_issuers=connection.peer_issuers,
        )
        request.audit_id = request.headers.get("Audit-ID", "") or new_uid()
        keep = raw.keep_alive and not self._draining
        try:
            answer = await self._handler(request)
            keep = keep and not connection.is_broken
            if isinstance(answer, Response):
                return await send_whole(connection, request, answer, keep)
            if isinstance(answer, Upgrade):
                return await answer.run(raw)
            return await send_stream(connection, request, answer, keep)
        except ConnectionError:
            return CLOSE


def _continues(expected: str) -> bool:
    return "100-continue" in (token.strip() for token in expected.lower().split(","))


class _Body:
    """Reads the whole body once, up to the limit."""

    __slots__ = ("_connection", "_limit", "_raw", "_read")

    def __init__(self, raw: BaseRequest, connection: Connection, limit: int) -> None:
        self._raw = raw
        self._connection = connection
        self._limit = limit
        self._read: bytes | None = None

    async def __call__(self) -> bytes:
        if self._read is None:
            self._read = await self._receive()
        return self._read

    async def _receive(self) -> bytes:
        if not self._raw.body_exists:
            return b""
        headers = self._raw.headers
        length = headers.get("Content-Length", "")
        if length.isdigit() and int(length) > self._limit:
            raise self._too_large()
        if _continues(headers.get("Expect", "")) and self._raw.version >= HttpVersion11:
            await self._connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            return await self._content(self._raw.content)
        except BrokenBody as error:
            raise StatusError(500, "", str(error)) from None

    async def _content(self, content: StreamReader) -> bytes:
        first = await content.readany()
        if content.at_eof():
            self._check(len(first))
            return first
        parts, size = [first], len(first)
        while part := await content.readany():
            parts.append(part)
            size += len(part)
            self._check(size)
        return b"".join(parts)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise self._too_large()

    def _too_large(self) -> Exception:
        return request_entity_too_large(f"limit is {self._limit}")
