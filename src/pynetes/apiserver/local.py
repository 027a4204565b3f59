"""A client in the same process: no sockets, no TLS, no credentials, but every rule from authorization on."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from pynetes.apiserver.authentication.user import LOOPBACK_USER, UserInfo
from pynetes.apiserver.http import Request, Response, StreamResponse
from pynetes.client.transport import TransportError, TransportRequest, TransportResponse, TransportStream
from pynetes.component.uids import new_uid

if TYPE_CHECKING:
    from pynetes.apiserver.server import APIServer


class LocalTransport:
    """Requests of `user` to `server`; implements `client.transport.Transport`."""

    def __init__(self, server: "APIServer", user: UserInfo = LOOPBACK_USER) -> None:
        self._server = server
        self._user = user

    def _received(self, sent: TransportRequest) -> Request:
        values: dict[str, list[str]] = {}
        for name, value in sent.query:
            values.setdefault(name, []).append(value)

        async def read_body() -> bytes:
            return sent.body or b""

        return Request(
            sent.method,
            sent.path,
            values,
            CIMultiDict(sent.headers),
            read_body,
            "127.0.0.1",
            user=self._user,
            audit_id=new_uid(),
        )

    async def request(self, request: TransportRequest, *, timeout: float | None = None) -> TransportResponse:
        answer = await self._server.handle(self._received(request))
        if isinstance(answer, Response):
            return TransportResponse(answer.status, _headers(answer), answer.body)
        if isinstance(answer, StreamResponse):
            async with aclosing(answer.chunks) as chunks:  # type: ignore[type-var]
                parts = [chunk async for chunk in chunks]
            return TransportResponse(answer.status, _headers(answer), b"".join(parts))
        raise TransportError("connections cannot be taken over within a process")

    @asynccontextmanager
    async def stream(self, request: TransportRequest) -> AsyncIterator[TransportStream]:
        answer = await self._server.handle(self._received(request))
        if isinstance(answer, Response):
            yield TransportStream(answer.status, _headers(answer), _once(answer.body))
        elif isinstance(answer, StreamResponse):
            async with aclosing(answer.chunks) as chunks:  # type: ignore[type-var]
                yield TransportStream(answer.status, _headers(answer), chunks)
        else:
            raise TransportError("connections cannot be taken over within a process")

    async def close(self) -> None:
        """Nothing is open."""


def _headers(answer: Response | StreamResponse) -> dict[str, str]:
    return {"content-type": answer.content_type, **{name.lower(): value for name, value in answer.headers.items()}}


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
