"""Bytes to and from an API server: the interface that HTTPS and the in-process road share."""

import errno
import os
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct, field

Query = Sequence[tuple[str, str]]


class TransportError(Exception):
    """The connection failed, broke or timed out: the request may or may not have taken effect."""


def reason(error: BaseException) -> str:
    """What a failed connection comes down to: the system's own words, if it has any (`connection refused`)."""
    cause: BaseException | None = error
    while cause is not None:
        number = getattr(getattr(cause, "os_error", cause), "errno", None)
        if isinstance(number, int) and number in errno.errorcode and not isinstance(cause, ssl.SSLError):
            return os.strerror(number).lower()
        cause = cause.__cause__
    return str(error).rpartition(": ")[2] or type(error).__name__


class TransportRequest(Struct, frozen=True):
    """What is asked of an API server. The path is unescaped; the query is pairs."""

    method: str
    path: str
    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


class TransportResponse(Struct, frozen=True):
    """A whole answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class TransportStream(Struct, frozen=True):
    """An answer whose body arrives in pieces; `chunks` raises TransportError when the connection breaks."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Transport(Protocol):
    """One API server (or several that serve the same cluster)."""

    async def request(self, request: TransportRequest, *, timeout: float | None = None) -> TransportResponse:
        """The whole answer, of whatever HTTP status; TransportError when there is none within `timeout` seconds."""

    def stream(self, request: TransportRequest) -> AbstractAsyncContextManager[TransportStream]:
        """An answer that is read while it is made; leaving the block ends it."""

    async def close(self) -> None:
        """Ends all connections. Idempotent."""
