"""Answers as bytes on a connection: a whole one in a single write, a stream in chunks."""

import asyncio
from contextlib import aclosing
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp.http_writer import HttpVersion, HttpVersion11

from pynetes.apiserver.edge.compression import THRESHOLD, accepts_gzip, gzip
from pynetes.apiserver.http import Request, Response, StreamResponse
from pynetes.component import clock

if TYPE_CHECKING:
    from pynetes.apiserver.edge.connection import Connection

_REASONS = {status.value: status.phrase for status in HTTPStatus}
#: A whole answer must be taken as fast as the original's deadline of requests wants it. Streams may stand still.
SECONDS = 60.0
_PIECE = 1024 * 1024
_date = (0, "")


class Sent:
    """What aiohttp is told once an answer is written: nothing is left to do but to keep the connection, or not."""

    __slots__ = ("keep_alive",)

    def __init__(self, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, request: Any) -> None: ...

    async def write_eof(self) -> None: ...


KEEP = Sent(True)
CLOSE = Sent(False)


def _now() -> str:
    """The Date header, formatted once a second."""
    global _date
    second = int(clock.time_seconds())
    if _date[0] != second:
        _date = (second, formatdate(second, usegmt=True))
    return _date[1]


def unexpected(version: HttpVersion) -> bytes:
    """The answer to an `Expect` that cannot be met."""
    lines = (
        f"HTTP/{version.major}.{version.minor} 417 Expectation Failed",
        "Connection: close",
        f"Date: {_now()}",
        "Content-Length: 0",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _head(request: Request, status: int, content_type: str, headers: dict[str, str], keep: bool) -> list[str]:
    old = _is_old(request)
    version = "HTTP/1.0" if old else "HTTP/1.1"
    lines = [f"{version} {status} {_REASONS.get(status, '')}\r\nAudit-Id: {request.audit_id}\r\nDate: {_now()}\r\n"]
    if content_type:
        lines.append(f"Content-Type: {content_type}\r\n")
    if "Cache-Control" not in headers:
        lines.append("Cache-Control: no-cache, private\r\n")
    if request.flow is not None:
        schema, level = request.flow
        lines.append(f"X-Kubernetes-Pf-Flowschema-Uid: {schema}\r\nX-Kubernetes-Pf-Prioritylevel-Uid: {level}\r\n")
    for name, value in headers.items():
        lines.append(f"{name}: {value}\r\n")
    for warning in dict.fromkeys(request.warnings):
        lines.append(f'Warning: 299 - "{_quoted(warning)}"\r\n')
    if keep is old:  # what a version does without being told need not be told
        lines.append("Connection: keep-alive\r\n" if keep else "Connection: close\r\n")
    return lines


def _is_old(request: Request) -> bool:
    """HTTP/1.0, whose connections end unless both sides say otherwise."""
    raw = request.raw
    return raw is not None and raw.version is not HttpVersion11 and raw.version < HttpVersion11


def _quoted(text: str) -> str:
    """A header's quoted-string: no control characters, quotes and backslashes escaped."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return clean.replace("\\", "\\\\").replace('"', '\\"')


async def send_whole(connection: "Connection", request: Request, response: Response, keep: bool) -> Sent:
    """One write for head and body."""
    body, headers = response.body, response.headers
    plain = "Content-Encoding" not in headers  # a proxied answer may come packed
    if (
        plain
        and len(body) >= THRESHOLD
        and request.method == "GET"
        and accepts_gzip(request.headers.get("Accept-Encoding", ""))
    ):
        body = gzip(body)
        headers = {**headers, "Content-Encoding": "gzip", "Vary": _varied(headers.get("Vary", ""))}
    head = _head(request, response.status, response.content_type, headers, keep)
    if response.status == 304:
        head.append("\r\n")
    else:
        head.append(f"Content-Length: {len(body)}\r\n\r\n")
    data = "".join(head).encode()
    if request.method == "HEAD" or response.status == 304:
        body = b""
    if len(body) <= _PIECE:
        await connection.send(data + body, within=SECONDS)
    else:
        await connection.send(data, within=SECONDS)
        await _send_pieces(connection, memoryview(body))
    return KEEP if keep else CLOSE


def _varied(vary: str) -> str:
    """What the answer depends on, with the encoding."""
    if "Accept-Encoding" in vary:
        return vary
    return f"Accept-Encoding, {vary}" if vary else "Accept-Encoding"


async def _send_pieces(connection: "Connection", data: memoryview) -> None:
    """Encrypting a hundred megabytes in one go would keep all others waiting."""
    end = clock.monotonic() + SECONDS
    for start in range(0, len(data), _PIECE):
        await connection.send(data[start : start + _PIECE], within=end - clock.monotonic())
        await clock.sleep(0)


async def send_stream(connection: "Connection", request: Request, response: StreamResponse, keep: bool) -> Sent:
    """Chunks as they come, ended properly also when the server shuts down; cancelled when the client goes away."""
    chunked = not _is_old(request)
    keep = keep and chunked
    head = _head(request, response.status, response.content_type, response.headers, keep)
    head.append("Transfer-Encoding: chunked\r\n\r\n" if chunked else "\r\n")
    task = connection.stream = asyncio.current_task()
    try:
        async with aclosing(response.chunks) as chunks:  # type: ignore[type-var]
            await connection.send("".join(head).encode())
            async for chunk in chunks:
                if chunk:
                    await connection.send(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
    except asyncio.CancelledError:
        if connection.transport is None:
            raise
        # The server is going down: end the stream as upstream does, so that clients see no broken chunk.
        if task is not None:
            task.uncancel()
        keep = False
    finally:
        connection.stream = None
    if chunked:
        await connection.send(b"0\r\n\r\n")
    return KEEP if keep else CLOSE
