"""Two real servers: one in front, and one behind it that serves a group of its own (of a custom resource there)."""

import base64
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import NAMESPACES
from pynetes.apiserver.server import APIServer
from pynetes.component import pki
from pynetes.component.pki import PKI
from tests.apiserver.customresources.conftest import definition, establish, until
from tests.apiserver.endpoints.conftest import Web, config, config_of, kubectl, web

__all__ = ["Web", "config", "establish", "kubectl", "until", "web"]

Object = dict[str, Any]

API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
GROUP = "stable.example.com"
NAME = f"v1.{GROUP}"
ROOT = f"/apis/{GROUP}/v1"
PATH = f"{ROOT}/namespaces/default/crontabs"
CRON_TABS = GroupVersionResource(GROUP, "v1", "crontabs")
CRDS = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")


@pytest.fixture(scope="session")
def extension_files(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    """Authorities of its own, and a certificate for the Service's name."""
    return pki.ensure(
        tmp_path_factory.mktemp("extension"), addresses=("127.0.0.1",), dns_names=("localhost", "backend.default.svc")
    )


@pytest.fixture
async def server(files: PKI) -> AsyncIterator[APIServer]:
    """In front."""
    config = config_of(
        files,
        requestheader_client_ca_file=files.front_proxy_ca.certificate,
        requestheader_allowed_names=("front-proxy-client",),
        proxy_client_cert_file=files.front_proxy_client.certificate,
        proxy_client_key_file=files.front_proxy_client.key,
    )
    async with APIServer(config) as server:
        await server.ready()
        yield server


@pytest.fixture
async def extension(files: PKI, extension_files: PKI) -> AsyncIterator[APIServer]:
    """Behind: it believes what the front's proxy certificate says of users."""
    config = config_of(
        extension_files,
        requestheader_client_ca_file=files.front_proxy_ca.certificate,
        requestheader_allowed_names=("front-proxy-client",),
    )
    async with APIServer(config) as server:
        await server.ready()
        client = server.client()
        await client.create(CRDS, definition())

        async def established() -> bool:
            found = await client.get(CRDS, f"crontabs.{GROUP}")
            conditions = (found.get("status") or {}).get("conditions") or ()
            return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

        await until(established, "the extension's group")
        assert await client.get(NAMESPACES, "default")
        yield server


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Where nobody listens, nor can anybody else meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def service() -> Object:
    """Leads to loopback."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "backend"},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }


def api_service(port: int, **spec: Any) -> Object:
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "version": "v1",
            "groupPriorityMinimum": 2000,
            "versionPriority": 15,
            "service": {"name": "backend", "namespace": "default", "port": port},
            **spec,
        },
    }


def bundle(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


async def available(web: Web, name: str = NAME) -> Object:
    found = await web.ok("GET", f"{API_SERVICES}/{name}")
    conditions = (found.get("status") or {}).get("conditions") or ()
    return next((c for c in conditions if c["type"] == "Available"), {})


async def reason(web: Web, wanted: str, name: str = NAME) -> Object:
    """The condition, once it gives that reason."""

    async def check() -> Object | None:
        found = await available(web, name)
        return found if found.get("reason") == wanted else None

    found: Object = await until(check, f"{name} to be {wanted}")
    return found


@pytest.fixture
async def served(web: Web, extension: APIServer, extension_files: PKI) -> Object:
    """The extension's group behind the front, and usable."""
    await web.ok("POST", "/api/v1/namespaces/default/services", service())
    made = api_service(extension.port, caBundle=bundle(extension_files.ca.certificate))
    await web.ok("POST", API_SERVICES, made)
    return await reason(web, "Passed")
