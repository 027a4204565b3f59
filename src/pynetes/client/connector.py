"""Connections to API servers that end when they are to end, whatever the server does."""

import socket
from typing import Any

import aiohttp

#: Half-open connections end within seconds (client-go relies on HTTP/2 pings for that).
_OPTIONS = (("TCP_KEEPIDLE", 4), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 6_000))


class Connector(aiohttp.TCPConnector):
    """Any number of connections, each with keep-alive probes.

    One whose request was given up is cut: TLS in asyncio would wait half a minute for the goodbye of a server that is
    given up because it does not answer. Those that have all of their answer are kept for the next request, as ever.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(limit=0, socket_factory=_keepalive_socket, **options)

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        if should_close or protocol.should_close:
            protocol.abort()
        super()._release(key, protocol, should_close=should_close)


def _keepalive_socket(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _OPTIONS:
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
