"""Requests that are unusual but good: methods that the parser has never heard of, and bytes in a path that should have
been escaped. The original takes both, and asks who sends them before it says that nothing is there.
"""

import re
from collections.abc import Callable
from typing import Any

from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, InvalidURLError

#: A method that the parser knows and nobody serves: it stands for the unknown one until the head is read.
_STAND_IN = b"PURGE"
_HEAD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[^\x00-\x20\x7f]*) (HTTP/1\.[01]\r\n)")
_HIGH = re.compile(rb"[\x80-\xff]")

Messages = list[tuple[Any, Any]]


def reread(problem: BaseException, data: bytes, make_parser: Callable[[], Any]) -> tuple[Any, Messages] | None:
    """A parser that has read the head at the start of `data` after all, and what it found; None if it cannot."""
    if not isinstance(problem, (BadHttpMethod, InvalidURLError)) or b"\r\n\r\n" not in data:
        return None
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
