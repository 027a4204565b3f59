"""A kubelet that plays containers, and an API server's edge with nothing but the streaming subresources behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.streaming import spdy
from pynetes.apimachinery.streaming.duplex import StreamsDuplex
from pynetes.apiserver.edge.serving import Edge
from pynetes.apiserver.http import Answer, Request, Response
from pynetes.apiserver.streaming.exec import Exec
from pynetes.apiserver.streaming.kubelet import KubeletClient, KubeletSettings
from pynetes.apiserver.streaming.log import Log
from pynetes.apiserver.streaming.portforward import PortForward
from pynetes.apiserver.streaming.proxy import Proxy
from pynetes.component import certificates, pki
from pynetes.component.pki import PKI

SUCCESS = {"metadata": {}, "status": "Success"}


class Objects:
    """Objects in a dict."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str, str], dict[str, Any]] = {}

    def add(self, plural: str, obj: dict[str, Any]) -> None:
        metadata = obj["metadata"]
        self.found[plural, metadata.get("namespace", ""), metadata["name"]] = obj

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> dict[str, Any]:
        try:
            return self.found[gvr.resource, namespace or "", name]
        except KeyError:
            raise errors.not_found(gvr.group_resource, name) from None

    def cached_get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        return self.found.get((gvr.resource, namespace or "", name))

    def cached_list(self, gvr: GroupVersionResource, namespace: str | None = None) -> list[dict[str, Any]]:
        return [
            obj for (plural, ns, _), obj in self.found.items() if plural == gvr.resource and namespace in (None, ns)
        ]


@dataclass
class Call:
    """A request as the kubelet saw it."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    client: str


@dataclass
class Kubelet:
    """Speaks HTTP/1.1 and SPDY/3.1 over TLS; `cat`, `exit N`, `both`, `size`, `die` are its commands."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)
    log: bytes = b"line 1\nline 2\n"
    refuse: tuple[int, str] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers: dict[str, str] = {}
            for name, value in (line.split(": ", 1) for line in head[1:] if line):
                headers[name.lower()] = ", ".join(filter(None, (headers.get(name.lower()), value)))
            url = urlsplit(target)
            subject = dict(pair[0] for pair in writer.get_extra_info("ssl_object").getpeercert()["subject"])
            call = Call(method, url.path, parse_qsl(url.query), headers, subject["commonName"])
            self.calls.append(call)
            await self._answer(call, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse is not None:
            code, text = self.refuse
            writer.write(f"HTTP/1.1 {code} No\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
            await writer.drain()
        elif call.path.startswith("/containerLogs"):
            length = len(self.log)
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode() + self.log)
            await writer.drain()
        elif call.headers.get("upgrade") == "SPDY/3.1":
            protocol = call.headers["x-stream-protocol-version"]
            protocol = "v4.channel.k8s.io" if "v4.channel.k8s.io" in protocol else protocol
            writer.write(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                f"X-Stream-Protocol-Version: {protocol}\r\n\r\n".encode()
            )
            async with spdy.Connection(StreamsDuplex(reader, writer), client=False) as connection:
                await (self._forward if call.path.startswith("/portForward") else self._run)(call, connection)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()

    async def _run(self, call: Call, connection: spdy.Connection) -> None:
        flags = dict(call.query)
        wanted = {"error"} | {n for n, p in (("stdin", "input"), ("stdout", "output")) if p in flags}
        wanted |= {"resize"} if "tty" in flags else {"stderr"} if "error" in flags else set()
        streams: dict[str, spdy.Stream] = {}
        while set(streams) != wanted:
            stream = await connection.accept()
            if stream is None:
                return
            await stream.reply()
            streams[stream.headers["streamtype"]] = stream
        command = [value for key, value in call.query if key == "command"] or ["cat"]
        status = await self._play(command, streams)
        for kind in ("stdout", "stderr"):
            if kind in streams:
                await streams[kind].close_write()
        if status is not None:
            await streams["error"].write(orjson.dumps(status))
            if command != ["leave"]:  # containerd closes the connection and does not end the stream
                await streams["error"].close_write()

    async def _play(self, command: list[str], streams: dict[str, spdy.Stream]) -> dict[str, Any] | None:
        match command:
            case ["cat"]:
                while data := await streams["stdin"].read():
                    await streams["stdout"].write(data)
            case ["both"]:
                await streams["stdout"].write(b"out\n")
                await streams["stderr"].write(b"err\n")
            case ["size"]:
                await streams["stdout"].write(await streams["resize"].read())
            case ["die"]:
                return None
            case ["exit", code]:
                text = f"command terminated with non-zero exit code: exit status {code}"
                causes = [{"reason": "ExitCode", "message": code}]
                return {
                    "metadata": {},
                    "status": "Failure",
                    "message": text,
                    "reason": "NonZeroExitCode",
                    "details": {"causes": causes},
                }
        return SUCCESS

    async def _forward(self, call: Call, connection: spdy.Connection) -> None:
        """Answers on every port with the port's number and what it was sent, in capitals."""

        async def serve_port(data: spdy.Stream, problem: spdy.Stream) -> None:
            request = await data.read()
            await data.write(data.headers["port"].encode() + b" " + request.upper())
            await data.close_write()
            await problem.close_write()

        waiting: dict[str, spdy.Stream] = {}
        async with asyncio.TaskGroup() as group:
            while (stream := await connection.accept()) is not None:
                await stream.reply()
                other = waiting.pop(stream.headers["requestid"], None)
                if other is None:
                    waiting[stream.headers["requestid"]] = stream
                else:
                    pair = {s.headers["streamtype"]: s for s in (stream, other)}
                    group.create_task(serve_port(pair["data"], pair["error"]))


@dataclass
class Cluster:
    url: str
    port: int
    pki: PKI
    objects: Objects
    kubelet: Kubelet


def pod(name: str = "p", *containers: str, node: str = "n1") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "uid": "u"},
        "spec": {"nodeName": node, "containers": [{"name": c, "image": "i"} for c in containers or ("main",)]},
        "status": {"phase": "Running", "podIPs": [{"ip": "192.0.2.1"}]},
    }


