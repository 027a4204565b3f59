"""Answers to what is no HTTP request, as Go's server gives them: a line of text, and the connection ends; bodies
that break off, and headers that are no text."""

from typing import Any

from aiohttp.http_exceptions import LineTooLong
from multidict import CIMultiDict, CIMultiDictProxy

_TEXT = "text/plain; charset=utf-8"
_TOO_LARGE = "431 Request Header Fields Too Large"


class BrokenBody(Exception):
    """The chunks of a body are none; the message is Go's. Whoever reads the body meets it."""

    def __init__(self, problem: BaseException) -> None:
        text = str(problem)
        if "Invalid character in chunk size" in text:
            super().__init__("invalid byte in chunk length")
        elif "Chunk size overflow" in text:
            super().__init__("http chunk length too large")
        else:
            super().__init__("malformed chunked encoding")


class Refusal:
    """Written as it is, for such an answer has neither a date nor a name; in the form of aiohttp's answers."""

    __slots__ = ("_data",)
    keep_alive = False

    def __init__(self, status: str, content_type: str, body: bytes) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n"
        self._data = head.encode() + body

    async def prepare(self, request: Any) -> None:
        if request.transport is not None:
            request.transport.write(self._data)

    async def write_eof(self) -> None: ...

    def force_close(self) -> None: ...


def refusal(status: str) -> Refusal:
    """`400 Bad Request`, with or without a reason behind it."""
    return Refusal(status, _TEXT, status.encode())


def answer(problem: BaseException | None = None) -> Refusal:
    """The answer to what the parser has found."""
    if isinstance(problem, LineTooLong) or "Too many headers" in str(problem):
        return refusal(_TOO_LARGE)
    if "Transfer-Encoding" in str(problem):
        return Refusal("501 Not Implemented", _TEXT, b"Unsupported transfer encoding")
    if "Missing 'Host'" in str(problem):
        return refusal("400 Bad Request: missing required Host header")
    return refusal("400 Bad Request")


def readable(headers: CIMultiDictProxy[str]) -> CIMultiDictProxy[str]:
    """With U+FFFD for bytes that are no UTF-8, as they would be shown; nothing could write them again."""
    if all(value.isascii() for value in headers.values()):
        return headers
    mended = (
        (name, value.encode("utf-8", "surrogateescape").decode(errors="replace")) for name, value in headers.items()
    )
    return CIMultiDictProxy(CIMultiDict(mended))
