"""One kept-alive HTTP/1.1 connection with one request under way: a bare asyncio protocol that parses what it must."""

import asyncio
from collections.abc import Callable
from typing import cast

_CLOSE = b"0\r\n\r\n"


class Connection(asyncio.Protocol):
    """`on_data` is given each piece of the body; the body itself is kept only of answers that are errors."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._status = 0
        self._head = b""
        self._left = -1  # bytes of the body to come; -1: before the end of the head, -2: chunked
        self._tail = b""
        self.body = bytearray()
        self.on_data: Callable[[bytes], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """Sends a request; the answer's status when its body is there."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._head, self._left, self._tail = b"", -1, b""
        self.body.clear()
        self._transport.write(request)
        return self._answer

    async def checked(self, request: bytes) -> None:
        """Sends a request and waits for its answer. RuntimeError if that is no success."""
        status = await self.ask(request)
        if status >= 300:
            raise RuntimeError(f"HTTP {status}: {bytes(self.body[:300]).decode(errors='replace')}")

    def data_received(self, data: bytes) -> None:
        if self._left == -1:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end].lower(), self._head[end + 4 :]
            self._status = int(head[9:12])
            mark = head.find(b"content-length:")
            self._left = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else -2
        if self.on_data is not None:
            self.on_data(data)
        elif self._status >= 300:
            self.body += data
        if self._left >= 0:
            self._left -= len(data)
            if self._left <= 0:
                self._finish()
        else:
            self._tail = (self._tail + data[-5:])[-5:]
            if self._tail == _CLOSE:
                self._finish()

    def _finish(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server has closed the connection"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
