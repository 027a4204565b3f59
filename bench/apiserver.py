"""Measures the API server over HTTPS, beside Debian's etcd doing bare puts and gets in the same run.

    python bench/apiserver.py [--seconds 3] [--clients 1,16,64] [--runs 1] [--only creates,gets]

Server, load and etcd are processes of their own, on whatever cores there are. Prints one line a measurement:
operations a second, p50 and p99 in milliseconds.
"""

import argparse
import asyncio
import base64
import json
import multiprocessing
import os
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

NAMESPACE = "default"


def pod(name: str) -> dict[str, Any]:
    """About 2 KB as stored."""
    env = [{"name": f"VARIABLE_{n}", "value": "x" * 24} for n in range(12)]
    container = {
        "name": "main",
        "image": "registry.example/application:1.2.3",
        "env": env,
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    }
    metadata = {"name": name, "labels": {"app": "bench", "tier": "back"}, "annotations": {"note": "y" * 200}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends one request after another and knows just enough HTTP."""

    def __init__(self, requests: Iterator[bytes], until: float) -> None:
        self.requests = requests
        self.until = until
        self.latencies: list[float] = []
        self.failures = 0
        self.done = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._left = -1
        self._started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self._next()

    def _next(self) -> None:
        now = time.perf_counter()
        if now >= self.until:
            self.transport.close()
            return
        self._started = now
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if self._left < 0:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if buffer[9:10] != b"2":
                self.failures += 1
                if self.failures == 1:
                    print(bytes(buffer[:600]), file=sys.stderr)
            at = buffer.find(b"Content-Length: ", 0, end) + 16
            if at < 16:
                # etcd's gateway answers in chunks; the last one is empty.
                last = buffer.find(b"\r\n0\r\n\r\n", end)
                if last < 0:
                    return
                self._left = last + 7
            else:
                self._left = end + 4 + int(buffer[at : buffer.index(b"\r\n", at)])
        if len(buffer) >= self._left:
            self.latencies.append(time.perf_counter() - self._started)
            del buffer[: self._left]
            self._left = -1
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def http(method: str, path: str, host: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
    if body:
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def load(
    make: Callable[[int], Iterator[bytes]], port: int, pki: Path | None, clients: int, seconds: float, out: Any
) -> None:
    """Runs in a process of its own; `make` gives the requests of one connection."""

    async def main() -> None:
        context = None
        if pki is not None:
            context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
            context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        until = time.perf_counter() + seconds
        loop = asyncio.get_running_loop()
        connections = []
        for number in range(clients):
            _, connection = await loop.create_connection(
                lambda number=number: Connection(make(number), until),
                "127.0.0.1",
                port,
                ssl=context,
            )
            connections.append(connection)
        await asyncio.gather(*(connection.done for connection in connections))
        out.send(([latency for c in connections for latency in c.latencies], sum(c.failures for c in connections)))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def measure(name: str, make: Any, port: int, pki: Path | None, clients: int, seconds: float, runs: int) -> None:
    rates, middles, tails = [], [], []
    for _ in range(runs):
        processes = 1 if clients < 16 else 2
        pipes = []
        for index in range(processes):
            receiver, sender = multiprocessing.Pipe(False)
            share = clients // processes
            args = (lambda n, index=index: make(f"{index}-{n}"), port, pki, share, seconds, sender)
            process = multiprocessing.get_context("fork").Process(target=load, args=args)
            process.start()
            pipes.append((process, receiver))
        latencies: list[float] = []
        failures = 0
        for process, receiver in pipes:
            found, failed = receiver.recv()
            latencies += found
            failures += failed
            process.join()
        latencies.sort()
        rates.append(len(latencies) / seconds)
        middles.append(latencies[len(latencies) // 2] * 1000)
        tails.append(latencies[int(len(latencies) * 0.99)] * 1000)
        if failures:
            print(f"  {failures} of {len(latencies)} failed", file=sys.stderr)
    rate, middle, tail = (statistics.median(values) for values in (rates, middles, tails))
    print(f"{name:<28} {clients:>4} clients {rate:>9.0f}/s   p50 {middle:7.2f} ms   p99 {tail:7.2f} ms", flush=True)


def serve(port: int, directory: Path, ready: Any) -> None:
    """The API server in a process of its own."""
    from pynetes.apiserver.config import APIServerConfig
    from pynetes.apiserver.server import APIServer
    from pynetes.component import pki

    async def main() -> None:
        files = pki.ensure(directory / "pki", addresses=("127.0.0.1",))
        config = APIServerConfig(
            bind_address="127.0.0.1",
            secure_port=port,
            tls_cert_file=files.apiserver.certificate,
            tls_private_key_file=files.apiserver.key,
            client_ca_file=files.ca.certificate,
            service_account_signing_key_file=files.service_account_key,
            storage=f"sqlite://{directory / 'state.db'}",
            max_requests_inflight=0,
            max_mutating_requests_inflight=0,
        )
        async with APIServer(config) as server:
            await server.ready()
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            from pynetes.apis.names import SERVICE_ACCOUNTS

            await server.client().create(SERVICE_ACCOUNTS, account, NAMESPACE)
            stop = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set_result, None)
            ready.send(True)
            await stop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def api_server(directory: Path) -> Iterator[int]:
    port = free_port()
    receiver, sender = multiprocessing.Pipe(False)
    process = multiprocessing.get_context("fork").Process(target=serve, args=(port, directory, sender))
    process.start()
    receiver.recv()
    try:
        yield port
        with open(f"/proc/{process.pid}/status") as status:
            resident = next(line for line in status if line.startswith("VmRSS"))
        print(f"API server {resident.split()[1]} KiB resident")
    finally:
        process.terminate()
        process.join()


@contextmanager
def etcd(directory: Path) -> Iterator[int | None]:
    program = shutil.which("etcd")
    if program is None:
        yield None
        return
    port, peer = free_port(), free_port()
    urls = [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"]
    args = [program, "--data-dir", str(directory / "etcd"), "--log-level", "error"]
    args += ["--listen-client-urls", urls[0], "--advertise-client-urls", urls[0], "--listen-peer-urls", urls[1]]
    args += ["--initial-advertise-peer-urls", urls[1], "--initial-cluster", f"default={urls[1]}"]
    environment = {**os.environ, "ETCD_UNSUPPORTED_ARCH": "arm64"}
    with subprocess.Popen(args, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                try:
                    socket.create_connection(("127.0.0.1", port), 0.1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def pod_requests(number: str) -> Iterator[bytes]:
    serial = 0
    while True:
        name = f"p-{os.getpid()}-{number}-{serial}"
        serial += 1
        yield http("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", "127.0.0.1", json.dumps(pod(name)).encode())


def map_requests(number: str) -> Iterator[bytes]:
    serial = 0
    while True:
        name = f"c-{os.getpid()}-{number}-{serial}"
        serial += 1
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": "z" * 1800}}
        yield http("POST", f"/api/v1/namespaces/{NAMESPACE}/configmaps", "127.0.0.1", json.dumps(obj).encode())


def repeated(request: bytes) -> Callable[[str], Iterator[bytes]]:
    def make(number: str) -> Iterator[bytes]:
        while True:
            yield request

    return make


def etcd_puts(number: str) -> Iterator[bytes]:
    value = base64.b64encode(b"v" * 2000).decode()
    serial = 0
    while True:
        key = base64.b64encode(f"/{os.getpid()}/{number}/{serial}".encode()).decode()
        serial += 1
        yield http("POST", "/v3/kv/put", "127.0.0.1", json.dumps({"key": key, "value": value}).encode())


def once(port: int, pki: Path, request: bytes) -> None:
    _seed.append(request)
    seed(port, pki)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--clients", default="1,16,64")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    counts = [int(count) for count in options.clients.split(",")]
    only = set(filter(None, options.only.split(",")))

    def run(name: str, *args: Any) -> None:
        if only and not any(name.startswith(word) for word in only):
            return
        for clients in counts:
            measure(name, *args, clients, options.seconds, options.runs)

    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        with api_server(directory) as port:
            pki = directory / "pki"
            base = f"/api/v1/namespaces/{NAMESPACE}/pods"
            once(port, pki, http("POST", base, "127.0.0.1", json.dumps(pod("the-one")).encode()))
            run("gets of a 2 KB pod", repeated(http("GET", f"{base}/the-one", "127.0.0.1")), port, pki)
            run("creates of 2 KB configmaps", map_requests, port, pki)
            run("creates of 2 KB pods", pod_requests, port, pki)
            for size in (500, 5000):
                for number in range(size - 1 if size == 500 else 4500):
                    if only and "lists" not in only:
                        break
                    obj = pod(f"l-{size}-{number}")
                    obj["metadata"]["labels"] = {"list": "yes"}
                    once_path = f"/api/v1/namespaces/{NAMESPACE}/pods"
                    once_request = http("POST", once_path, "127.0.0.1", json.dumps(obj).encode())
                    _seed.append(once_request)
                seed(port, pki)
                listing = http("GET", f"{base}?labelSelector=list%3Dyes&limit={size}", "127.0.0.1")
                run(f"lists of {size} pods", repeated(listing), port, pki)
        with etcd(directory) as etcd_port:
            if etcd_port is not None:
                run("etcd: bare puts of 2 KB", etcd_puts, etcd_port, None)
                key = base64.b64encode(b"one").decode()
                put = json.dumps({"key": key, "value": base64.b64encode(b"v" * 2000).decode()}).encode()
                with socket.create_connection(("127.0.0.1", etcd_port)) as raw:
                    raw.sendall(http("POST", "/v3/kv/put", "127.0.0.1", put))
                    raw.recv(65536)
                request = http("POST", "/v3/kv/range", "127.0.0.1", json.dumps({"key": key}).encode())
                run("etcd: bare gets of 2 KB", repeated(request), etcd_port, None)


_seed: list[bytes] = []


def seed(port: int, pki: Path) -> None:
    """Sends the collected requests over one connection."""
    if not _seed:
        return
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    raw = socket.create_connection(("127.0.0.1", port))
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as s:
        for request in _seed:
            s.sendall(request)
            data = b""
            while b"\r\n\r\n" not in data:
                data += s.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            at = head.find(b"Content-Length: ") + 16
            left = int(head[at:].split(b"\r\n")[0]) - len(body)
            while left > 0:
                left -= len(s.recv(65536))
    _seed.clear()


if __name__ == "__main__":
    main()
