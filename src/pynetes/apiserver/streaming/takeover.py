"""Taking a client's connection over: after `101 Switching Protocols` its bytes are ours.

aiohttp hands the bytes that follow an upgrade to a "payload parser", as for its WebSockets; ours only collects them.
"""

import asyncio
from typing import Any, cast

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse

READ_SIZE = 64 * 1024
_LIMIT = 128 * 1024


class _Collector:
    """What aiohttp feeds: keeps everything, and slows the client down when nobody reads."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._reader.feed_data(data)
        return False, b""

    def feed_eof(self) -> None:
        self._reader.feed_eof()


class UpgradedDuplex:
    """The client's side of an upgraded connection."""

    def __init__(self, raw: BaseRequest, response: StreamResponse) -> None:
        self._transport = raw.transport
        self._response = response
        self._reader = asyncio.StreamReader(limit=_LIMIT)
        protocol = raw.protocol
        if self._transport is None:
            self._reader.feed_eof()
        else:
            self._reader.set_transport(self._transport)
            protocol.set_parser(cast(Any, _Collector(self._reader)))

    async def read(self) -> bytes:
        return await self._reader.read(READ_SIZE)

    async def write(self, data: bytes) -> None:
        await self._response.write(data)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def switch_protocols(
    raw: BaseRequest, protocol: str, headers: dict[str, str] | None = None
) -> tuple[StreamResponse, UpgradedDuplex]:
    """Answers 101 and gives the connection; the response is what the handler has to return in the end."""
    response = StreamResponse(status=101, headers={"Connection": "Upgrade", "Upgrade": protocol, **(headers or {})})
    response.force_close()
    await response.prepare(raw)
    return response, UpgradedDuplex(raw, response)
