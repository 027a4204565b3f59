"""How large a stored object may be: what etcd takes as the original uses it, whichever store lies below.

So a cluster can move from any store to etcd, and clients that know etcd's refusals by their words find them.
"""

from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.protobuf import encoder

MAX_REQUEST = 3 << 19
"""Bytes: etcd's default."""

_MAX_MESSAGE = 2 << 20
"""Bytes: more than this etcd's own client does not send."""

# What a write of a key is beside key (twice: compared and put) and value, as a message and in etcd's log.
_FRAME, _LOGGED = 25, 15


def check_size(key: str, data: bytes, obj: dict[str, Any]) -> None:
    """StatusError 500 with etcd's words if `data`, which is to be stored of `obj`, is too large."""
    if _message(key, len(data)) + _LOGGED <= MAX_REQUEST:
        return
    size = _message(key, _original_size(data, obj))
    if size > _MAX_MESSAGE:
        sent = f"trying to send message larger than max ({size} vs. {_MAX_MESSAGE})"
        raise StatusError(500, "", f"rpc error: code = ResourceExhausted desc = {sent}")
    if size + _LOGGED > MAX_REQUEST:
        raise StatusError(500, "", "etcdserver: request is too large")


def _message(key: str, size: int) -> int:
    return size + 2 * len(key) + _FRAME


def _original_size(data: bytes, obj: dict[str, Any]) -> int:
    """The original keeps its own kinds as protobuf, where text is not escaped and bytes are not in base64."""
    if encoder.has_message(obj["apiVersion"], obj["kind"]):
        return len(encoder.encode(obj))
    return len(data)
