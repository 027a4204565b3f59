"""SPDY/3.1 over a connection: streams to read and write.

`async with Connection(duplex, client=…) as connection:` runs the session; `open` makes streams, `accept` takes the
peer's. A stream that nobody reads holds the whole connection up once its buffer is full: that is the back pressure.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from pynetes.apimachinery.streaming import spdy_session as session
from pynetes.apimachinery.streaming.duplex import Duplex
from pynetes.apimachinery.streaming.spdy_frames import Headers, ProtocolError, ResetStatus
from pynetes.apimachinery.streaming.spdy_session import Event, Session
from pynetes.component.tasks import Tasks

#: Unread bytes of one stream at which the connection stops reading.
BUFFER = 256 * 1024


class StreamResetError(ConnectionError):
    """The stream was broken off, by the peer or with the connection."""


class Stream:
    """One stream. Reading and writing end apart: `close_write` is a half-close."""

    def __init__(self, connection: "Connection", identifier: int, headers: Headers) -> None:
        self.id = identifier
        self.headers = headers
        self._connection = connection
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: Exception | None = None
        self._changed = asyncio.Event()
        self._replied: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def read(self) -> bytes:
        """The next bytes; b"" once the peer ended its side. `StreamResetError` if it was broken off."""
        while not self._chunks:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            self._changed.clear()
            await self._changed.wait()
        chunk = self._chunks.popleft()
        self._size -= len(chunk)
        self._connection.wake()
        return chunk

    async def read_all(self) -> bytes:
        """All that the peer sends until it ends its side."""
        parts = []
        while part := await self.read():
            parts.append(part)
        return b"".join(parts)

    async def write(self, data: bytes) -> None:
        """`StreamResetError` if the stream is closed."""
        if not data:
            return
        if self._error is not None:
            raise self._error
        if not self._connection.session.send(self.id, data):
            raise StreamResetError(f"stream {self.id} is closed")
        await self._connection.flush()

    async def close_write(self) -> None:
        """Says that we send no more."""
        if self._connection.session.send(self.id, b"", fin=True):
            await self._connection.flush()

    async def reply(self, headers: Headers | None = None) -> None:
        """Accepts a stream that the peer opened."""
        self._connection.session.reply(self.id, headers)
        await self._connection.flush()

    async def reset(self, status: int = ResetStatus.CANCEL) -> None:
        """Breaks the stream off."""
        self._connection.session.reset(self.id, status)
        self.fail(StreamResetError(f"stream {self.id} was reset"))
        await self._connection.flush()

    async def replied(self) -> None:
        """Waits until the peer accepted the stream. `StreamResetError` if it does not."""
        await asyncio.shield(self._replied)

    # -- called by the connection

    @property
    def full(self) -> bool:
        return self._size >= BUFFER and self._error is None

    def feed(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    def accepted(self) -> None:
        if not self._replied.done():
            self._replied.set_result(None)

    def fail(self, error: Exception) -> None:
        if self._error is None and not self._ended:
            self._error = error
        if not self._replied.done():
            self._replied.set_exception(error)
            # Nobody has to wait for the reply.
            self._replied.exception()
        self._changed.set()


class Connection:
    """A session over a duplex. The peer's end shows as the end of all streams and of `accept`."""

    def __init__(self, duplex: Duplex, *, client: bool) -> None:
        self.session = Session(client=client)
        self._duplex = duplex
        self._streams: dict[int, Stream] = {}
        self._incoming: deque[Stream] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._writing = asyncio.Lock()
        self._tasks = Tasks("spdy")
        self.closed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.start(self._run(), name="session")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            # The block's own error passes as it is, not wrapped in a group: the session's task raises nothing.
            await self._tasks.__aexit__(None, None, None)
        finally:
            await self.close()

    async def open(self, headers: Headers, *, fin: bool = False) -> Stream:
        """Opens a stream; `StreamResetError` if the connection is gone. Does not wait for the reply."""
        if self.closed.is_set():
            raise StreamResetError("connection is closed")
        identifier = self.session.open_stream(headers, fin=fin)
        stream = self._streams[identifier] = Stream(self, identifier, headers)
        await self.flush()
        return stream

    async def accept(self) -> Stream | None:
        """The next stream that the peer opens; None once the connection is gone."""
        while not self._incoming:
            if self.closed.is_set():
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._incoming.popleft()

    async def flush(self) -> None:
        """Sends what the session has to say."""
        async with self._writing:
            data = self.session.outgoing()
            if data:
                await self._duplex.write(data)

    async def close(self) -> None:
        self._lost(StreamResetError("connection is closed"))
        await self._duplex.close()

    def wake(self) -> None:
        """A stream was read: there may be room again."""
        self._room.set()

    async def _run(self) -> None:
        error: Exception = StreamResetError("connection was closed by the peer")
        try:
            while data := await self._duplex.read():
                for event in self.session.receive(data):
                    self._take(event)
                await self.flush()
                await self._wait_for_room()
        except OSError as problem:
            error = StreamResetError(str(problem))
        except ProtocolError as problem:
            error = StreamResetError(f"protocol error: {problem}")
        finally:
            self._lost(error)

    async def _wait_for_room(self) -> None:
        while any(stream.full for stream in self._streams.values()):
            self._room.clear()
            await self._room.wait()

    def _take(self, event: Event) -> None:
        if isinstance(event, session.StreamOpened):
            stream = Stream(self, event.stream, event.headers)
            stream.accepted()
            self._streams[event.stream] = stream
            self._incoming.append(stream)
            self._arrived.set()
            return
        known = self._streams.get(getattr(event, "stream", 0))
        if known is None:
            return
        match event:
            case session.DataReceived(_, data):
                known.feed(data)
            case session.StreamReplied():
                known.accepted()
            case session.StreamEnded():
                known.end()
            case session.StreamReset(_, status):
                known.fail(StreamResetError(f"stream {event.stream} was reset by the peer (status {status})"))

    def _lost(self, error: Exception) -> None:
        if self.closed.is_set():
            return
        self.closed.set()
        for stream in self._streams.values():
            stream.fail(error)
        self._arrived.set()
        self._room.set()
