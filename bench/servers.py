"""API servers to measure, each a process on loopback with its own store: ours, and the original if there is one.

The original is the binary that PYNETES_BENCH_KUBE_APISERVER names, on Debian's etcd. Both get the same certificates
and the same admission and authorization as they would have in a cluster.
"""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import etcd, load
from pynetes.client.https import HTTPSTransport, tls_context
from pynetes.client.rest import Client
from pynetes.component import pki as component_pki
from pynetes.component.pki import PKI

ORIGINAL = "PYNETES_BENCH_KUBE_APISERVER"
PYNETES = str(Path(sys.executable).with_name("pynetes"))


@dataclass(frozen=True, slots=True)
class Server:
    """A running API server. `processes`: its name in tables → its pid (its store's too, if that is a process)."""

    name: str
    port: int
    pki: PKI
    processes: dict[str, int]
    ready_after: float

    def job(self, operation: str, **values: object) -> load.Job:
        admin = self.pki.admin
        job = load.Job(operation, self.port, ca=str(self.pki.ca.certificate), pids=list(self.processes.values()))
        return replace(job, certificate=str(admin.certificate), key=str(admin.key), **values)  # type: ignore[arg-type]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        tls = tls_context(
            ca_data=self.pki.ca.certificate.read_bytes(),
            cert_file=str(self.pki.admin.certificate),
            key_file=str(self.pki.admin.key),
        )
        client = Client(HTTPSTransport(f"https://127.0.0.1:{self.port}", tls=tls), user_agent="bench")
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def _running(name: str, command: list[str], port: int, pki: PKI, log: Path) -> AsyncIterator[Server]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=output)
    try:
        async with asyncio.timeout(60):
            while not await _is_ready(port, pki):
                if process.returncode is not None:
                    raise RuntimeError(f"{name} has ended:\n{_end_of(log)}")
                await asyncio.sleep(0.02)
        yield Server(name, port, pki, {name: process.pid}, loop.time() - began)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _is_ready(port: int, pki: PKI) -> bool:
    tls = ssl.create_default_context(cafile=str(pki.ca.certificate))
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


@asynccontextmanager
async def pynetes(directory: Path) -> AsyncIterator[Server]:
    """Our API server on SQLite."""
    pki = component_pki.ensure(directory / "pki")
    (port,) = etcd.free_ports(1)
    command = [
        PYNETES, "apiserver", "--bind-address=127.0.0.1", f"--secure-port={port}",
        f"--storage=sqlite://{directory / 'store.db'}", f"--tls-cert-file={pki.apiserver.certificate}",
        f"--tls-private-key-file={pki.apiserver.key}", f"--client-ca-file={pki.ca.certificate}",
        f"--service-account-key-file={pki.service_account_public_key}",
        f"--service-account-signing-key-file={pki.service_account_key}", "--authorization-mode=Node,RBAC",
    ]  # fmt: skip
    async with _running("pynetes apiserver", command, port, pki, directory / "log") as server:
        yield server


@asynccontextmanager
async def original(directory: Path) -> AsyncIterator[Server | None]:
    """The original on an etcd of its own; None if the environment names none."""
    binary = os.environ.get(ORIGINAL)
    if not binary:
        yield None
        return
    pki = component_pki.ensure(directory / "pki")
    async with etcd.started(directory) as (etcd_port, etcd_pid):
        (port,) = etcd.free_ports(1)
        command = [
            binary, f"--etcd-servers=http://127.0.0.1:{etcd_port}", "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", f"--secure-port={port}",
            f"--tls-cert-file={pki.apiserver.certificate}", f"--tls-private-key-file={pki.apiserver.key}",
            f"--client-ca-file={pki.ca.certificate}", "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction", "--service-cluster-ip-range=10.96.0.0/12",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki.service_account_public_key}",
            f"--service-account-signing-key-file={pki.service_account_key}",
        ]  # fmt: skip
        async with _running("kube-apiserver", command, port, pki, directory / "log") as server:
            yield replace(server, processes={**server.processes, "its etcd": etcd_pid})
