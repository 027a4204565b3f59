"""Answers to what is no HTTP request, as Go's server gives them: a line of text, and the connection ends; and headers
that are no text."""

import re

import orjson
from aiohttp.http_exceptions import BadHttpMethod, LineTooLong
from aiohttp.web_response import Response
from multidict import CIMultiDict, CIMultiDictProxy

from pynetes.apimachinery.errors import method_not_allowed

_REQUEST_LINE = re.compile(r"b'[A-Za-z-]+ \S+ HTTP/1\.[01]")


def answer(problem: BaseException | None = None) -> Response:
    """The answer to what the parser has found."""
    if isinstance(problem, BadHttpMethod) and _REQUEST_LINE.search(str(problem)):
        # The original's parser takes any word for a method; no resource knows it.
        body = orjson.dumps(method_not_allowed().status())
        response = Response(status=405, body=body, content_type="application/json")
    elif isinstance(problem, LineTooLong):
        response = Response(status=431, text="431 Request Header Fields Too Large")
    else:
        response = Response(status=400, text="400 Bad Request")
    response.force_close()
    return response


def readable(headers: CIMultiDictProxy[str]) -> CIMultiDictProxy[str]:
    """With U+FFFD for bytes that are no UTF-8, as they would be shown; nothing could write them again."""
    if all(value.isascii() for value in headers.values()):
        return headers
    mended = (
        (name, value.encode("utf-8", "surrogateescape").decode(errors="replace")) for name, value in headers.items()
    )
    return CIMultiDictProxy(CIMultiDict(mended))
