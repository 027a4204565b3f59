"""Requests that are unusual but good: methods that the parser has never heard of, bytes in a path that should have been
escaped, headers over several lines. The original takes them, and asks who sends them before it says that nothing is
there. Nor does a body's end that is none undo its beginning: whoever reads it is told.
"""

import re
from collections.abc import Callable
from typing import Any

from aiohttp.http_exceptions import BadHttpMessage, BadHttpMethod, HttpProcessingError, InvalidURLError

from pynetes.apiserver.edge.malformed import BrokenBody

#: A method that the parser knows and nobody serves: it stands for the unknown one until the head is read.
_STAND_IN = b"PURGE"
_HEAD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[^\x00-\x20\x7f]*) (HTTP/1\.[01]\r\n)")
_FOLD = re.compile(rb"[ \t]*\r\n[ \t]+")
_HIGH = re.compile(rb"[\x80-\xff]")

Messages = list[tuple[Any, Any]]


def reread(problem: BaseException, data: bytes, make_parser: Callable[[], Any]) -> tuple[Any, Messages] | None:
    """A parser that has read the head at the start of `data` after all, and what it found; None if it cannot."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    if isinstance(problem, BadHttpMethod | InvalidURLError):
        return _with_stand_in(data, make_parser)
    if isinstance(problem, BadHttpMessage):
        return _broken(data, end + 4, make_parser) or _unfolded(data, end, make_parser)
    return None


def _with_stand_in(data: bytes, make_parser: Callable[[], Any]) -> tuple[Any, Messages] | None:
    head = _HEAD.match(data)
    if head is None:
        return None
    target = _HIGH.sub(lambda found: b"%%%02X" % found[0][0], head[2])
    parser = make_parser()
    try:
        messages, upgraded, _ = parser.feed_data(b"%b %b %b" % (_STAND_IN, target, head[3]) + data[head.end() :])
    except HttpProcessingError:
        return None
    if upgraded or not messages:
        return None
    (first, payload), *rest = messages
    return parser, [(first._replace(method=head[1].decode()), payload), *rest]


def _broken(data: bytes, end: int, make_parser: Callable[[], Any]) -> tuple[Any, Messages] | None:
    """A good head, until `end`, before chunks that are none."""
    parser = make_parser()
    try:
        messages, _, _ = parser.feed_data(data[:end])
    except HttpProcessingError:
        return None
    if not messages:
        return None
    payload = messages[0][1]
    try:
        parser.feed_data(data[end:])
    except HttpProcessingError as problem:
        if not payload.is_eof():
            payload.set_exception(BrokenBody(problem))
            return parser, messages
    return None


def _unfolded(data: bytes, end: int, make_parser: Callable[[], Any]) -> tuple[Any, Messages] | None:
    """With each header on one line."""
    head = _FOLD.sub(b" ", data[:end])
    if head == data[:end]:
        return None
    parser = make_parser()
    try:
        messages, upgraded, _ = parser.feed_data(head + data[end:])
    except HttpProcessingError:
        return None
    return None if upgraded or not messages else (parser, messages)
