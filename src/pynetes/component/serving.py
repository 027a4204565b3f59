"""A small HTTP or HTTPS server for what a component tells about itself: health, metrics, configuration.

A handler is a coroutine from `Request` to `Answer`, so that what is answered can be tested without a socket.
"""

import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import web
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
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host or None, self.port, ssl_context=self._tls, reuse_address=True).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, received: web.BaseRequest) -> web.StreamResponse:
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
        return web.Response(status=answer.status, body=answer.body, headers=headers)
