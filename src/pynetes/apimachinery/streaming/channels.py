"""Channels of WebSockets: which of several streams a message belongs to.

A message's first byte is the channel; in the base64 variants a digit, and the rest is base64 text. v5 adds the close
signal (channel 255, whose payload names the channel that ends), so that stdin can be half-closed.
"""

import base64
import binascii
from collections.abc import Iterable

from msgspec import Struct

STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
CLOSE = 255

V5 = "v5.channel.k8s.io"
V4 = "v4.channel.k8s.io"
V4_BASE64 = "v4.base64.channel.k8s.io"
PLAIN = "channel.k8s.io"
PLAIN_BASE64 = "base64.channel.k8s.io"
#: What we offer, best first; "" is a client that names no protocol.
PROTOCOLS = (V5, V4, V4_BASE64, PLAIN, PLAIN_BASE64)


class MessageError(Exception):
    """A message that breaks the protocol."""


class Message(Struct, frozen=True):
    """Bytes on a channel, or with `closes` the end of it."""

    channel: int
    data: bytes = b""
    closes: bool = False


class Codec(Struct, frozen=True):
    """How one protocol writes messages."""

    protocol: str

    @property
    def base64(self) -> bool:
        return "base64." in self.protocol

    @property
    def has_status(self) -> bool:
        """Whether the error channel carries a Status (from v4 on) and not plain text."""
        return self.protocol.startswith(("v4.", "v5."))

    def encode(self, channel: int, data: bytes) -> bytes | str:
        """A binary message, or a text message for the base64 protocols."""
        if self.base64:
            return f"{channel}{base64.b64encode(data).decode()}"
        return bytes((channel,)) + data

    def decode(self, message: bytes | str) -> Message:
        """`MessageError` for an empty message, a wrong digit, or bad base64."""
        raw = message.encode() if isinstance(message, str) else message
        if not raw:
            raise MessageError("empty message")
        if self.base64:
            return _from_base64(raw)
        if raw[0] == CLOSE and self.protocol == V5:
            if len(raw) != 2:
                raise MessageError("a close signal names one channel")
            return Message(raw[1], closes=True)
        return Message(raw[0], bytes(raw[1:]))


def _from_base64(raw: bytes) -> Message:
    channel = raw[0] - ord("0")
    if not 0 <= channel <= 9:
        raise MessageError(f"channel {chr(raw[0])!r} is not a digit")
    try:
        return Message(channel, base64.b64decode(raw[1:], validate=True))
    except binascii.Error as error:
        raise MessageError(str(error)) from error


def choose(offered: Iterable[str], supported: Iterable[str] = PROTOCOLS) -> str | None:
    """The first protocol that the client offers and we know; "" if it offers none; None if we know none of them."""
    wanted = list(offered)
    known = set(supported)
    return next((protocol for protocol in wanted if protocol in known), None) if wanted else ""
