"""A watch's wire format: one JSON object a line, `{"type": …, "object": …}`."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.client.transport import TransportError

ADDED, MODIFIED, DELETED, BOOKMARK, ERROR = "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"


class WatchEvent(Struct, frozen=True):
    """`type` is ADDED, MODIFIED, DELETED or BOOKMARK (its object carries a resourceVersion only)."""

    type: str
    object: dict[str, Any]


class FrameDecoder:
    """Cuts chunks at line ends; what follows the last one waits for the next chunk."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[WatchEvent]:
        """The events completed by `chunk`; StatusError on an ERROR event, TransportError on what is not JSON."""
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            self._rest.append(chunk)
            return
        whole = b"".join((*self._rest, head))
        self._rest = [tail] if tail else []
        for line in whole.split(b"\n"):
            if line.strip():
                yield _event(line)


def _event(line: bytes) -> WatchEvent:
    try:
        frame = orjson.loads(line)
        event = WatchEvent(frame["type"], frame["object"])
    except (ValueError, KeyError, TypeError) as error:
        raise TransportError(f"unable to decode an event from the watch stream: {error}") from error
    if event.type == ERROR:
        raise StatusError.from_status(event.object)
    return event


async def events(chunks: AsyncIterator[bytes]) -> AsyncIterator[WatchEvent]:
    """The events of a stream; an incomplete line at its end is dropped, as the connection was cut in it."""
    decoder = FrameDecoder()
    async for chunk in chunks:
        for event in decoder.feed(chunk):
            yield event
