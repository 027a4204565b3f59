"""Questions about the world outside: asked of the machine's resolvers, answers kept for as long as they say."""

import asyncio
import logging
import secrets
import struct
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from dnslib import RCODE, DNSError, DNSRecord

from pynetes.component import clock

log = logging.getLogger(__name__)

_MAX_TTL, _NEGATIVE_TTL, _CACHE_SIZE = 30.0, 5.0, 10_000

#: Seconds a resolver has to answer, and after which no more are asked: whoever wants to know has given up.
_TIMEOUT, _PATIENCE = 2.0, 5.0
_ROUNDS = 2


def nameservers(resolv_conf: Path) -> list[str]:
    """The resolvers a resolv.conf names; none if it cannot be read."""
    try:
        lines = resolv_conf.read_text().splitlines()
    except OSError as error:
        log.warning("no resolvers: %s", error)
        return []
    return [words[1] for line in lines if len(words := line.split()) >= 2 and words[0] == "nameserver"]


class Forwarder:
    """Asks resolvers in turn, and once more, since datagrams are lost: UDP first, TCP if the answer was cut. Equal
    questions at the same time are one."""

    def __init__(self, servers: Sequence[str], *, port: int = 53, timeout: float = _TIMEOUT) -> None:
        self._servers = servers
        self._port, self._timeout = port, timeout
        self._cache: OrderedDict[tuple[str, int], tuple[float, bytes]] = OrderedDict()
        self._asking: dict[tuple[str, int], asyncio.Future[bytes | None]] = {}

    async def ask(self, question: DNSRecord) -> bytes | None:
        """The answer's bytes with the question's id; None if no resolver answers."""
        key = (str(question.q.qname).lower(), int(question.q.qtype))
        answer = self._cached(key)
        if answer is None:
            answer = await self._share(key, question)
        return struct.pack("!H", question.header.id) + answer[2:] if answer is not None else None

    async def _share(self, key: tuple[str, int], question: DNSRecord) -> bytes | None:
        asking = self._asking.get(key)
        if asking is not None:
            return await asyncio.shield(asking)
        future = self._asking[key] = asyncio.get_running_loop().create_future()
        answer = None
        try:
            answer = await self._ask_all(question)
            if answer is not None:
                self._keep(key, answer)
        finally:
            del self._asking[key]
            future.set_result(answer)
        return answer

    async def _ask_all(self, question: DNSRecord) -> bytes | None:
        end = clock.monotonic() + _PATIENCE
        for server in (*self._servers,) * _ROUNDS:
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._ask_one(server, question)
            except (TimeoutError, OSError, asyncio.IncompleteReadError, DNSError) as error:
                log.debug("resolver %s: %r", server, error)
            if clock.monotonic() > end:
                break
        return None

    async def _ask_one(self, server: str, question: DNSRecord) -> bytes:
        query = DNSRecord.question(str(question.q.qname), "A")
        query.q.qtype, query.q.qclass = question.q.qtype, question.q.qclass
        query.header.id = secrets.randbits(16)
        data = query.pack()
        answer = await _ask_udp(server, self._port, data)
        if DNSRecord.parse(answer).header.tc:
            answer = await _ask_tcp(server, self._port, data)
        return answer

    def _cached(self, key: tuple[str, int]) -> bytes | None:
        found = self._cache.get(key)
        if found is None:
            return None
        if found[0] < clock.monotonic():
            del self._cache[key]
            return None
        return found[1]

    def _keep(self, key: tuple[str, int], answer: bytes) -> None:
        record = DNSRecord.parse(answer)
        if record.header.rcode not in (RCODE.NOERROR, RCODE.NXDOMAIN):
            return
        ttl = min((rr.ttl for rr in record.rr), default=_NEGATIVE_TTL)
        self._cache[key] = (clock.monotonic() + min(ttl, _MAX_TTL), answer)
        while len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)


class _Ask(asyncio.DatagramProtocol):
    def __init__(self, query: bytes) -> None:
        self._query = query
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.DatagramTransport", transport).sendto(self._query)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data[:2] == self._query[:2] and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _ask_udp(server: str, port: int, query: bytes) -> bytes:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Ask(query), remote_addr=(server, port)
    )
    try:
        return await protocol.answer
    finally:
        transport.close()


async def _ask_tcp(server: str, port: int, query: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(struct.pack("!H", len(query)) + query)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(length)
    finally:
        writer.close()
