"""SPDY/3.1: frames, the session's rules, and streams over a connection."""

import asyncio
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynetes.apimachinery.streaming import spdy, spdy_frames, spdy_session
from pynetes.apimachinery.streaming.duplex import StreamsDuplex, pipe
from pynetes.apimachinery.streaming.spdy_frames import Decoder, Encoder, Frame, ProtocolError

FRAMES: list[Frame] = [
    spdy_frames.SynStream(1, {"streamtype": "error", "x": ""}, fin=True, priority=3),
    spdy_frames.SynReply(1, {}),
    spdy_frames.Data(1, b"hello"),
    spdy_frames.Data(1, b"", fin=True),
    spdy_frames.MoreHeaders(3, {"a": "ä"}, fin=True),
    spdy_frames.Reset(3, spdy_frames.ResetStatus.CANCEL),
    spdy_frames.Settings(((4, 100), (7, 65536))),
    spdy_frames.Ping(7),
    spdy_frames.GoAway(5, 0),
    spdy_frames.WindowUpdate(1, 4096),
    spdy_frames.SynStream(5, {"streamtype": "stdin"}, unidirectional=True),
]


def test_the_dictionary_is_the_protocols() -> None:
    assert zlib.adler32(spdy_frames.DICTIONARY) == 0xE3C6A7C2


@given(st.lists(st.integers(1, 40), max_size=60))
def test_frames_survive_the_wire_however_it_cuts_them(cuts: list[int]) -> None:
    encoder, decoder = Encoder(), Decoder()
    data = b"".join(encoder.encode(frame) for frame in FRAMES)
    found: list[Frame] = []
    for size in cuts:
        found += decoder.feed(data[:size])
        data = data[size:]
    found += decoder.feed(data)
    assert found == FRAMES


def test_known_bytes_of_a_ping_and_a_data_frame() -> None:
    encoder = Encoder()
    assert encoder.encode(spdy_frames.Ping(1)).hex() == "800300060000000400000001"
    assert encoder.encode(spdy_frames.Data(3, b"ab", fin=True)).hex() == "0000000301000002" + b"ab".hex()


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("800200060000000400000001"),
        bytes.fromhex("80030006000000020000"),
        bytes.fromhex("800300010000000400000001"),
        bytes.fromhex("800300010000000e00000001000000000000deadbeef"),
    ],
    ids=["other version", "short ping", "short open", "bad compression"],
)
def test_garbage_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(Decoder().feed(data))


def test_unknown_control_frames_are_ignored() -> None:
    assert list(Decoder().feed(bytes.fromhex("80030011000000020000"))) == []


def exchange(sender: spdy_session.Session, receiver: spdy_session.Session) -> list[spdy_session.Event]:
    return receiver.receive(sender.outgoing())


def test_a_stream_ends_when_both_sides_ended_it() -> None:
    client, server = spdy_session.Session(client=True), spdy_session.Session(client=False)
    stream = client.open_stream({"streamtype": "stdin"})
    assert exchange(client, server) == [spdy_session.StreamOpened(1, {"streamtype": "stdin"})]
    server.reply(stream)
    assert exchange(server, client) == [spdy_session.StreamReplied(1, {})]
    assert client.send(stream, b"in", fin=True)
    assert not client.send(stream, b"more")
    assert exchange(client, server) == [spdy_session.DataReceived(1, b"in"), spdy_session.StreamEnded(1)]
    assert server.send(stream, b"out", fin=True)
    assert exchange(server, client) == [spdy_session.DataReceived(1, b"out"), spdy_session.StreamEnded(1)]
    assert not server.send(stream, b"late")


def test_large_writes_are_cut_into_frames_and_no_window_update_is_ever_sent() -> None:
    client, server = spdy_session.Session(client=True), spdy_session.Session(client=False)
    stream = client.open_stream({})
    client.send(stream, b"x" * 100_000)
    frames = list(Decoder().feed(client.outgoing()))
    assert [len(f.data) for f in frames if isinstance(f, spdy_frames.Data)] == [32768, 32768, 32768, 1696]
    server.receive(Encoder().encode(spdy_frames.SynStream(1)))
    server.receive(Encoder().encode(spdy_frames.WindowUpdate(1, 10)))
    assert server.outgoing() == b""