def router(objects: Objects, kubelets: KubeletClient) -> Callable[[Request], Awaitable[Answer]]:
    """The paths that kubectl needs, and the streaming subresources."""
    execs, logs = Exec(objects, kubelets), Log(objects, kubelets)
    forward, proxy = PortForward(objects, kubelets), Proxy(objects, kubelets)
    serve = {"exec": execs.exec, "attach": execs.attach, "log": logs.get, "portforward": forward.connect}

    async def route(request: Request) -> Answer:
        parts = request.path.strip("/").split("/")
        if request.path in _DISCOVERY:
            return Response(200, orjson.dumps(_DISCOVERY[request.path]))
        if parts[:3] == ["api", "v1", "nodes"] and parts[4:5] == ["proxy"]:
            return await proxy.node(request, parts[3])
        _, _, _, namespace, plural, name, *rest = parts
        if not rest:
            found = objects.found.get((plural, namespace, name))
            if found is None:
                raise errors.not_found(plural, name)
            return Response(200, orjson.dumps(found))
        if rest[0] == "proxy":
            serve_proxy = proxy.pod if plural == "pods" else proxy.service
            return await serve_proxy(request, namespace, name)
        return await serve[rest[0]](request, namespace, name)

    async def handle(request: Request) -> Answer:
        try:
            return await route(request)
        except StatusError as error:
            return Response(error.code, orjson.dumps(error.status()))

    return handle


_PODS = {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get"], "shortNames": []}
_DISCOVERY = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [_PODS]},
}


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = pki.ensure(tmp_path / "pki", nodes=(pki.Node("n1", ("127.0.0.1",)),))
    kubelet, objects = Kubelet(), Objects()
    serving = made.kubelet_server("n1")
    tls = certificates.server_context(serving.certificate, serving.key, [made.ca.certificate])
    server = await asyncio.start_server(kubelet.serve, "127.0.0.1", 0, ssl=tls)
    kubelet.port = server.sockets[0].getsockname()[1]
    endpoint = {"kubeletEndpoint": {"Port": kubelet.port}}
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
    status = {"addresses": addresses, "daemonEndpoints": endpoint}
    objects.add("nodes", {"metadata": {"name": "n1"}, "status": status})
    objects.add("pods", pod())
    client = made.apiserver_kubelet_client
    settings = KubeletSettings(client.certificate, client.key, made.ca.certificate)
    async with server, KubeletClient(objects, settings) as kubelets:
        edge = Edge(
            router(objects, kubelets),
            host="127.0.0.1",
            port=0,
            tls=certificates.server_context(made.apiserver.certificate, made.apiserver.key),
            max_body_bytes=1 << 20,
            shutdown_grace=1.0,
        )
        async with edge:
            yield Cluster(f"https://127.0.0.1:{edge.port}", edge.port, made, objects, kubelet)
