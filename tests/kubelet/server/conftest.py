"""A kubelet server with real certificates, and clients that have or lack theirs."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pynetes.component import certificates
from pynetes.component.certificates import Request
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.server.server import KubeletServer


class Stats:
    async def summary(self, *, only_cpu_and_memory: bool = False) -> dict[str, Any]:
        return {"node": {"nodeName": "n1"}, "pods": [], "only": only_cpu_and_memory}


@dataclass
class Kubelet:
    """What the server asks of the kubelet."""

    all: list[dict[str, Any]] = field(default_factory=list)

    def pods(self) -> list[dict[str, Any]]:
        return self.all

    def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        return next((p for p in self.all if p["metadata"]["name"] == name), None)


class PKI:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = certificates.new_authority("kubernetes")
        self.path("ca", self.authority)
        self.path("kubelet", self.issue("n1", ip_addresses=("127.0.0.1",), server=True))
        self.path("admin", self.issue("apiserver", ("system:masters",), client=True))
        self.path("user", self.issue("joe", ("devs",), client=True))
        stranger = certificates.new_authority("stranger")
        self.path("stranger", certificates.issue(stranger, Request("eve", ("system:masters",), client=True)))

    def issue(self, *args: Any, **options: Any) -> Any:
        return certificates.issue(self.authority, Request(*args, **options))

    def path(self, name: str, pair: Any) -> None:
        certificates.store(pair, self.directory / f"{name}.crt", self.directory / f"{name}.key")

    def context(self, name: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.directory / "ca.crt"))
        if name:
            context.load_cert_chain(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        return context


@pytest.fixture
def pki(tmp_path: Path) -> PKI:
    return PKI(tmp_path)


Serve = Callable[..., Any]


@pytest.fixture
def serve(pki: PKI) -> Serve:
    """Starts a server and gives a function that makes client sessions for it."""

    @asynccontextmanager
    async def run(
        *, host: Any = None, runtime: Any = None, client: Any = None, **options: Any
    ) -> AsyncIterator[Callable[..., aiohttp.ClientSession]]:
        config = KubeletConfig(
            node_name="n1",
            address="127.0.0.1",
            port=0,
            healthz_port=0,
            tls_cert_file=str(pki.directory / "kubelet.crt"),
            tls_private_key_file=str(pki.directory / "kubelet.key"),
            client_ca_file=str(pki.directory / "ca.crt"),
        )
        server = KubeletServer(config, host=host or Kubelet(), runtime=runtime, stats=Stats(), client=client, **options)
        async with server:
            sessions = []

            def session(certificate: str = "admin", **more: Any) -> aiohttp.ClientSession:
                connector = aiohttp.TCPConnector(ssl=pki.context(certificate))
                made = aiohttp.ClientSession(f"https://127.0.0.1:{server.port}", connector=connector, **more)
                sessions.append(made)
                return made

            session.port = server.port  # type: ignore[attr-defined]
            try:
                yield session
            finally:
                for made in sessions:
                    await made.close()

    return run


@pytest.fixture
def kubelet() -> Kubelet:
    return Kubelet()
