"""The server over real sockets on loopback, with a resolver behind it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from dnslib import QTYPE, RCODE, RR, A, DNSRecord

from pynetes.network.dns.forward import Forwarder
from pynetes.network.dns.server import Server
from pynetes.network.dns.zone import Zone
from tests.network.test_zone import Cluster


class Resolver:
    """A resolver of the world outside: `big.` answers fill more than a datagram, `dead.` are never answered."""

    def __init__(self) -> None:
        self.asked = 0
        self.garbled = 0  # so many answers break off after the question's id

    def answer(self, data: bytes, limit: int = 65535) -> bytes | None:
        self.asked += 1
        if self.garbled:
            self.garbled -= 1
            return data[:2]
        question = DNSRecord.parse(data)
        name = str(question.q.qname)
        if name.startswith("dead."):
            return None
        reply = question.reply()
        if name.startswith("missing."):
            reply.header.rcode = RCODE.NXDOMAIN
        for number in range(60 if name.startswith("big.") else 1):
            reply.add_answer(RR(name, QTYPE.A, rdata=A(f"198.51.100.{number + 1}"), ttl=60))
        packed: bytes = reply.pack()
        if len(packed) > limit:
            cut = question.reply()
            cut.header.tc = 1
            packed = cut.pack()
        return packed


@asynccontextmanager
async def _resolver(resolver: Resolver) -> AsyncIterator[int]:
    class Datagrams(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            answer = resolver.answer(data, 512)
            if answer is not None:
                self.transport.sendto(answer, addr)  # type: ignore[attr-defined]

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answer = resolver.answer(await reader.readexactly(length)) or b""
        writer.write(struct.pack("!H", len(answer)) + answer)
        writer.close()

    loop = asyncio.get_running_loop()
    for _ in range(20):  # until a free port is free for both protocols
        transport, _protocol = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        try:
            server = await asyncio.start_server(connection, "127.0.0.1", port)
            break
        except OSError:
            transport.close()
            await asyncio.sleep(0)
    async with server:
        yield port
    transport.close()
    await asyncio.sleep(0)


@asynccontextmanager
async def _server(resolver: Resolver, *, patience: float = 60) -> AsyncIterator[Server]:
    async with _resolver(resolver) as port:
        forwarder = Forwarder(["127.0.0.1"], port=port, timeout=patience)
        async with Server(Zone("cluster.local", Cluster()), forwarder, "127.0.0.1", 0) as server:
            yield server


async def _udp(server: Server, question: DNSRecord) -> DNSRecord:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.connect((server.address, server.port))
        await loop.sock_sendall(client, bytes(question.pack()))
        async with asyncio.timeout(60):
            return DNSRecord.parse(await loop.sock_recv(client, 65535))


async def _tcp(server: Server, question: DNSRecord) -> DNSRecord:
    reader, writer = await asyncio.open_connection(server.address, server.port)
    data = bytes(question.pack())
    writer.write(struct.pack("!H", len(data)) + data)
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    answer = DNSRecord.parse(await reader.readexactly(length))
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("ask", [_udp, _tcp])
async def test_names_of_services_are_answered_with_authority(ask: object) -> None:
    async with _server(Resolver()) as server:
        question = DNSRecord.question("web.shop.svc.cluster.local", "A")
        answer = await ask(server, question)  # type: ignore[operator]
    assert [str(rr.rdata) for rr in answer.rr] == ["10.96.0.20"]
    assert answer.header.aa == 1
    assert answer.header.id == question.header.id


@pytest.mark.parametrize("ask", [_udp, _tcp])
async def test_an_external_name_comes_with_the_addresses_behind_it(ask: object) -> None:
    """A pod's resolver does not ask on: it takes what stands in the answer."""
    async with _server(Resolver()) as server:
        answer = await ask(server, DNSRecord.question("ext.shop.svc.cluster.local", "A"))  # type: ignore[operator]
    assert [(QTYPE.get(rr.rtype), str(rr.rdata)) for rr in answer.rr] == [
        ("CNAME", "db.example.org."),
        ("A", "198.51.100.1"),
    ]
    assert answer.header.ad == 0


async def test_the_spelling_of_the_question_comes_back() -> None:
    async with _server(Resolver()) as server:
        answer = await _udp(server, DNSRecord.question("wEb.shOp.svc.cluster.local", "A"))
    assert str(answer.rr[0].rname) == "wEb.shOp.svc.cluster.local."


async def test_an_absent_name_is_nxdomain_with_the_zones_authority() -> None:
    async with _server(Resolver()) as server:
        answer = await _udp(server, DNSRecord.question("missing.shop.svc.cluster.local", "A"))
    assert answer.header.rcode == RCODE.NXDOMAIN
    assert [QTYPE.get(rr.rtype) for rr in answer.auth] == ["SOA"]


async def test_other_names_are_forwarded_once_and_kept() -> None:
    resolver = Resolver()
    async with _server(resolver) as server:
        first = await asyncio.gather(*(_udp(server, DNSRecord.question("example.org", "A")) for _ in range(5)))
        again = await _udp(server, DNSRecord.question("EXAMPLE.org", "A"))
    assert {str(answer.rr[0].rdata) for answer in [*first, again]} == {"198.51.100.1"}
    assert resolver.asked == 1


async def test_a_long_answer_is_truncated_for_udp_and_whole_by_tcp() -> None:
    async with _server(Resolver()) as server:
        question = DNSRecord.question("big.example.org", "A")
        cut = await _udp(server, question)
        whole = await _tcp(server, question)
    assert (cut.header.tc, len(cut.rr)) == (1, 0)
    assert len(whole.rr) == 60


async def test_a_silent_resolver_is_servfail() -> None:
    async with _server(Resolver(), patience=0.05) as server:
        answer = await _udp(server, DNSRecord.question("dead.example.org", "A"))
    assert answer.header.rcode == RCODE.SERVFAIL


async def test_a_resolver_whose_answer_makes_no_sense_is_asked_once_more() -> None:
    resolver = Resolver()
    resolver.garbled = 1
    async with _server(resolver) as server:
        answer = await _udp(server, DNSRecord.question("example.org", "A"))
        assert (str(answer.rr[0].rdata), resolver.asked) == ("198.51.100.1", 2)
        resolver.garbled = 9
        answer = await _udp(server, DNSRecord.question("other.example.org", "A"))
    assert (answer.header.rcode, resolver.asked) == (RCODE.SERVFAIL, 4)


async def test_garbage_and_answers_are_not_answered() -> None:
    async with _server(Resolver()) as server:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setblocking(False)
            client.connect((server.address, server.port))
            loop = asyncio.get_running_loop()
            response = DNSRecord.question("web.shop.svc.cluster.local").reply()
            for data in (b"", b"\x00", b"\xff" * 40, bytes(response.pack())):
                await loop.sock_sendall(client, data)
            await loop.sock_sendall(client, bytes(DNSRecord.question("web.shop.svc.cluster.local").pack()))
            async with asyncio.timeout(60):
                answer = DNSRecord.parse(await loop.sock_recv(client, 65535))
    assert str(answer.rr[0].rdata) == "10.96.0.20"
