"""Scalars with a form of their own: quantities, times and base64 bytes. Each is checked and put in canonical form.

All raise ValueError with the text that the original's decoder shows.
"""

import binascii
import re
from typing import Any

from pynetes.apimachinery import quantity, times
from pynetes.component.memo import remembered

_CANONICAL_TIME = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII
)
_QUANTA = re.compile(rb"(?:[A-Za-z0-9+/]{4})*")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)


def canonical_quantity(value: Any) -> str:
    """From a text or a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(quantity.FORMAT_ERROR)
    return _quantity(value.strip()) if isinstance(value, str) else str(quantity.parse(value))


@remembered(1 << 10)
def _quantity(text: str) -> str:
    return str(quantity.parse(text))


@remembered(1 << 10)
def canonical_time(text: str) -> str | None:
    """Whole seconds in UTC; None for Go's zero time, which stands for no time at all."""
    if not _CANONICAL_TIME.fullmatch(text):
        text = times.format_time(times.parse_time(text))
    return None if text == times.ZERO_TIME else text


def canonical_micro_time(text: str) -> str | None:
    text = times.format_micro_time(times.parse_time(text, micro=True))
    return None if text.startswith("0001-01-01T00:00:00.000000") else text


def canonical_bytes(text: str) -> str:
    """Base64 as it is written again: without line breaks."""
    if _BASE64.fullmatch(text):
        return text if _canonical_tail(text) else _rewritten(text)
    plain = text.replace("\r", "").replace("\n", "")
    if _BASE64.fullmatch(plain):
        return plain if _canonical_tail(plain) else _rewritten(plain)
    raise ValueError(f"illegal base64 data at input byte {_corrupt_at(text)}")


def _canonical_tail(text: str) -> bool:
    """Whether the bits that padding leaves over are zero."""
    if text.endswith("=="):
        return text[-3] in "AQgw"
    return not text.endswith("=") or text[-2] in "AEIMQUYcgkosw048"


def _rewritten(text: str) -> str:
    return binascii.b2a_base64(binascii.a2b_base64(text), newline=False).decode()


def _corrupt_at(text: str) -> int:
    """Where Go's decoder stops: the byte of the first character that cannot stand there."""
    data = text.encode("utf-8", "surrogatepass")
    seen = 0  # characters of the quantum in progress
    start = _QUANTA.match(data)
    assert start is not None
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    position = start.end()
    while position < len(data):
        byte = data[position : position + 1]
        if byte in b"\r\n":
            position += 1
            continue
        if byte == b"=":
            return _corrupt_padding(data, position, seen)
        if byte not in alphabet:
            return position
        seen = (seen + 1) % 4
        position += 1
    return len(data) - seen if seen else len(data)


def _corrupt_padding(data: bytes, position: int, seen: int) -> int:
    if seen < 2:
        return position
    rest = position + 1
    if seen == 2:
        while rest < len(data) and data[rest : rest + 1] in b"\r\n":
            rest += 1
        if rest == len(data):
            return len(data)
        if data[rest : rest + 1] != b"=":
            return rest
        rest += 1
    while rest < len(data) and data[rest : rest + 1] in b"\r\n":
        rest += 1
    return rest
