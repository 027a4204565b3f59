"""A server behind that is no Kubernetes server: the least that an extension must be, seen from its side."""

import gzip
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web as http

from pynetes.component import certificates
from pynetes.component.pki import PKI
from tests.apiserver.aggregation.conftest import (
    API_SERVICES,
    GROUP,
    ROOT,
    Web,
    api_service,
    bundle,
    reason,
    service,
    until,
)

Object = dict[str, Any]

_LARGE = b"large " * 30_000
_THINGS = {"name": "things", "singularName": "thing", "namespaced": True, "kind": "Thing", "verbs": ["get"]}


class Extension:
    """Knows one group version in the old form; echoes requests, and what comes over WebSockets."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[http.Request] = []
        self.peers: list[Any] = []

    async def discovery(self, request: http.Request) -> http.Response:
        return http.json_response({"kind": "APIResourceList", "groupVersion": f"{GROUP}/v1", "resources": [_THINGS]})

    async def packed(self, request: http.Request) -> http.Response:
        body = gzip.compress(_LARGE, compresslevel=0)
        return http.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})

    async def moved(self, request: http.Request) -> http.Response:
        return http.Response(status=302, headers={"Location": "https://elsewhere.example"})

    async def echo(self, request: http.Request) -> http.StreamResponse:
        assert request.transport is not None
        self.requests.append(request)
        self.peers.append(request.transport.get_extra_info("peercert"))
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return http.json_response({"path": request.raw_path, "body": await request.text()}, status=201)
        socket = http.WebSocketResponse(protocols=("v5.channel.k8s.io",))
        await socket.prepare(request)
        async for message in socket:
            await socket.send_bytes(message.data[::-1])
        return socket


@pytest.fixture
async def plain(files: PKI, extension_files: PKI) -> AsyncIterator[Extension]:
    """It shows a certificate for the Service's name, and demands the front proxy's."""
    pair = extension_files.apiserver
    tls = certificates.server_context(pair.certificate, pair.key, [files.front_proxy_ca.certificate])
    tls.verify_mode = ssl.CERT_REQUIRED
    extension = Extension()
    app = http.Application()
    app.router.add_get(ROOT, extension.discovery)
    app.router.add_get(ROOT + "/packed", extension.packed)
    app.router.add_get(ROOT + "/moved", extension.moved)
    app.router.add_route("*", ROOT + "/{rest:.+}", extension.echo)
    runner = http.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = http.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    extension.port = runner.addresses[0][1]
    yield extension
    await runner.cleanup()


@pytest.fixture
async def served(web: Web, plain: Extension, extension_files: PKI) -> Extension:
    await web.ok("POST", "/api/v1/namespaces/default/services", service())
    await web.ok("POST", API_SERVICES, api_service(plain.port, caBundle=bundle(extension_files.ca.certificate)))
    await reason(web, "Passed")
    return plain


async def test_a_request_comes_as_it_was_sent_with_who_sent_it(web: Web, served: Extension) -> None:
    path = f"{ROOT}/namespaces/default/things/a%2Fb?x=1&x=%20"
    answer = await web("POST", path, b"body", type="text/plain", X_Remote_Group="forged", X_Custom="kept")
    assert (answer.status, answer.json) == (201, {"path": path, "body": "body"})
    headers = served.requests[-1].headers
    assert headers["X-Remote-User"] == "kubernetes-admin"
    assert "system:authenticated" in headers.getall("X-Remote-Group")
    assert "forged" not in headers.getall("X-Remote-Group")
    assert headers["X-Custom"] == "kept"
    assert headers["Audit-Id"] == answer.headers["Audit-Id"]
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    subject = dict(entry[0] for entry in served.peers[-1]["subject"])
    assert subject["commonName"] == "front-proxy-client"


async def test_credentials_stay_here(web: Web, served: Extension) -> None:
    await web("GET", f"{ROOT}/namespaces/default/things/a", Authorization="Basic c2VjcmV0")
    assert "Authorization" not in served.requests[-1].headers


async def test_the_impersonated_is_who_asks(web: Web, served: Extension) -> None:
    await web("GET", f"{ROOT}/things", Impersonate_User="root", Impersonate_Group="system:masters")
    headers = served.requests[-1].headers
    assert (headers["X-Remote-User"], "Impersonate-User" in headers) == ("root", False)


async def test_an_upgraded_connection_is_joined(web: Web, served: Extension) -> None:
    url = f"{web.base}{ROOT}/namespaces/default/things/a/attach"
    async with web.session.ws_connect(url, protocols=("v5.channel.k8s.io",)) as socket:
        assert socket.protocol == "v5.channel.k8s.io"
        for _ in range(3):
            await socket.send_bytes(b"abc")
            assert await socket.receive_bytes(timeout=60) == b"cba"
    assert served.requests[-1].headers["X-Remote-User"] == "kubernetes-admin"


async def test_what_comes_packed_is_not_packed_again(web: Web, served: Extension) -> None:
    answer = await web("GET", f"{ROOT}/packed", Accept_Encoding="gzip")
    assert answer.headers.getall("Content-Encoding") == ["gzip"]
    assert gzip.decompress(answer.body) == _LARGE


async def test_a_redirect_is_not_handed_on(web: Web, served: Extension) -> None:
    async with web.session.get(f"{web.base}{ROOT}/moved", allow_redirects=False) as answer:
        assert (answer.status, "Location" in answer.headers) == (502, False)
        assert await answer.text() == "the backend attempted to redirect this request, which is not permitted"


async def test_the_old_form_of_discovery_is_enough(web: Web, served: Extension) -> None:
    async def known() -> Object | None:
        accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        items = (await web.ok("GET", "/apis", accept=accept))["items"]
        versions = next((item["versions"] for item in items if item["metadata"]["name"] == GROUP), [])
        return versions[0] if versions and versions[0]["freshness"] == "Current" else None

    version = await until(known, "its discovery")
    assert [resource["resource"] for resource in version["resources"]] == ["things"]
    assert f"apis/{GROUP}/v1" not in (await web.ok("GET", "/openapi/v3"))["paths"]
