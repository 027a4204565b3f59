"""exec and attach: a client's streams to a container, through the kubelet.

A client that speaks SPDY is piped through as it is. A WebSocket client (any of `channels.PROTOCOLS`) is translated to
SPDY towards the node, because container runtimes know no half-close of stdin over WebSockets.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from msgspec import Struct

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.streaming import channels, dial, spdy
from pynetes.apimachinery.streaming.channels import Codec
from pynetes.apimachinery.streaming.duplex import pipe
from pynetes.apis.names import PODS
from pynetes.apiserver.authentication.request_header import values
from pynetes.apiserver.http import Answer, Request, Response, Upgrade
from pynetes.apiserver.objects import ObjectReader
from pynetes.apiserver.streaming import containers, websocket
from pynetes.apiserver.streaming.kubelet import KubeletClient, Query
from pynetes.apiserver.streaming.takeover import switch_protocols
from pynetes.apiserver.streaming.websocket import ChannelSocket
from pynetes.component.tasks import Tasks

SPDY = "SPDY/3.1"
PROTOCOL_HEADER = "X-Stream-Protocol-Version"
#: What we speak towards kubelets, best first.
NODE_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")


class Options(Struct, frozen=True):
    """PodExecOptions and PodAttachOptions."""

    container: str = ""
    command: tuple[str, ...] = ()
    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False

    @classmethod
    def of(cls, request: Request) -> "Options":
        return cls(
            container=request.param("container"),
            command=tuple(request.query.get("command", ())),
            stdin=request.flag("stdin"),
            stdout=request.flag("stdout"),
            stderr=request.flag("stderr"),
            tty=request.flag("tty"),
        )

    def query(self) -> Query:
        """As a kubelet wants them."""
        flags = (("input", self.stdin), ("output", self.stdout), ("error", self.stderr), ("tty", self.tty))
        return [
            *((name, "1") for name, wanted in flags if wanted),
            *(("command", argument) for argument in self.command),
        ]


class Exec:
    """Serves pods/exec and pods/attach."""

    def __init__(self, objects: ObjectReader, kubelets: KubeletClient) -> None:
        self._objects = objects
        self._kubelets = kubelets

    async def exec(self, request: Request, namespace: str, name: str) -> Answer:
        return await self._serve(request, namespace, name, "exec")

    async def attach(self, request: Request, namespace: str, name: str) -> Answer:
        return await self._serve(request, namespace, name, "attach")

    async def _serve(self, request: Request, namespace: str, name: str, kind: str) -> Answer:
        options = Options.of(request)
        pod = await self._objects.get(PODS, name, namespace)
        container = containers.choose(pod, options.container)
        node = containers.node_of(pod)
        path = f"/{kind}/{namespace}/{name}/{container}"
        if websocket.is_websocket(request):
            return self._translated(request, node, path, options)
        if not websocket.is_upgrade(request):
            raise errors.bad_request("Upgrade request required")
        return await relay(self._kubelets, request, node, path, options.query())

    def _translated(self, request: Request, node: str, path: str, options: Options) -> Answer:
        protocol = channels.choose(websocket.protocols_of(request))
        if protocol is None:
            raise errors.bad_request("unable to upgrade: none of the offered WebSocket subprotocols is supported")
        codec = Codec(protocol or channels.PLAIN)
        headers = [("Connection", "Upgrade"), ("Upgrade", SPDY)]
        headers += [(PROTOCOL_HEADER, known) for known in NODE_PROTOCOLS]

        async def connect() -> dial.Answer:
            return await self._kubelets.upgrade(node, path, options.query(), headers)

        async def run(raw: BaseRequest) -> StreamResponse:
            response = await websocket.accept(raw, protocol)
            await serve_channels(ChannelSocket(response, codec), connect, options)
            return response

        return Upgrade(run)


async def relay(kubelets: KubeletClient, request: Request, node: str, path: str, query: Query) -> Answer:
    """Passes an upgrade on to the kubelet; if that accepts, bytes are piped from there on."""
    protocol = request.headers["Upgrade"]
    headers = [("Connection", "Upgrade"), ("Upgrade", protocol)]
    headers += [(PROTOCOL_HEADER, value) for value in values(request.headers, PROTOCOL_HEADER)]
    answer = await kubelets.upgrade(node, path, query, headers)
    backend = answer.duplex
    if backend is None:
        content_type = answer.headers.get("content-type", "text/plain; charset=utf-8")
        return Response(answer.status, answer.body, content_type, is_object=False)
    chosen = answer.headers.get(PROTOCOL_HEADER.lower())

    async def run(raw: BaseRequest) -> StreamResponse:
        try:
            response, client = await switch_protocols(raw, protocol, {PROTOCOL_HEADER: chosen} if chosen else {})
        except BaseException:
            await backend.close()
            raise
        await pipe(client, backend)
        return response

    return Upgrade(run)


async def serve_channels(
    client: ChannelSocket, connect: Callable[[], Awaitable[dial.Answer]], options: Options
) -> None:
    """Runs a WebSocket client's streams on a SPDY connection to the kubelet, until the command or the client ends."""
    try:
        answer = await connect()
        if answer.duplex is None:
            text = answer.body.decode(errors="replace").strip()
            raise errors.internal(f"unable to upgrade connection: {text or answer.reason}")
        async with spdy.Connection(answer.duplex, client=True) as node:
            await _Translation(client, node, options).run()
    except StatusError as error:
        await _send_status(client, error.status())
    except ConnectionError:
        await _send_status(client, errors.internal("error reading from error stream: connection lost").status())
    finally:
        await client.close()


