"""Asking an HTTP server to switch protocols, and taking the connection over when it does."""

import asyncio
import os
import socket
import ssl
from collections.abc import Sequence
from http import HTTPStatus

from msgspec import Struct, field

from pynetes.apimachinery.streaming.duplex import StreamsDuplex
from pynetes.apimachinery.tls_errors import unverified

MAX_ERROR_BODY = 64 * 1024
_LIMIT = 256 * 1024


class DialError(Exception):
    """The server could not be reached, or did not answer in HTTP."""


class Answer(Struct):
    """The server's answer to a request to upgrade: 101 and a `duplex`, or a refusal and its `body`."""

    status: int
    reason: str
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case; of a repeated header, the last."""
    body: bytes = b""
    duplex: StreamsDuplex | None = None
    raw_head: bytes = b""
    """Status line and headers as they came, with the empty line."""


def unreachable(host: str, port: int, error: OSError) -> str:
    """Why there is no connection, as Go says it: `dial tcp 10.0.0.1:10250: connect: connection refused`."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return unverified(error)
    if isinstance(error, ssl.SSLError):
        return f"tls: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    why = f"connect: {os.strerror(error.errno).lower()}" if error.errno else str(error) or "i/o timeout"
    return f"dial tcp {where}: {why}"


async def dial(
    host: str,
    port: int,
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    *,
    tls: ssl.SSLContext | None = None,
    server_hostname: str | None = None,
    timeout: float = 30.0,
    answer_timeout: float = 120.0,
    body: bytes = b"",
) -> Answer:
    """Sends one request (with `Connection: Upgrade` among its headers) on a connection of its own.

    `target` is path and query as they go over the wire; `timeout` is for the connection, `answer_timeout` for the
    answer, which a kubelet gives only when the runtime is ready. Raises `DialError`.
    """
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(
                host, port, ssl=tls, server_hostname=(server_hostname or host) if tls else None, limit=_LIMIT
            )
    except (OSError, TimeoutError) as error:
        raise DialError(f"error dialing backend: {unreachable(host, port, error)}") from error
    try:
        async with asyncio.timeout(answer_timeout):
            answer = await _exchange(reader, writer, method, target, headers, body)
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        writer.close()
        raise DialError(f"error sending request: {error or 'i/o timeout'}") from error
    except BaseException:
        writer.close()
        raise
    if answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
        answer.duplex = StreamsDuplex(reader, writer)
    else:
        writer.close()
    return answer


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    body: bytes,
) -> Answer:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    answer = parse_head(head)
    if answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
        answer.body = await _body(reader, answer.headers)
    return answer


def parse_head(head: bytes) -> Answer:
    """ValueError if it is not the head of an HTTP/1 answer."""
    lines = head.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    code, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/1.") or not code.isdigit():
        raise ValueError(f"malformed HTTP response {lines[0]!r}")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return Answer(int(code), reason, headers, raw_head=head)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """A refusal's text, as far as it is of use."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    length = headers.get("content-length", "")
    if length.isdigit():
        return await reader.readexactly(min(int(length), MAX_ERROR_BODY))
    return await reader.read(MAX_ERROR_BODY)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    out = bytearray()
    while len(out) < MAX_ERROR_BODY:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0].strip(), 16)
        if size == 0:
            break
        out += await reader.readexactly(min(size, MAX_ERROR_BODY))
        await reader.readexactly(2)
    return bytes(out)
