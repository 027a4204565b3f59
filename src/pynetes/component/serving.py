"""A small HTTP or HTTPS server for what a component tells about itself: health, metrics, configuration.

A handler is a coroutine from `Request` to `Answer`, so that what is answered can be tested without a socket.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse
from aiohttp.web_server import Server as HTTPServer
from msgspec import Struct, field

log = logging.getLogger(__name__)

#: A request line and its headers together, as Go's servers take them by default, and what these read beyond.
MAX_HEAD_BYTES = 1024 * 1024 + 4096
TEXT = "text/plain; charset=utf-8"
_SHUTDOWN_SECONDS = 1.0


class Request(Struct, frozen=True):
    """`query` has every value of a name; `certificate` is the caller's, verified, as `getpeercert()` gives it."""

    path: str
    method: str = "GET"
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    certificate: Mapping[str, Any] | None = None


def wants_pretty(asked: str, agent: str) -> bool:
    """Whether JSON is to be indented: the parameter `pretty` says so, or a program that people read asks."""
    if asked:
        return asked in ("1", "t", "T", "true", "TRUE", "True")
    return agent.startswith(("curl", "Wget", "Mozilla/5.0"))


class Answer(Struct, frozen=True):
    body: bytes
    status: int = 200
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Answer]]


def text(body: str, status: int = 200) -> Answer:
    return Answer(body.encode(), status, headers={"X-Content-Type-Options": "nosniff"})


NOT_FOUND = text("404 page not found\n", 404)


class Server:
    """Listens on `host:port` (port 0: any free one) while its block runs; with `tls` it speaks HTTPS."""

    def __init__(self, handler: Handler, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._host, self.port = host, port
        self._tls = tls
        self._http: HTTPServer | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._http = HTTPServer(self._handle, access_log=None)
        self._server = await asyncio.get_running_loop().create_server(
            self._http, self._host or None, self.port, ssl=self._tls, backlog=128, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None and self._http is not None:
            self._server.close()
            self._http.pre_shutdown()
            await self._http.shutdown(_SHUTDOWN_SECONDS)
            await self._server.wait_closed()

    async def _handle(self, received: BaseRequest) -> StreamResponse:
        request = Request(
            received.path,
            received.method,
            {name: received.query.getall(name) for name in received.query},
            {name.lower(): value for name, value in received.headers.items()},
            received.get_extra_info("peercert"),
        )
        try:
            answer = await self._handler(request)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            answer = text("This request caused apiserver to panic. Look in the logs for details.\n", 500)
        headers = {"Content-Type": answer.content_type, **answer.headers}
        return Response(status=answer.status, body=answer.body, headers=headers)
