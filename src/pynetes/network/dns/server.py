"""The DNS server: UDP and TCP on one address, answers from the zone or from a forwarder."""

import asyncio
import logging
import random
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from dnslib import AAAA as AAAARecord
from dnslib import CNAME as CNAMERecord
from dnslib import PTR as PTRRecord
from dnslib import QTYPE, RCODE, RR, SOA, TXT, A, DNSError, DNSHeader, DNSQuestion, DNSRecord
from dnslib import SRV as SRVRecord

from pynetes.component import clock, metrics
from pynetes.component.tasks import Tasks
from pynetes.network.dns.forward import Forwarder
from pynetes.network.dns.zone import CNAME, Answer, Record, Zone

log = logging.getLogger(__name__)

TTL = 5
_SOA_TIMES = (1, 7200, 1800, 86400, TTL)
_IDLE = 10.0
_PLAIN_UDP = 512
_ANY_PORT_ATTEMPTS = 20

_REQUESTS = metrics.counter("coredns_dns_requests_total", "DNS questions", ["proto", "type"])
_RESPONSES = metrics.counter("coredns_dns_responses_total", "DNS answers", ["rcode"])

_RDATA: dict[str, Callable[..., object]] = {
    "A": A,
    "AAAA": AAAARecord,
    "CNAME": CNAMERecord,
    "PTR": PTRRecord,
    "TXT": TXT,
}


class Server:
    """Answers questions until its block is left.

    async with Server(zone, forwarder, "10.0.0.1", 53): ...
    """

    def __init__(self, zone: Zone, forwarder: Forwarder, address: str, port: int) -> None:
        self._zone = zone
        self._forwarder = forwarder
        self.address, self.port = address, port
        self._tasks = Tasks("dns")
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None

    async def __aenter__(self) -> "Server":
        attempts = 1 if self.port else _ANY_PORT_ATTEMPTS  # a port that is free for UDP may be taken for TCP
        for attempt in range(attempts):
            try:
                await self._listen()
                break
            except OSError:
                if attempt + 1 == attempts:
                    raise
        await self._tasks.__aenter__()
        return self

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._answer_datagram), local_addr=(self.address, self.port)
        )
        port = self._udp.get_extra_info("sockname")[1]
        try:
            self._tcp = await asyncio.start_server(self._connection, self.address, port)
        except BaseException:
            self._udp.close()
            await clock.sleep(0)  # the loop closes the socket in its next turn
            raise
        self.port = port

    async def __aexit__(self, *_: object) -> None:
        assert self._udp is not None
        assert self._tcp is not None
        self._udp.close()
        self._tcp.close()
        await self._tasks.__aexit__(None, None, None)
        await clock.sleep(0)  # the loop closes the sockets in its next turn

    def _answer_datagram(self, data: bytes, reply: Callable[[bytes], None]) -> None:
        """Names of the cluster are answered at once, without a task."""
        question = _parse(data)
        if question is None:
            return
        _REQUESTS.labels("udp", _type(question)).inc()
        limit = _udp_limit(question)
        local, outside = self._local(question)
        if local is None:
            self._tasks.start(self._forward(question, reply, limit), name="forward", crash=False)
        elif outside:
            self._tasks.start(self._complete_datagram(local, outside, reply, limit), name="alias", crash=False)
        else:
            reply(_fit(local, limit))

    async def _forward(self, question: DNSRecord, reply: Callable[[bytes], None], limit: int) -> None:
        data = await self._ask(question)
        if len(data) > limit:
            cut = question.reply()
            cut.header.tc = 1
            data = cut.pack()
        reply(data)

    async def _complete_datagram(
        self, local: DNSRecord, outside: str, reply: Callable[[bytes], None], limit: int
    ) -> None:
        await self._complete(local, outside)
        reply(_fit(local, limit))

    async def _complete(self, local: DNSRecord, outside: str) -> None:
        """Adds what the resolvers know of the name that an alias leads to; if they are silent, it stands alone."""
        question = DNSRecord(DNSHeader(id=local.header.id, rd=1), q=DNSQuestion(outside, local.q.qtype))
        data = await self._forwarder.ask(question)
        if data is not None:
            local.add_answer(*DNSRecord.parse(data).rr)

    async def _ask(self, question: DNSRecord) -> bytes:
        data = await self._forwarder.ask(question)
        if data is None:
            failed = question.reply()
            failed.header.rcode = RCODE.SERVFAIL
            data = bytes(failed.pack())
        _RESPONSES.labels(RCODE.get(data[3] & 0x0F)).inc()
        return data

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                async with asyncio.timeout(_IDLE):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    data = await reader.readexactly(length)
                question = _parse(data)
                if question is None:
                    break
                _REQUESTS.labels("tcp", _type(question)).inc()
                local, outside = self._local(question)
                if local is not None and outside:
                    await self._complete(local, outside)
                answer = bytes(local.pack()) if local is not None else await self._ask(question)
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError) as end:
            log.debug("a TCP client left: %r", end)
        finally:
            writer.close()

    def _local(self, question: DNSRecord) -> tuple[DNSRecord | None, str]:
        """The zone's answer, or None for names that are not the zone's; and the name outside that it leads to."""
        asked = str(question.q.qname).rstrip(".")
        answer = self._zone.lookup(asked, _type(question))
        if answer is None:
            return None, ""
        reply = question.reply()
        reply.header.aa, reply.header.ad = 1, 0  # nothing here is signed
        if not answer.exists:
            reply.header.rcode = RCODE.NXDOMAIN
        records = _spread(answer.records)
        for record in records:
            reply.add_answer(_resource_record(record, str(question.q.qname) if record.name == asked.lower() else None))
        for record in answer.additional:
            reply.add_ar(_resource_record(record))
        if not records:
            reply.add_auth(self._soa(answer))
        _RESPONSES.labels(RCODE.get(reply.header.rcode)).inc()
        return reply, answer.outside

    def _soa(self, _: Answer) -> RR:
        domain = self._zone.domain
        return RR(domain, QTYPE.SOA, rdata=SOA(f"ns.dns.{domain}", f"hostmaster.{domain}", _SOA_TIMES), ttl=TTL)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes, Callable[[bytes], None]], Awaitable[None] | None]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        def reply(answer: bytes) -> None:
            if not self._transport.is_closing():
                self._transport.sendto(answer, addr)

        self._answer(data, reply)

    def error_received(self, exc: Exception) -> None:
        log.debug("a datagram was not delivered: %s", exc)


