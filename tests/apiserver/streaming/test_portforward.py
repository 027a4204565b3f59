"""portforward over the old WebSocket protocol, and what is refused."""

import struct

import aiohttp
import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.streaming import channels
from pynetes.apiserver.endpoints.subresources.connect import options
from pynetes.apiserver.http import Request
from pynetes.apiserver.streaming.portforward import parse_ports
from pynetes.component import certificates

from .conftest import Cluster

PATH = "/api/v1/namespaces/default/pods/p/portforward"


async def test_each_port_has_two_channels_that_begin_with_its_number(cluster: Cluster) -> None:
    tls = certificates.client_context(cluster.pki.ca.certificate)
    found: dict[int, bytes] = {}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{cluster.url}{PATH}?ports=80&ports=81", ssl=tls, protocols=[channels.V4]) as socket,
    ):
        await socket.send_bytes(b"\x00one")
        await socket.send_bytes(b"\x02two")
        while len(found.get(0, b"")) < 8 or len(found.get(2, b"")) < 8:
            message = (await socket.receive()).data
            found[message[0]] = found.get(message[0], b"") + message[1:]
    assert found[0] == struct.pack("<H", 80) + b"80 ONE"
    assert found[2] == struct.pack("<H", 81) + b"81 TWO"
    assert found[1] == struct.pack("<H", 80)
    assert found[3] == struct.pack("<H", 81)


@pytest.mark.parametrize("texts", [[], ["x"], ["0"], ["70000"], ["80,"]])
def test_what_is_no_port_is_refused(texts: list[str]) -> None:
    with pytest.raises(StatusError):
        parse_ports(texts)


def test_ports_may_be_joined_by_commas() -> None:
    assert parse_ports(["80", "81,82"]) == [80, 81, 82]
    assert options(request("80", "81,82"), "PodPortForwardOptions") == {"ports": [80, 81, 82]}


@pytest.mark.parametrize(("text", "why"), [("80,", "invalid syntax"), ("80,70000", "value out of range")])
def test_admission_is_not_asked_about_what_is_no_port(text: str, why: str) -> None:
    with pytest.raises(StatusError, match=f"cannot convert to .*{why}"):
        options(request(text), "PodPortForwardOptions")


def request(*ports: str) -> Request:
    async def no_body() -> bytes:
        return b""

    return Request("GET", PATH, {"ports": list(ports)}, {}, no_body)
