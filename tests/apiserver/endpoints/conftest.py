"""A real server on loopback, with its own certificates, and clients of it."""

import asyncio
import io
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from pynetes.apis.names import SERVICE_ACCOUNTS
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.server import APIServer
from pynetes.client.rest import Client
from pynetes.component import certificates
from pynetes.component.pki import PKI

JSON = "application/json"


def config_of(files: PKI, **changes: Any) -> APIServerConfig:
    settings: dict[str, Any] = {
        "bind_address": "127.0.0.1",
        "secure_port": 0,
        "advertise_address": "192.0.2.10",
        "tls_cert_file": files.apiserver.certificate,
        "tls_private_key_file": files.apiserver.key,
        "client_ca_file": files.ca.certificate,
        "service_account_signing_key_file": files.service_account_key,
        "authorization_modes": ("Node", "RBAC"),
        "shutdown_grace_period": 2.0,
        # A machine that stands still is no store that fails.
        "etcd_healthcheck_timeout": 60.0,
        "etcd_readycheck_timeout": 60.0,
    }
    return APIServerConfig(**{**settings, **changes})


@pytest.fixture
def config(files: PKI) -> Callable[..., APIServerConfig]:
    return lambda **changes: config_of(files, **changes)


@asynccontextmanager
async def serving(config: APIServerConfig) -> AsyncIterator[APIServer]:
    """With a default service account, so that pods can be created."""
    async with APIServer(config) as server:
        await server.ready()
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await server.client().create(SERVICE_ACCOUNTS, account, "default")
        yield server


@pytest.fixture(params=["memory", "sqlite"])
async def server(request: pytest.FixtureRequest, files: PKI, tmp_path: Path) -> AsyncIterator[APIServer]:
    storage = "memory:" if request.param == "memory" else f"sqlite://{tmp_path / 'state.db'}"
    async with serving(config_of(files, storage=storage)) as server:
        yield server


@pytest.fixture
def client(server: APIServer) -> Client:
    return server.client()


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["message"])


class Web:
    """HTTPS as the administrator, nothing between the test and the wire."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    async def __call__(
        self, method: str, path: str, body: Any = None, *, type: str = JSON, accept: str = JSON, **headers: str
    ) -> Answer:
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        sent = {
            "Accept": accept,
            "Accept-Encoding": "identity",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if data is not None:
            sent["Content-Type"] = type
        content = None if data is None else io.BytesIO(data)
        async with self.session.request(method, self.base + path, data=content, headers=sent) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = await self(method, path, body, **options)
        assert answer.status < 300, answer.body
        return answer.json


@pytest.fixture
async def web(server: APIServer, files: PKI) -> AsyncIterator[Web]:
    context = certificates.client_context(files.ca.certificate, files.admin.certificate, files.admin.key)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), auto_decompress=False) as session:
        yield Web(session, f"https://127.0.0.1:{server.port}")
    await asyncio.sleep(0)


@pytest.fixture
def anonymous_tls(files: PKI) -> ssl.SSLContext:
    return certificates.client_context(files.ca.certificate)


@pytest.fixture
def kubectl(server: APIServer, files: PKI, tmp_path: Path) -> Callable[..., Any]:
    """Stock kubectl; gives (exit code, output)."""
    path = tmp_path / "kubeconfig"
    path.write_text(
        f"""apiVersion: v1
kind: Config
clusters:
- name: c
  cluster: {{server: "https://127.0.0.1:{server.port}", certificate-authority: {files.ca.certificate}}}
users: [{{name: u, user: {{client-certificate: {files.admin.certificate}, client-key: {files.admin.key}}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
current-context: c
"""
    )

    async def run(*args: str, stdin: str = "") -> tuple[int, str]:
        environment = {**os.environ, "KUBECONFIG": str(path), "HOME": str(tmp_path)}
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
        )
        out, _ = await process.communicate(stdin.encode())
        return process.returncode or 0, out.decode()

    return run


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def pod(name: str, **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "example/image:1"}]},
    }
