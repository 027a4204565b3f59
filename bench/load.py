"""A generator of API requests, a process of its own: `python -m bench.load` reads a `Job` as JSON, writes a `Result`.

It shall not be the bottleneck, so it is a bare asyncio protocol on uvloop with prepared bytes: about 25 µs of CPU a
request, TLS included. One connection a client, each with one request under way at a time.
"""

import asyncio
import json
import random
import re
import ssl
import string
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import uvloop

from bench import etcd

_STAMP = re.compile(rb'"bench/at": ?"(\d+)"')
_CLOSE = b"0\r\n\r\n"


@dataclass(slots=True)
class Job:
    """`operation`: populate, create, get, list, watch, etcd-put or etcd-get. `namespace` is where its pods are: a
    `populate` makes `objects` of them, a `get` reads any of these. For a watch `clients` are watchers.
    """

    operation: str
    port: int
    clients: int = 1
    seconds: float = 1.0
    namespace: str = "bench"
    objects: int = 1
    ca: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(slots=True)
class Result:
    """`rate` is operations (events) a second; the rest are seconds; `errors` holds the first bad answer."""

    rate: float = 0.0
    times: list[float] = field(default_factory=list)
    error: str = ""


class Connection(asyncio.Protocol):
    """One kept-alive HTTP/1.1 connection with one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._status = 0
        self._head = b""
        self._left = -1  # bytes of the body to come; -1: before the end of the head, -2: chunked
        self._tail = b""
        self.body = bytearray()
        self.on_data: Callable[[bytes], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """Sends a request; the answer's status when its body is there."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._head, self._left, self._tail = b"", -1, b""
        self.body.clear()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        if self._left == -1:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end].lower(), self._head[end + 4 :]
            self._status = int(head[9:12])
            mark = head.find(b"content-length:")
            self._left = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else -2
        if self.on_data is not None:
            self.on_data(data)
        elif self._status >= 300:
            self.body += data
        if self._left >= 0:
            self._left -= len(data)
            if self._left <= 0:
                self._finish()
        else:
            self._tail = (self._tail + data[-5:])[-5:]
            if self._tail == _CLOSE:
                self._finish()

    def _finish(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server has closed the connection"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def pod(name: str, annotation: str = "") -> bytes:
    """A pod of about 2 KB once it is stored, as bytes."""
    variables = [{"name": f"SETTING_{number}", "value": f"value-{number}-" + "x" * 40} for number in range(8)]
    container = {
        "name": "main",
        "image": "registry.example.test/team/application:1.0",
        "command": ["/app/server", "--listen=:8080"],
        "env": variables,
        "ports": [{"name": "http", "containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    metadata = {"name": name, "labels": {"app": "bench", "tier": "load"}, "annotations": {"bench/at": annotation}}
    spec = {
        "containers": [container],
        "volumes": [{"name": "data", "emptyDir": {}}],
        "automountServiceAccountToken": False,
    }
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).encode()


def request(method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nUser-Agent: bench\r\n"
    if body:
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


class Load:
    """Runs one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._pods = f"/api/v1/namespaces/{job.namespace}/pods"
        self._run = "".join(random.choices(string.ascii_lowercase, k=8))
        self.result = Result()

    async def run(self) -> Result:
        job = self._job
        if job.operation.startswith("etcd-"):
            async with etcd.connected(job.port) as server:
                await self._repeat([self._etcd_steps(server, client) for client in range(job.clients)])
        elif job.operation == "watch":
            await self._watch()
        else:
            connections = [await self._connect() for _ in range(job.clients)]
            await self._repeat([self._steps(*each) for each in enumerate(connections)])
            for connection in connections:
                connection.close()
        return self.result

    async def _connect(self) -> Connection:
        job = self._job
        tls = ssl.create_default_context(cafile=job.ca)
        tls.load_cert_chain(job.certificate, job.key)
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", job.port, ssl=tls)
        return connection

    def _steps(self, client: int, connection: Connection) -> Iterator[Awaitable[Any]]:
        for data in self._requests(client):
            yield self._checked(connection, data)

    async def _checked(self, connection: Connection, data: bytes) -> None:
        status = await connection.ask(data)
        if status >= 300:
            raise RuntimeError(f"HTTP {status}: {bytes(connection.body[:300]).decode(errors='replace')}")

    def _requests(self, client: int) -> Iterator[bytes]:
        job = self._job
        if job.operation == "create":
            name = f"{self._run}-{client:03}-0000000"
            template = request("POST", self._pods, pod(name)).split(name.encode())
            assert len(template) == 2
            for number in range(10**7):
                yield f"{name[:-7]}{number:07}".encode().join(template)
        elif job.operation == "populate":
            for number in range(client, job.objects, job.clients):
                yield request("POST", self._pods, pod(existing(number)))
        elif job.operation == "get":
            names = random.Random(client)
            while True:
                yield request("GET", f"{self._pods}/{existing(names.randrange(job.objects))}")
        else:
            page = request("GET", self._pods)
            while True:
                yield page

    def _etcd_steps(self, server: etcd.Etcd, client: int) -> Iterator[Awaitable[Any]]:
        value = etcd_value()
        names = random.Random(client)
        for number in range(10**9):
            if self._job.operation == "etcd-put":
                yield server.put(f"/registry/pods/bench/{self._run}-{client:03}-{number:07}", value)
            else:
                yield server.get(etcd_key(names.randrange(self._job.objects)))

    async def _repeat(self, clients: list[Iterator[Awaitable[Any]]]) -> None:
        times = self.result.times
        began = time.perf_counter()
        end = began + (self._job.seconds if self._job.operation != "populate" else 600)

        async def work(steps: Iterator[Awaitable[Any]]) -> None:
            before = time.perf_counter()
            for step in steps:
                await step
                after = time.perf_counter()
                times.append(after - before)
                before = after
                if after > end:
                    return

        await asyncio.gather(*(work(steps) for steps in clients))
        self.result.rate = len(times) / (time.perf_counter() - began)

    async def _watch(self) -> None:
        """Watchers of one namespace, while two writers set an annotation to the time as fast as they can."""
        job, counts, times = self._job, [0] * self._job.clients, self.result.times
        watchers = [await self._connect() for _ in range(job.clients)]
        writers = [await self._connect() for _ in range(2)]

        def receive(index: int, data: bytes) -> None:
            now = time.monotonic_ns()
            for stamp in _STAMP.findall(data):
                counts[index] += 1
                times.append((now - int(stamp)) / 1e9)

        query = f"{self._pods}?watch=true&resourceVersion={await self._revision(writers[0])}"
        streams = []
        for index, watcher in enumerate(watchers):
            watcher.on_data = lambda data, index=index: receive(index, data)
            streams.append(watcher.ask(request("GET", query)))
        await asyncio.sleep(0.2)
        began = time.perf_counter()

        async def write(connection: Connection, number: int) -> None:
            path = f"{self._pods}/{existing(number)}"
            while time.perf_counter() < began + job.seconds:
                patch = b'{"metadata":{"annotations":{"bench/at":"%d"}}}' % time.monotonic_ns()
                await self._checked(connection, request("PATCH", path, patch, "application/merge-patch+json"))

        await asyncio.gather(*(write(connection, number) for number, connection in enumerate(writers)))
        self.result.rate = sum(counts) / (time.perf_counter() - began)
        for stream in streams:
            stream.cancel()
        for connection in (*watchers, *writers):
            connection.close()

    async def _revision(self, connection: Connection) -> str:
        found = bytearray()
        connection.on_data = found.extend
        await self._checked(connection, request("GET", f"{self._pods}?limit=1"))
        connection.on_data = None
        match = re.search(rb'"metadata":\{"?[^{}]*?"resourceVersion":"(\d+)"', bytes(found))
        if match is None:
            raise RuntimeError(f"no resourceVersion in {bytes(found[:200])!r}")
        return match[1].decode()


def existing(number: int) -> str:
    """The name of the pod of that number, as `populate` makes them."""
    return f"pod-{number:05}"


def etcd_key(number: int) -> str:
    return f"/registry/pods/bench/{existing(number)}"


def etcd_value() -> bytes:
    """As long as the stored pod: with what the API server adds to it."""
    return pod("bench") + b" " * 900


async def measure(job: Job) -> Result:
    """Runs a job in a process of its own. RuntimeError with the first bad answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.load", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(job.seconds + 120):
        output, _ = await process.communicate(json.dumps(asdict(job)).encode())
    if process.returncode:
        raise RuntimeError(f"the load generator failed at {job.operation} with {job.clients} clients")
    result = Result(**json.loads(output))
    if result.error:
        raise RuntimeError(f"{job.operation}, {job.clients} clients: {result.error}")
    return result


async def _main() -> None:
    load = Load(Job(**json.loads(sys.stdin.buffer.read())))
    try:
        await load.run()
    except (RuntimeError, OSError) as error:
        load.result.error = str(error) or repr(error)
    print(json.dumps(asdict(load.result)))


if __name__ == "__main__":
    uvloop.run(_main())
