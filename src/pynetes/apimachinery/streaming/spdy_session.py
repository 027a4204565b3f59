"""A SPDY/3.1 connection as a state machine: calls and bytes in, events and bytes out, no I/O.

Flow control is left to TCP, as in the implementations that Kubernetes clients and runtimes use: they ignore
WINDOW_UPDATE, and containerd's takes it for a reason to reset the stream. So none is ever sent.
"""

from typing import Literal

from msgspec import Struct

from pynetes.apimachinery.streaming import spdy_frames as frames
from pynetes.apimachinery.streaming.spdy_frames import Frame, Headers, ProtocolError, ResetStatus

#: Largest body of a data frame that we send.
CHUNK = 32 * 1024


class StreamOpened(Struct, frozen=True):
    """The peer opened a stream; it wants a reply."""

    stream: int
    headers: Headers


class StreamReplied(Struct, frozen=True):
    """The peer accepted a stream of ours."""

    stream: int
    headers: Headers


class DataReceived(Struct, frozen=True):
    stream: int
    data: bytes


class StreamEnded(Struct, frozen=True):
    """The peer sends no more on this stream; we still may."""

    stream: int


class StreamReset(Struct, frozen=True):
    """The peer broke the stream off."""

    stream: int
    status: int


class PingAnswered(Struct, frozen=True):
    id: int


class GoingAway(Struct, frozen=True):
    """The peer opens and accepts no more streams."""

    last_stream: int


Event = StreamOpened | StreamReplied | DataReceived | StreamEnded | StreamReset | PingAnswered | GoingAway


class _Stream(Struct):
    local: Literal["open", "closed"] = "open"
    remote: Literal["open", "closed"] = "open"


class Session:
    """`client`: whether we opened the connection (our streams have odd ids then)."""

    def __init__(self, *, client: bool) -> None:
        self._next = 1 if client else 2
        self._next_ping = 1 if client else 2
        self._streams: dict[int, _Stream] = {}
        self._last_accepted = 0
        self._encoder = frames.Encoder()
        self._decoder = frames.Decoder()
        self._out: list[bytes] = []

    # -- what we do

    def open_stream(self, headers: Headers, *, fin: bool = False) -> int:
        """Opens a stream and gives its id."""
        stream, self._next = self._next, self._next + 2
        self._streams[stream] = _Stream(local="closed" if fin else "open")
        self._emit(frames.SynStream(stream, headers, fin))
        return stream

    def reply(self, stream: int, headers: Headers | None = None) -> None:
        """Accepts a stream that the peer opened."""
        if stream in self._streams:
            self._emit(frames.SynReply(stream, headers or {}))

    def send(self, stream: int, data: bytes, *, fin: bool = False) -> bool:
        """Sends on a stream, ending our side with `fin`. False if our side is closed already."""
        state = self._streams.get(stream)
        if state is None or state.local == "closed":
            return False
        view = memoryview(data)
        for start in range(0, len(data), CHUNK):
            last = start + CHUNK >= len(data)
            self._emit(frames.Data(stream, bytes(view[start : start + CHUNK]), fin and last))
        if fin:
            if not data:
                self._emit(frames.Data(stream, b"", True))
            self._close_local(stream, state)
        return True

    def reset(self, stream: int, status: int = ResetStatus.CANCEL) -> None:
        if self._streams.pop(stream, None) is not None:
            self._emit(frames.Reset(stream, status))

    def ping(self) -> int:
        identifier, self._next_ping = self._next_ping, self._next_ping + 2
        self._emit(frames.Ping(identifier))
        return identifier

    def outgoing(self) -> bytes:
        """The bytes to send now; each is given once."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    # -- what the peer does

    def receive(self, data: bytes) -> list[Event]:
        """What the bytes mean. `ProtocolError` if the peer breaks the rules beyond repair."""
        events: list[Event] = []
        for frame in self._decoder.feed(data):
            self._take(frame, events)
        return events

    def _take(self, frame: Frame, events: list[Event]) -> None:
        match frame:
            case frames.Data(stream, data, fin):
                self._take_data(stream, data, fin, events)
            case frames.SynStream():
                self._take_open(frame, events)
            case frames.SynReply(stream, headers, fin):
                if stream in self._streams:
                    events.append(StreamReplied(stream, headers))
                    self._end(stream, fin, events)
            case frames.MoreHeaders(stream, _, fin):
                self._end(stream, fin, events)
            case frames.Reset(stream, status):
                if self._streams.pop(stream, None) is not None:
                    events.append(StreamReset(stream, status))
            case frames.Ping(identifier):
                if identifier % 2 == self._next_ping % 2:
                    events.append(PingAnswered(identifier))
                else:
                    self._emit(frame)
            case frames.GoAway(last_stream, _):
                events.append(GoingAway(last_stream))
            case frames.Settings() | frames.WindowUpdate():
                pass

    def _take_open(self, frame: frames.SynStream, events: list[Event]) -> None:
        stream = frame.stream
        if stream % 2 == self._next % 2 or stream == 0:
            raise ProtocolError(f"the peer opened stream {stream}, which is ours to open")
        if stream <= self._last_accepted:
            raise ProtocolError(f"the peer opened stream {stream} after {self._last_accepted}")
        self._last_accepted = stream
        self._streams[stream] = _Stream(local="closed" if frame.unidirectional else "open")
        events.append(StreamOpened(stream, frame.headers))
        self._end(stream, frame.fin, events)

    def _take_data(self, stream: int, data: bytes, fin: bool, events: list[Event]) -> None:
        state = self._streams.get(stream)
        if state is None:
            # The stream is gone on our side: data may still have been on its way.
            return
        if state.remote == "closed":
            self.reset(stream, ResetStatus.STREAM_ALREADY_CLOSED)
            events.append(StreamReset(stream, ResetStatus.STREAM_ALREADY_CLOSED))
            return
        if data:
            events.append(DataReceived(stream, data))
        self._end(stream, fin, events)

    def _end(self, stream: int, fin: bool, events: list[Event]) -> None:
        state = self._streams.get(stream)
        if not fin or state is None or state.remote == "closed":
            return
        state.remote = "closed"
        events.append(StreamEnded(stream))
        if state.local == "closed":
            del self._streams[stream]

    def _close_local(self, stream: int, state: _Stream) -> None:
        state.local = "closed"
        if state.remote == "closed":
            self._streams.pop(stream, None)

    def _emit(self, frame: Frame) -> None:
        self._out.append(self._encoder.encode(frame))