def test_pings_are_answered_and_answers_recognized() -> None:
    client, server = spdy_session.Session(client=True), spdy_session.Session(client=False)
    sent = client.ping()
    assert exchange(client, server) == []
    assert exchange(server, client) == [spdy_session.PingAnswered(sent)]
    assert client.outgoing() == b""


def test_a_peer_may_not_open_our_streams_or_go_back() -> None:
    server = spdy_session.Session(client=False)
    encoder = Encoder()
    server.receive(encoder.encode(spdy_frames.SynStream(5)))
    for wrong in (2, 3):
        with pytest.raises(ProtocolError):
            server.receive(encoder.encode(spdy_frames.SynStream(wrong)))


def test_data_after_the_end_resets_the_stream_and_data_of_gone_streams_is_dropped() -> None:
    server = spdy_session.Session(client=False)
    encoder = Encoder()
    server.receive(encoder.encode(spdy_frames.SynStream(1, fin=True)))
    assert server.receive(encoder.encode(spdy_frames.Data(1, b"x"))) == [spdy_session.StreamReset(1, 9)]
    assert server.receive(encoder.encode(spdy_frames.Data(1, b"x"))) == []


async def duplexes() -> tuple[StreamsDuplex, StreamsDuplex, asyncio.Server]:
    accepted: asyncio.Future[StreamsDuplex] = asyncio.get_running_loop().create_future()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.set_result(StreamsDuplex(reader, writer))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    return StreamsDuplex(reader, writer), await accepted, server


async def test_streams_carry_megabytes_both_ways_and_half_close() -> None:
    one, other, listener = await duplexes()
    payload = bytes(range(256)) * 8192
    async with listener, spdy.Connection(one, client=True) as client, spdy.Connection(other, client=False) as server:
        stream = await client.open({"streamtype": "data"})
        incoming = await server.accept()
        assert incoming is not None
        await incoming.reply()
        await stream.replied()

        async def echo() -> None:
            await incoming.write(await incoming.read_all())
            await incoming.close_write()

        async with asyncio.TaskGroup() as group:
            group.create_task(echo())
            await stream.write(payload)
            await stream.close_write()
            assert await stream.read_all() == payload


async def test_an_unread_stream_holds_its_sender_back() -> None:
    one, other, listener = await duplexes()
    async with listener, spdy.Connection(one, client=True) as client, spdy.Connection(other, client=False) as server:
        stream = await client.open({})
        incoming = await server.accept()
        assert incoming is not None
        sent = asyncio.Event()

        async def send() -> None:
            await stream.write(b"x" * (64 << 20))
            sent.set()

        async with asyncio.TaskGroup() as group:
            sender = group.create_task(send())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await sent.wait()
            assert len(await incoming.read()) > 0
            sender.cancel()


async def test_the_end_of_a_connection_breaks_off_its_streams() -> None:
    one, other, listener = await duplexes()
    async with listener, spdy.Connection(one, client=True) as client:
        stream = await client.open({})
        await other.close()
        with pytest.raises(spdy.StreamResetError):
            await stream.read()
        assert await client.accept() is None
        with pytest.raises(spdy.StreamResetError):
            await client.open({})


async def test_a_reset_reaches_the_peers_reader() -> None:
    one, other, listener = await duplexes()
    async with listener, spdy.Connection(one, client=True) as client, spdy.Connection(other, client=False) as server:
        stream = await client.open({})
        incoming = await server.accept()
        assert incoming is not None
        await incoming.reset(spdy_frames.ResetStatus.REFUSED_STREAM)
        with pytest.raises(spdy.StreamResetError, match="status 3"):
            await stream.read()


async def test_a_pipe_copies_both_ways_until_one_side_ends() -> None:
    one, middle_one, listener_one = await duplexes()
    other, middle_other, listener_other = await duplexes()
    async with listener_one, listener_other, asyncio.TaskGroup() as group:
        piping = group.create_task(pipe(middle_one, middle_other))
        await one.write(b"question")
        assert await other.read() == b"question"
        await other.write(b"answer")
        assert await one.read() == b"answer"
        await other.close()
        assert await one.read() == b""
        await piping
        await one.close()
