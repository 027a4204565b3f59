"""Channels of WebSockets."""

import pytest

from pynetes.apimachinery.streaming import channels
from pynetes.apimachinery.streaming.channels import Codec, Message, MessageError


@pytest.mark.parametrize("protocol", channels.PROTOCOLS)
@pytest.mark.parametrize("data", [b"", b"hello", bytes(range(256))])
def test_messages_survive(protocol: str, data: bytes) -> None:
    codec = Codec(protocol)
    message = codec.encode(channels.STDOUT, data)
    assert isinstance(message, str) is ("base64" in protocol)
    assert codec.decode(message) == Message(channels.STDOUT, data)


def test_only_v5_knows_the_close_signal() -> None:
    assert Codec(channels.V5).decode(b"\xff\x00") == Message(channels.STDIN, closes=True)
    assert Codec(channels.V4).decode(b"\xff\x00") == Message(255, b"\x00")


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        (channels.V4, b""),
        (channels.V5, b"\xff"),
        (channels.PLAIN_BASE64, "x"),
        (channels.PLAIN_BASE64, "1***"),
    ],
)
def test_broken_messages_are_refused(protocol: str, message: bytes | str) -> None:
    with pytest.raises(MessageError):
        Codec(protocol).decode(message)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ([], ""),
        (["v5.channel.k8s.io"], "v5.channel.k8s.io"),
        (["x", "v4.channel.k8s.io", "v5.channel.k8s.io"], "v4.channel.k8s.io"),
        (["x"], None),
    ],
)
def test_the_clients_first_known_protocol_is_chosen(offered: list[str], chosen: str | None) -> None:
    assert channels.choose(offered) == chosen
