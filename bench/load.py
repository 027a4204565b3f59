"""A generator of API requests, a process of its own: `python -m bench.load` reads a `Job` as JSON, writes a `Result`.

It shall not be the bottleneck, so it is a bare asyncio protocol on uvloop with prepared bytes (`bench.requests`): about
25 µs of CPU a request, TLS included. One connection a client, each with one request under way at a time.
"""

import asyncio
import json
import random
import re
import ssl
import string
import sys
import time
from collections.abc import Awaitable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop

from bench import etcd, requests
from bench.connection import Connection
from bench.processes import cpu_seconds

_STAMP = re.compile(rb'"bench/at": ?"(\d+)"')
#: Watchers that look at the times in their events; the others only count them, which costs the generator less.
_TIMED_WATCHERS = 16


@dataclass(slots=True)
class Job:
    """`operation`: one of `requests.OPERATIONS`, watch, etcd-put or etcd-get. `namespace` is where its objects are: a
    `populate` makes `objects` pods there, a `get` reads any of these. For a watch `clients` are watchers.
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
    pids: list[int] = field(default_factory=list)
    """The server's processes, whose CPU time is measured."""


@dataclass(slots=True)
class Result:
    """`rate` is operations (events) a second, `cpu` the server's CPU seconds for each; `times` are seconds; `error` is
    the first bad answer."""

    rate: float = 0.0
    cpu: float = 0.0
    times: list[float] = field(default_factory=list)
    error: str = ""


class Load:
    """Runs one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._run = "".join(random.choices(string.ascii_lowercase, k=8))
        self._tls = ssl.create_default_context(cafile=job.ca) if job.ca else None
        if self._tls is not None:
            self._tls.load_cert_chain(job.certificate, job.key)
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
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, "127.0.0.1", self._job.port, ssl=self._tls)
        return connection

    def _steps(self, client: int, connection: Connection) -> Iterator[Awaitable[Any]]:
        job = self._job
        place = requests.Place(client, job.clients, self._run, job.namespace, job.objects)
        return map(connection.checked, requests.OPERATIONS[job.operation](place))

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
        began, cpu = time.perf_counter(), self._cpu()
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
        self._note(len(times), time.perf_counter() - began, self._cpu() - cpu)

    def _cpu(self) -> float:
        return sum(map(cpu_seconds, self._job.pids))

    def _note(self, count: int, seconds: float, cpu: float) -> None:
        self.result.rate = count / seconds
        self.result.cpu = cpu / max(1, count)

    async def _watch(self) -> None:
        """Watchers of one namespace, while two writers set an annotation to the time as fast as they can."""
        job, counts, times = self._job, [0] * self._job.clients, self.result.times
        watchers = [await self._connect() for _ in range(job.clients)]
        writers = [await self._connect() for _ in range(2)]

        def receive(index: int, data: bytes) -> None:
            if index < _TIMED_WATCHERS:
                now = time.monotonic_ns()
                times.extend((now - int(stamp)) / 1e9 for stamp in _STAMP.findall(data))
            counts[index] += data.count(b'"bench/at"')

        path = f"/api/v1/namespaces/{job.namespace}/pods"
        query = f"{path}?watch=true&resourceVersion={await _revision(writers[0], path)}"
        streams = []
        for index, watcher in enumerate(watchers):
            watcher.on_data = lambda data, index=index: receive(index, data)
            streams.append(watcher.ask(requests.request("GET", query)))
        await asyncio.sleep(0.2 + job.clients / 1000)
        began, cpu = time.perf_counter(), self._cpu()

        async def write(connection: Connection, number: int) -> None:
            while time.perf_counter() < began + job.seconds:
                await connection.checked(requests.stamp(job.namespace, number, time.monotonic_ns()))

        await asyncio.gather(*(write(connection, number) for number, connection in enumerate(writers)))
        self._note(sum(counts), time.perf_counter() - began, self._cpu() - cpu)
        if any(stream.done() for stream in streams):
            raise RuntimeError("the server has ended a watch")
        for stream in streams:
            stream.cancel()
        for connection in (*watchers, *writers):
            connection.close()


async def _revision(connection: Connection, path: str) -> str:
    found = bytearray()
    connection.on_data = found.extend
    await connection.checked(requests.request("GET", f"{path}?limit=1"))
    connection.on_data = None
    match = re.search(rb'"metadata":\{"?[^{}]*?"resourceVersion":"(\d+)"', bytes(found))
    if match is None:
        raise RuntimeError(f"no resourceVersion in {bytes(found[:200])!r}")
    return match[1].decode()


def etcd_key(number: int) -> str:
    return f"/registry/pods/bench/{requests.existing(number)}"


def etcd_value() -> bytes:
    """As long as the stored pod: with what the API server adds to it."""
    return json.dumps(requests.pod("bench")).encode() + b" " * 900


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
