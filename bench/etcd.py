"""A bare etcd for comparison: Debian's server on loopback, spoken to over gRPC with messages written by hand.

The few fields needed do not merit generated stubs: put (key 1, value 2) and range (key 1, range_end 2, limit 3) of
etcdserverpb, https://etcd.io/docs/v3.4/learning/api/.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

Call = Callable[[bytes], Awaitable[bytes]]


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _as_it_is(message: bytes) -> bytes:
    return message


class Etcd:
    """The three calls that are measured. Answers are left as bytes."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._put: Call = channel.unary_unary("/etcdserverpb.KV/Put", _as_it_is, _as_it_is)
        self._range: Call = channel.unary_unary("/etcdserverpb.KV/Range", _as_it_is, _as_it_is)

    async def put(self, key: str, value: bytes) -> bytes:
        return await self._put(_field(1, key.encode()) + _field(2, value))

    async def get(self, key: str) -> bytes:
        return await self._range(_field(1, key.encode()))

    async def list(self, prefix: str, limit: int) -> bytes:
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return await self._range(_field(1, prefix.encode()) + _field(2, end.encode()) + b"\x18" + _varint(limit))


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Etcd]:
    """A client of the etcd at that port of loopback."""
    options = [("grpc.max_receive_message_length", 64 << 20)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        async with asyncio.timeout(30):
            await channel.channel_ready()
        yield Etcd(channel)


@asynccontextmanager
async def started(directory: Path) -> AsyncIterator[tuple[int, int]]:
    """An etcd of one member on loopback with its data in `directory`, ended afterwards; its client port and pid."""
    ports = free_ports(2)
    client, peer = (f"http://127.0.0.1:{port}" for port in ports)
    process = await asyncio.create_subprocess_exec(
        "etcd", "--name=bench", f"--data-dir={directory / 'etcd'}", "--log-level=error",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=bench={peer}",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with connected(ports[0]) as etcd, asyncio.timeout(30):
            await etcd.put("/ready", b"")
        yield ports[0], process.pid
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Etcd]:
    """`started` and a client of it."""
    async with started(directory) as (port, _), connected(port) as etcd:
        yield etcd
