"""SPDY/3.1 frames as bytes, without I/O.

A frame is eight bytes of head and its body; header blocks are compressed with zlib and a preset dictionary, one
compression stream for each direction of a connection, so frames must be encoded and decoded in order.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from enum import IntEnum

from msgspec import Struct, field

Headers = Mapping[str, str]

VERSION = 3
FLAG_FIN = 0x01
FLAG_UNIDIRECTIONAL = 0x02
MAX_FRAME = (1 << 24) - 1
#: A peer's header block may not grow beyond this when decompressed.
MAX_HEADERS = 1 << 20

_WORDS = (
    "options|head|post|put|delete|trace|accept|accept-charset|accept-encoding|accept-language|accept-ranges|"
    "age|allow|authorization|cache-control|connection|content-base|content-encoding|content-language|"
    "content-length|content-location|content-md5|content-range|content-type|date|etag|expect|expires|from|"
    "host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|location|"
    "max-forwards|pragma|proxy-authenticate|proxy-authorization|range|referer|retry-after|server|te|trailer|"
    "transfer-encoding|upgrade|user-agent|vary|via|warning|www-authenticate|method|get|status|200 OK|version|"
    "HTTP/1.1|url|public|set-cookie|keep-alive|origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 "
    "Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 "
    "Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr"
    " May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image"
    "/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatem"
    "ax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)

#: The protocol's preset dictionary: length-prefixed words, then text as it is.
DICTIONARY = b"".join(struct.pack(">I", len(word)) + word.encode() for word in _WORDS.split("|")) + _TAIL.encode()


class ProtocolError(Exception):
    """Bytes that are not SPDY/3.1; the connection cannot go on."""


class Type(IntEnum):
    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class ResetStatus(IntEnum):
    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    UNSUPPORTED_VERSION = 4
    CANCEL = 5
    INTERNAL_ERROR = 6
    FLOW_CONTROL_ERROR = 7
    STREAM_IN_USE = 8
    STREAM_ALREADY_CLOSED = 9


class Data(Struct, frozen=True):
    stream: int
    data: bytes
    fin: bool = False


class SynStream(Struct, frozen=True):
    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False
    unidirectional: bool = False
    priority: int = 0


class SynReply(Struct, frozen=True):
    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False


class MoreHeaders(Struct, frozen=True):
    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False


class Reset(Struct, frozen=True):
    stream: int
    status: int


class Settings(Struct, frozen=True):
    values: tuple[tuple[int, int], ...] = ()


class Ping(Struct, frozen=True):
    id: int


class GoAway(Struct, frozen=True):
    last_stream: int
    status: int = 0


class WindowUpdate(Struct, frozen=True):
    stream: int
    delta: int


_NUMBERS: dict[int, type[Reset] | type[GoAway] | type[WindowUpdate]] = {
    Type.RST_STREAM: Reset,
    Type.GOAWAY: GoAway,
    Type.WINDOW_UPDATE: WindowUpdate,
}

Frame = Data | SynStream | SynReply | MoreHeaders | Reset | Settings | Ping | GoAway | WindowUpdate


class Encoder:
    """Frames to bytes, for one direction of one connection."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(zdict=DICTIONARY)

    def encode(self, frame: Frame) -> bytes:
        match frame:
            case Data(stream, data, fin):
                return struct.pack(">II", stream, (FLAG_FIN if fin else 0) << 24 | len(data)) + data
            case SynStream(stream, headers, fin, unidirectional, priority):
                flags = (FLAG_FIN if fin else 0) | (FLAG_UNIDIRECTIONAL if unidirectional else 0)
                head = struct.pack(">IIBB", stream, 0, priority << 5, 0)
                return _control(Type.SYN_STREAM, flags, head + self._block(headers))
            case SynReply(stream, headers, fin):
                return self._with_headers(Type.SYN_REPLY, stream, headers, fin)
            case MoreHeaders(stream, headers, fin):
                return self._with_headers(Type.HEADERS, stream, headers, fin)
            case Reset(stream, status):
                return _control(Type.RST_STREAM, 0, struct.pack(">II", stream, status))
            case Settings(values):
                pairs = b"".join(struct.pack(">II", key, value) for key, value in values)
                return _control(Type.SETTINGS, 0, struct.pack(">I", len(values)) + pairs)
            case Ping(identifier):
                return _control(Type.PING, 0, struct.pack(">I", identifier))
            case GoAway(last_stream, status):
                return _control(Type.GOAWAY, 0, struct.pack(">II", last_stream, status))
            case WindowUpdate(stream, delta):
                return _control(Type.WINDOW_UPDATE, 0, struct.pack(">II", stream, delta))

    def _with_headers(self, kind: Type, stream: int, headers: Headers, fin: bool) -> bytes:
        return _control(kind, FLAG_FIN if fin else 0, struct.pack(">I", stream) + self._block(headers))

    def _block(self, headers: Headers) -> bytes:
        parts = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.lower(), value):
                encoded = text.encode()
                parts.append(struct.pack(">I", len(encoded)) + encoded)
        return self._compressor.compress(b"".join(parts)) + self._compressor.flush(zlib.Z_SYNC_FLUSH)


