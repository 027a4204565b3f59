"""Duplex: a byte stream in both directions, whatever carries it."""

import asyncio
import contextlib
from typing import Protocol

from pynetes.component.tasks import Tasks

READ_SIZE = 64 * 1024


class Duplex(Protocol):
    async def read(self) -> bytes:
        """The next bytes; b"" once the peer sends no more."""
        ...

    async def write(self, data: bytes) -> None:
        """Sends, waiting while the peer is slow. ConnectionError if it is gone."""
        ...

    async def close(self) -> None:
        """Ends both directions; may be called again."""
        ...


class StreamsDuplex:
    """Over asyncio's reader and writer. `head` is what was read too far before."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes = b"") -> None:
        self._reader = reader
        self._writer = writer
        self._head = head

    async def read(self) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        try:
            return await self._reader.read(READ_SIZE)
        except OSError:
            # A peer that breaks off has sent all that it is going to send.
            return b""

    async def write(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError("connection is closed")
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def pipe(one: Duplex, other: Duplex) -> None:
    """Copies both ways until one side ends, then closes both."""
    ended = asyncio.Event()
    try:
        async with Tasks("pipe") as tasks:
            tasks.start(_copy(one, other, ended), name="forth")
            tasks.start(_copy(other, one, ended), name="back")
            await ended.wait()
    finally:
        await one.close()
        await other.close()


async def _copy(source: Duplex, target: Duplex, ended: asyncio.Event) -> None:
    try:
        while data := await source.read():
            await target.write(data)
    except OSError:
        pass
    finally:
        ended.set()
