"""pods/portforward: connections to a pod's ports, through its kubelet.

Three kinds of client: SPDY (piped through), SPDY tunnelled in a WebSocket (unwrapped and piped; what kubectl does
today), and the old WebSocket protocol with two channels for each port (translated).
"""

import contextlib
import struct

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_ws import WebSocketResponse

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.streaming import channels, dial, spdy
from pynetes.apimachinery.streaming.channels import Codec
from pynetes.apimachinery.streaming.duplex import StreamsDuplex, pipe
from pynetes.apis.names import PODS
from pynetes.apiserver.http import Answer, Request, Response, Upgrade
from pynetes.apiserver.objects import ObjectReader
from pynetes.apiserver.streaming import containers, websocket
from pynetes.apiserver.streaming.exec import PROTOCOL_HEADER, SPDY, relay
from pynetes.apiserver.streaming.kubelet import KubeletClient
from pynetes.apiserver.streaming.websocket import ChannelSocket, SocketDuplex
from pynetes.component.tasks import Tasks

PORT_FORWARD = "portforward.k8s.io"
TUNNEL_PREFIX = "SPDY/3.1+"


class PortForward:
    """Serves pods/portforward."""

    def __init__(self, objects: ObjectReader, kubelets: KubeletClient) -> None:
        self._objects = objects
        self._kubelets = kubelets

    async def connect(self, request: Request, namespace: str, name: str) -> Answer:
        pod = await self._objects.get(PODS, name, namespace)
        node = containers.node_of(pod)
        path = f"/portForward/{namespace}/{name}"
        if not websocket.is_websocket(request):
            if not websocket.is_upgrade(request):
                raise errors.bad_request("Upgrade request required")
            query = [("port", text) for text in request.query.get("ports", ())]
            return await relay(self._kubelets, request, node, path, query)
        offered = websocket.protocols_of(request)
        tunnel = next((protocol for protocol in offered if protocol.startswith(TUNNEL_PREFIX)), None)
        if tunnel is not None:
            return await self._tunnelled(node, path, tunnel)
        return await self._channels(request, node, path, offered)

    async def _dial(self, node: str, path: str, protocol: str) -> dial.Answer:
        headers = [("Connection", "Upgrade"), ("Upgrade", SPDY), (PROTOCOL_HEADER, protocol)]
        return await self._kubelets.upgrade(node, path, (), headers)

    async def _tunnelled(self, node: str, path: str, protocol: str) -> Answer:
        answer = await self._dial(node, path, protocol.removeprefix(TUNNEL_PREFIX))
        backend = answer.duplex
        if backend is None:
            return _refused(answer)

        async def run(raw: BaseRequest) -> StreamResponse:
            socket = await _accept(raw, protocol, backend)
            await pipe(SocketDuplex(socket), backend)
            return socket

        return Upgrade(run)

    async def _channels(self, request: Request, node: str, path: str, offered: list[str]) -> Answer:
        supported = (channels.V4, channels.V4_BASE64)
        protocol = channels.choose(offered, supported)
        if protocol is None:
            raise errors.bad_request("unable to upgrade: none of the offered WebSocket subprotocols is supported")
        ports = parse_ports(request.query.get("ports", []))
        answer = await self._dial(node, path, PORT_FORWARD)
        backend = answer.duplex
        if backend is None:
            return _refused(answer)

        async def run(raw: BaseRequest) -> StreamResponse:
            socket = await _accept(raw, protocol, backend)
            client = ChannelSocket(socket, Codec(protocol or channels.V4))
            async with spdy.Connection(backend, client=True) as connection:
                await serve_ports(client, connection, ports)
            await client.close()
            return socket

        return Upgrade(run)


async def _accept(raw: BaseRequest, protocol: str, backend: StreamsDuplex) -> WebSocketResponse:
    """The client's WebSocket; without it, the connection to the kubelet has nobody to end it."""
    try:
        return await websocket.accept(raw, protocol)
    except BaseException:
        await backend.close()
        raise


def parse_ports(texts: list[str]) -> list[int]:
    """`ports=80&ports=81,82`; 400 for what is no port."""
    if not texts:
        raise errors.bad_request('query parameter "ports" is required')
    ports = []
    for text in ",".join(texts).split(","):
        if not text.isdigit() or not 0 < int(text) < 1 << 16:
            raise errors.bad_request(f'unable to parse "{text}" as a port')
        ports.append(int(text))
    return ports


async def serve_ports(client: ChannelSocket, node: spdy.Connection, ports: list[int]) -> None:
    """Port i has channels 2i (data) and 2i+1 (error); each begins with the port's number, little-endian."""
    async with Tasks("portforward") as tasks:
        inputs: dict[int, spdy.Stream] = {}
        for index, port in enumerate(ports):
            headers = {"port": str(port), "requestid": str(index)}
            problem = await node.open({"streamtype": "error", **headers})
            await problem.close_write()
            data = await node.open({"streamtype": "data", **headers})
            number = struct.pack("<H", port)
            await client.send(2 * index, number)
            await client.send(2 * index + 1, number)
            inputs[2 * index] = data
            tasks.start(_copy(client, 2 * index, data), name=f"data-{port}")
            tasks.start(_copy(client, 2 * index + 1, problem), name=f"error-{port}")
        async for message in client.messages():
            stream = inputs.get(message.channel)
            if stream is not None:
                with contextlib.suppress(ConnectionError):
                    await stream.write(message.data)


async def _copy(client: ChannelSocket, channel: int, stream: spdy.Stream) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await stream.read():
            await client.send(channel, data)


def _refused(answer: dial.Answer) -> Response:
    """The kubelet's own words, as upstream's proxy passes them on."""
    if not answer.body:
        raise StatusError(answer.status, "", f"unable to upgrade connection: {answer.reason}")
    return Response(answer.status, answer.body, answer.headers.get("content-type", "text/plain; charset=utf-8"))