class _Translation:
    """One command's streams."""

    def __init__(self, client: ChannelSocket, node: spdy.Connection, options: Options) -> None:
        self._client = client
        self._node = node
        self._options = options
        self._inputs: dict[int, spdy.Stream] = {}
        self._failure: ConnectionError | None = None

    async def run(self) -> None:
        """Raises ConnectionError if the node breaks off before it told how the command ended."""
        error = await self._open("error")
        if self._options.stdin:
            self._inputs[channels.STDIN] = await self._open("stdin")
        outputs = []
        if self._options.stdout:
            outputs.append((channels.STDOUT, await self._open("stdout")))
        if self._options.stderr and not self._options.tty:
            outputs.append((channels.STDERR, await self._open("stderr")))
        if self._options.tty:
            self._inputs[channels.RESIZE] = await self._open("resize")
        await self._greet()
        async with Tasks("exec") as tasks:
            reading = tasks.start(self._read_client(), name="client")
            running = {tasks.start(self._copy(channel, stream), name="output") for channel, stream in outputs}
            running.add(tasks.start(self._finish(error), name="status"))
            while running and not reading.done():
                await asyncio.wait({reading, *running}, return_when=asyncio.FIRST_COMPLETED)
                running = {task for task in running if not task.done()}
        if self._failure is not None:
            raise self._failure

    async def _open(self, kind: str) -> spdy.Stream:
        stream = await self._node.open({"streamtype": kind})
        await stream.replied()
        return stream

    async def _greet(self) -> None:
        """An empty message on the lowest output tells WebSocket clients that the command runs."""
        if self._client.codec.protocol == channels.V5:
            return
        lowest = next(
            (c for c, on in ((channels.STDOUT, self._options.stdout), (channels.STDERR, self._options.stderr)) if on),
            channels.ERROR,
        )
        await self._client.send(lowest, b"")

    async def _read_client(self) -> None:
        """The client's messages to the node's streams, until the client is gone."""
        async for message in self._client.messages():
            stream = self._inputs.get(message.channel)
            if stream is None:
                continue
            try:
                if message.closes:
                    await stream.close_write()
                else:
                    await stream.write(message.data)
            except ConnectionError:
                # The command reads no more; how it ended is still to come.
                del self._inputs[message.channel]

    async def _copy(self, channel: int, stream: spdy.Stream) -> None:
        try:
            while data := await stream.read():
                await self._client.send(channel, data)
        except ConnectionError:
            return

    async def _finish(self, error: spdy.Stream) -> None:
        """Passes on how the command ended, or remembers that the node broke off without telling.

        containerd closes the connection after the status without ending the stream, which is no failure.
        """
        parts: list[bytes] = []
        try:
            while part := await error.read():
                parts.append(part)
        except ConnectionError as problem:
            if not parts:
                self._failure = problem
                return
        text = b"".join(parts)
        if text and not self._client.codec.has_status:
            text = _failure(text).encode()
        if text:
            with contextlib.suppress(ConnectionError):
                await self._client.send(channels.ERROR, text)


def _failure(text: bytes) -> str:
    """What clients of the old protocols are told: the message of a failure, nothing for success."""
    try:
        status = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.decode(errors="replace")
    if not isinstance(status, dict) or status.get("status") == "Success":
        return ""
    return str(status.get("message") or "")


async def _send_status(client: ChannelSocket, status: dict[str, Any]) -> None:
    try:
        if client.codec.has_status:
            await client.send(channels.ERROR, orjson.dumps(status))
        else:
            await client.send(channels.ERROR, str(status.get("message") or "").encode())
    except ConnectionError:
        # The client went away first.
        return