class Decoder:
    """Bytes to frames, for one direction of one connection."""

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(zdict=DICTIONARY)
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now. `ProtocolError` for what is not SPDY/3.1."""
        self._buffer += data
        while len(self._buffer) >= 8:
            first, second = struct.unpack_from(">II", self._buffer)
            length = second & MAX_FRAME
            if len(self._buffer) < 8 + length:
                return
            body = bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            frame = self._decode(first, second >> 24, body)
            if frame is not None:
                yield frame

    def _decode(self, first: int, flags: int, body: bytes) -> Frame | None:
        if not first & 0x80000000:
            return Data(first, body, bool(flags & FLAG_FIN))
        version = first >> 16 & 0x7FFF
        if version != VERSION:
            raise ProtocolError(f"unsupported SPDY version {version}")
        try:
            return self._decode_control(first & 0xFFFF, flags, body)
        except (struct.error, zlib.error, UnicodeDecodeError) as error:
            raise ProtocolError(f"malformed frame of type {first & 0xFFFF}: {error}") from error

    def _decode_control(self, kind: int, flags: int, body: bytes) -> Frame | None:
        fin = bool(flags & FLAG_FIN)
        if kind == Type.SYN_STREAM:
            stream, _, priority, _ = struct.unpack_from(">IIBB", body)
            headers = self._block(body[10:])
            return SynStream(stream & 0x7FFFFFFF, headers, fin, bool(flags & FLAG_UNIDIRECTIONAL), priority >> 5)
        if kind == Type.PING:
            return Ping(*struct.unpack_from(">I", body))
        if kind == Type.SETTINGS:
            (count,) = struct.unpack_from(">I", body)
            return Settings(tuple(struct.unpack_from(">II", body, 4 + 8 * i) for i in range(count)))
        if kind in (Type.SYN_REPLY, Type.HEADERS):
            (stream,) = struct.unpack_from(">I", body)
            make = SynReply if kind == Type.SYN_REPLY else MoreHeaders
            return make(stream & 0x7FFFFFFF, self._block(body[4:]), fin)
        maker = _NUMBERS.get(kind)
        if maker is None:
            # The protocol tells to ignore control frames of an unknown type.
            return None
        stream, value = struct.unpack_from(">II", body)
        return maker(stream & 0x7FFFFFFF, value)

    def _block(self, compressed: bytes) -> dict[str, str]:
        plain = self._decompressor.decompress(compressed, MAX_HEADERS)
        if self._decompressor.unconsumed_tail:
            raise ProtocolError("header block too large")
        (count,) = struct.unpack_from(">I", plain)
        texts: list[str] = []
        offset = 4
        for _ in range(min(count, len(plain)) * 2):
            (length,) = struct.unpack_from(">I", plain, offset)
            end = offset + 4 + length
            if end > len(plain):
                raise ProtocolError("header block cut short")
            texts.append(plain[offset + 4 : end].decode())
            offset = end
        return dict(zip(texts[::2], texts[1::2], strict=True))


def _control(kind: Type, flags: int, body: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | VERSION, kind, flags << 24 | len(body)) + body
