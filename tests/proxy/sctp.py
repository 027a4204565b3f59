"""The least of SCTP that is a real peer: handshake with cookie, one message each way, shutdown; over raw sockets.

Many kernels (and sandboxes) have no SCTP sockets, but they track and translate it. Debian's usrsctp examples speak all
of SCTP, but are slow to start, give no exit status of their own and need a process for each association; a matrix of
hundreds wants a peer in the test's own threads. Checksums are real: the kernel verifies them.
"""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

PROTOCOL = 132

DATA, INIT, INIT_ACK, SACK = 0, 1, 2, 3
SHUTDOWN, SHUTDOWN_ACK, COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE = 7, 8, 10, 11, 14

_WHOLE_MESSAGE = 3
_WINDOW, _STREAMS = 65536, 1
_COOKIE, _PAYLOAD = 7, 0


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Chunk:
    type: int
    body: bytes = b""
    flags: int = 0

    def encode(self) -> bytes:
        length = 4 + len(self.body)
        return struct.pack("!BBH", self.type, self.flags, length) + self.body + bytes(-length % 4)


@dataclass(frozen=True, slots=True)
class Packet:
    source_port: int
    port: int
    tag: int
    chunks: tuple[Chunk, ...]

    def encode(self) -> bytes:
        header = struct.pack("!HHI", self.source_port, self.port, self.tag)
        body = b"".join(chunk.encode() for chunk in self.chunks)
        return header + struct.pack("<I", crc32c(header + bytes(4) + body)) + body


def decode(data: bytes) -> Packet | None:
    """None if the checksum is wrong."""
    source_port, port, tag, checksum = struct.unpack_from("!HHII", data)
    if struct.pack("!I", checksum) != struct.pack("<I", crc32c(data[:8] + bytes(4) + data[12:])):
        return None
    return Packet(source_port, port, tag, tuple(_chunks(data[12:])))


def _chunks(data: bytes) -> Iterator[Chunk]:
    while len(data) >= 4:
        type_, flags, length = struct.unpack_from("!BBH", data)
        yield Chunk(type_, data[4:length], flags)
        data = data[length + -length % 4 :]


def _initiate(type_: int, tag: int, cookie: bytes = b"") -> Chunk:
    parameters = struct.pack("!HH", _COOKIE, 4 + len(cookie)) + cookie if cookie else b""
    return Chunk(type_, struct.pack("!IIHHI", tag, _WINDOW, _STREAMS, _STREAMS, 1) + parameters)


def _message(content: bytes) -> Chunk:
    return Chunk(DATA, struct.pack("!IHHI", 1, 0, 0, _PAYLOAD) + content, _WHOLE_MESSAGE)


def _received() -> Chunk:
    return Chunk(SACK, struct.pack("!IIHH", 1, _WINDOW, 0, 0))


class Server:
    """Answers every message with what `answer` makes of the client's address. `serve` until `close`."""

    def __init__(self, address: str, port: int, answer: Callable[[str], str]) -> None:
        self._port, self._answer = port, answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
        self._socket.bind((address, 0))
        self._socket.settimeout(0.2)
        self._closed = False
        self._tags: dict[tuple[str, int], int] = {}

    def serve(self) -> None:
        while not self._closed:
            try:
                data, (peer, _) = self._socket.recvfrom(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            packet = decode(data[(data[0] & 15) * 4 :])
            if packet is not None and packet.port == self._port:
                chunks, tag = self._react(peer, packet)
                if chunks:
                    self._socket.sendto(Packet(self._port, packet.source_port, tag, chunks).encode(), (peer, 0))

    def _react(self, peer: str, packet: Packet) -> tuple[tuple[Chunk, ...], int]:
        client = peer, packet.source_port
        tag = self._tags.get(client, 0)
        for chunk in packet.chunks:
            if chunk.type == INIT:
                tag = self._tags[client] = struct.unpack_from("!I", chunk.body)[0]
                return (_initiate(INIT_ACK, int.from_bytes(os.urandom(4), "big") | 1, b"cookie"),), tag
            if chunk.type == COOKIE_ECHO:
                return (Chunk(COOKIE_ACK),), tag
            if chunk.type == DATA:
                return (_received(), _message(self._answer(peer).encode())), tag
            if chunk.type == SHUTDOWN:
                return (Chunk(SHUTDOWN_ACK),), tag
            if chunk.type == SHUTDOWN_COMPLETE:
                self._tags.pop(client, None)
        return (), 0

    def close(self) -> None:
        self._closed = True
        self._socket.close()


def ask(address: str, port: int, timeout: float) -> str:
    """One association with one message; its answer. ConnectionRefusedError or TimeoutError if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL) as raw:
        raw.connect((address, 0))
        raw.settimeout(timeout)
        # a port of its own among those that no other client in the test uses at this time
        association = _Association(raw, int.from_bytes(os.urandom(2), "big") % 20000 + 30000, port)
        return association.ask()


class _Association:
    def __init__(self, raw: socket.socket, source_port: int, port: int) -> None:
        self._raw = raw
        self._source_port, self._port = source_port, port
        self._tag = 0

    def ask(self) -> str:
        self._send(_initiate(INIT, int.from_bytes(os.urandom(4), "big") | 1))
        accepted = self._expect(INIT_ACK)
        self._tag = struct.unpack_from("!I", accepted.body)[0]
        length = struct.unpack_from("!H", accepted.body, 18)[0]
        self._send(Chunk(COOKIE_ECHO, accepted.body[20 : 16 + length]))
        self._expect(COOKIE_ACK)
        self._send(_message(b"?"))
        answer = self._expect(DATA).body[12:].decode()
        self._send(_received(), Chunk(SHUTDOWN, struct.pack("!I", 1)))
        self._expect(SHUTDOWN_ACK)
        self._send(Chunk(SHUTDOWN_COMPLETE))
        return answer

    def _send(self, *chunks: Chunk) -> None:
        with suppress(PermissionError):  # what is stopped on this very host; whether it is refused comes next
            self._raw.send(Packet(self._source_port, self._port, self._tag, chunks).encode())

    def _expect(self, type_: int) -> Chunk:
        while True:
            data = self._raw.recv(2048)
            packet = decode(data[(data[0] & 15) * 4 :])
            if packet is None or (packet.source_port, packet.port) != (self._port, self._source_port):
                continue
            for chunk in packet.chunks:
                if chunk.type == type_:
                    return chunk
