"""exec and attach: WebSocket clients translated, SPDY clients piped, errors told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from pynetes.apimachinery.streaming import channels, dial, spdy
from pynetes.apimachinery.streaming.channels import Codec
from pynetes.component import certificates

from .conftest import SUCCESS, Cluster, pod

PATH = "/api/v1/namespaces/default/pods/p/exec"


@asynccontextmanager
async def websocket(cluster: Cluster, query: str, protocol: str, path: str = PATH) -> AsyncIterator[Any]:
    tls = certificates.client_context(cluster.pki.ca.certificate)
    protocols = (protocol,) if protocol else ()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{cluster.url}{path}?{query}", ssl=tls, protocols=protocols) as socket,
    ):
        yield socket


async def collect(socket: Any, codec: Codec) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    async for message in socket:
        decoded = codec.decode(message.data)
        found[decoded.channel] = found.get(decoded.channel, b"") + decoded.data
    return found


@pytest.mark.parametrize("protocol", channels.PROTOCOLS)
async def test_output_and_status_come_on_their_channels(cluster: Cluster, protocol: str) -> None:
    async with websocket(cluster, "stdout=1&stderr=1&command=both", protocol) as socket:
        assert socket.protocol == protocol
        found = await collect(socket, Codec(protocol))
    status = found.pop(channels.ERROR, b"")
    assert found == {channels.STDOUT: b"out\n", channels.STDERR: b"err\n"}
    assert (orjson.loads(status) == SUCCESS) if protocol.startswith("v") else status == b""
    assert cluster.kubelet.calls[-1].client == "kube-apiserver-kubelet-client"
    assert cluster.kubelet.calls[-1].path == "/exec/default/p/main"


async def test_v5_half_closes_stdin_so_that_cat_ends(cluster: Cluster) -> None:
    payload = bytes(range(256)) * 4096
    async with websocket(cluster, "stdin=1&stdout=1&command=cat", channels.V5) as socket:
        for start in range(0, len(payload), 32768):
            await socket.send_bytes(b"\x00" + payload[start : start + 32768])
        await socket.send_bytes(bytes((channels.CLOSE, channels.STDIN)))
        found = await collect(socket, Codec(channels.V5))
    assert found[channels.STDOUT] == payload
    assert orjson.loads(found[channels.ERROR]) == SUCCESS


async def test_the_terminals_size_reaches_the_container(cluster: Cluster) -> None:
    async with websocket(cluster, "stdin=1&stdout=1&stderr=1&tty=1&command=size", channels.V5) as socket:
        await socket.send_bytes(b'\x04{"Width":80,"Height":24}')
        found = await collect(socket, Codec(channels.V5))
    assert found[channels.STDOUT] == b'{"Width":80,"Height":24}'


async def test_the_exit_code_is_told_in_a_status_or_in_words(cluster: Cluster) -> None:
    for protocol in (channels.V5, channels.PLAIN):
        async with websocket(cluster, "stdout=1&command=exit&command=3", protocol) as socket:
            found = await collect(socket, Codec(protocol))
        if protocol == channels.V5:
            assert orjson.loads(found[channels.ERROR])["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
        else:
            assert found[channels.ERROR] == b"command terminated with non-zero exit code: exit status 3"


async def test_a_kubelets_refusal_comes_on_the_error_channel(cluster: Cluster) -> None:
    cluster.kubelet.refuse = (404, 'container not found ("main")')
    async with websocket(cluster, "stdout=1&command=both", channels.V5) as socket:
        found = await collect(socket, Codec(channels.V5))
    status = orjson.loads(found[channels.ERROR])
    assert status["message"] == 'Internal error occurred: unable to upgrade connection: container not found ("main")'
    assert status["code"] == 500


async def test_a_node_that_breaks_off_is_an_error_and_not_a_success(cluster: Cluster) -> None:
    async with websocket(cluster, "stdout=1&command=die", channels.V5) as socket:
        found = await collect(socket, Codec(channels.V5))
    assert orjson.loads(found[channels.ERROR])["status"] == "Failure"


async def test_a_node_that_closes_after_the_status_has_told_the_status(cluster: Cluster) -> None:
    async with websocket(cluster, "stdout=1&command=leave", channels.V5) as socket:
        found = await collect(socket, Codec(channels.V5))
    assert orjson.loads(found[channels.ERROR]) == SUCCESS


async def test_a_client_that_leaves_ends_the_command(cluster: Cluster) -> None:
    async with websocket(cluster, "stdin=1&stdout=1", channels.V5, PATH.replace("exec", "attach")) as socket:
        await socket.send_bytes(b"\x00hello")
        assert (await socket.receive()).data == b"\x01hello"
    assert cluster.kubelet.calls[-1].path == "/attach/default/p/main"


@asynccontextmanager
async def spdy_client(cluster: Cluster, query: str) -> AsyncIterator[spdy.Connection]:
    headers = [
        ("Host", "x"),
        ("Connection", "Upgrade"),
        ("Upgrade", "SPDY/3.1"),
        ("X-Stream-Protocol-Version", "v4.channel.k8s.io"),
        ("Content-Length", "0"),
    ]
    tls = certificates.client_context(cluster.pki.ca.certificate)
    answer = await dial.dial("127.0.0.1", cluster.port, "POST", f"{PATH}?{query}", headers, tls=tls)
    assert answer.duplex is not None
    assert answer.headers["x-stream-protocol-version"] == "v4.channel.k8s.io"
    async with spdy.Connection(answer.duplex, client=True) as connection:
        yield connection


async def test_spdy_clients_are_piped_through(cluster: Cluster) -> None:
    payload = b"x" * (1 << 20)
    async with spdy_client(cluster, "stdin=1&stdout=1&command=cat") as connection:
        error = await connection.open({"streamtype": "error"})
        stdin = await connection.open({"streamtype": "stdin"})
        stdout = await connection.open({"streamtype": "stdout"})

        async def send() -> None:
            await stdin.write(payload)
            await stdin.close_write()

        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            assert await stdout.read_all() == payload
        assert orjson.loads(await error.read_all()) == SUCCESS


async def get(cluster: Cluster, path: str, **headers: str) -> tuple[int, Any]:
    tls = certificates.client_context(cluster.pki.ca.certificate)
    async with aiohttp.ClientSession() as session, session.get(cluster.url + path, ssl=tls, headers=headers) as answer:
        return answer.status, orjson.loads(await answer.read())


async def test_requests_that_cannot_be_served_are_refused_in_upstreams_words(cluster: Cluster) -> None:
    cluster.objects.add("pods", pod("two", "a", "b"))
    cluster.objects.add("pods", pod("waiting", node=""))
    cases = {
        "p/exec?command=x": (400, "Upgrade request required"),
        "p/exec?container=zz": (400, "container zz is not valid for pod p"),
        "two/exec?command=x": (400, "a container name must be specified for pod two, choose one of: [a b]"),
        "waiting/exec?command=x": (400, "pod waiting does not have a host assigned"),
        "gone/exec?command=x": (404, 'pods "gone" not found'),
    }
    for path, expected in cases.items():
        status, body = await get(cluster, f"/api/v1/namespaces/default/pods/{path}")
        assert (status, body["message"]) == expected


async def test_unknown_subprotocols_are_refused(cluster: Cluster) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
        async with websocket(cluster, "stdout=1&command=both", "v9.example.com"):
            pass