def _spread(records: Sequence[Record]) -> list[Record]:
    """Aliases before what they stand for; the rest in any order: clients that take the first spread over all."""
    aliases = [record for record in records if record.type == CNAME]
    others = [record for record in records if record.type != CNAME]
    random.shuffle(others)
    return aliases + others


def _parse(data: bytes) -> DNSRecord | None:
    """A question, or None for what is no question (answers are never answered)."""
    try:
        record = DNSRecord.parse(data)
    except (DNSError, ValueError, IndexError):
        return None
    return record if not record.header.qr and len(record.questions) == 1 else None


def _type(question: DNSRecord) -> str:
    return str(QTYPE.get(question.q.qtype))


def _udp_limit(question: DNSRecord) -> int:
    for record in question.ar:
        if record.rtype == QTYPE.OPT:
            return max(_PLAIN_UDP, int(record.rclass))
    return _PLAIN_UDP


def _fit(reply: DNSRecord, limit: int) -> bytes:
    """The answer, or as much of its head as says `truncated`: the client asks again by TCP."""
    data: bytes = reply.pack()
    if len(data) <= limit:
        return data
    reply.ar.clear()
    data = reply.pack()
    if len(data) <= limit:
        return data
    reply.rr.clear()
    reply.header.tc = 1
    return bytes(reply.pack())


def _resource_record(record: Record, asked: str | None = None) -> RR:
    """`asked`: the name in the spelling of the question, which clients compare (0x20 encoding)."""
    if record.type == "SRV":
        port, target = record.data
        rdata: object = SRVRecord(0, 100, port, target)
    else:
        rdata = _RDATA[record.type](record.data)
    return RR(asked or record.name, getattr(QTYPE, record.type), rdata=rdata, ttl=TTL)
