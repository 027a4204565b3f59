"""Proxy: names, addresses, endpoints, and requests to a real backend."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.streaming import proxy
from pynetes.component import certificates
from tests.ports import free_port

from .conftest import Cluster


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", ("", "a", "")),
        ("a:80", ("", "a", "80")),
        ("https:a:web", ("https", "a", "web")),
        ("https:a:", ("https", "a", "")),
    ],
)
def test_names_carry_scheme_and_port(text: str, expected: tuple[str, str, str]) -> None:
    assert proxy.split_name(text, "pod") == expected


@pytest.mark.parametrize("text", ["", ":80", "ftp:a:1", "a:b:c:d"])
def test_bad_names_are_refused(text: str) -> None:
    with pytest.raises(StatusError, match="invalid pod request"):
        proxy.split_name(text, "pod")


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.1.1", "::1", "0.0.0.0", "", "name"])
def test_the_api_servers_own_neighbourhood_is_not_proxied_to(address: str) -> None:
    found = {"metadata": {"name": "p"}, "spec": {}, "status": {"podIPs": [{"ip": address}]}}
    with pytest.raises(StatusError, match="address not allowed"):
        proxy.pod_backend(found, "", "80")


def test_a_pods_first_declared_port_is_its_default() -> None:
    containers = [{"name": "a"}, {"name": "b", "ports": [{"containerPort": 8080}, {"containerPort": 9090}]}]
    found = {"spec": {"containers": containers}, "status": {"podIPs": [{"ip": "10.244.0.5"}]}}
    assert proxy.pod_backend(found, "", "") == proxy.Backend("http", "10.244.0.5", 8080)


def test_services_choose_ready_pods_by_port() -> None:
    address = {"ip": "10.244.0.5", "targetRef": {"kind": "Pod", "name": "p", "namespace": "a"}}
    subsets = [{"addresses": [address], "ports": [{"name": "web", "port": 8080}]}]
    assert proxy.choose_endpoint({"subsets": subsets}, "web", "a", "svc") == ("10.244.0.5", 8080)
    for port, namespace in (("other", "a"), ("web", "b")):
        with pytest.raises(StatusError, match='no endpoints available for service "svc"'):
            proxy.choose_endpoint({"subsets": subsets}, port, namespace, "svc")
    service = {"metadata": {"name": "svc"}, "spec": {"ports": [{"name": "web", "port": 80}]}}
    assert proxy.service_port_name(service, 80) == "web"
    with pytest.raises(StatusError, match='no service port 81 found for service "svc"'):
        proxy.service_port_name(service, 81)


@asynccontextmanager
async def backend() -> AsyncIterator[int]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade") == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            async for message in socket:
                await socket.send_str(message.data.upper())
            return socket
        if request.path == "/big":
            return web.Response(body=b"x" * (1 << 20))
        if request.path == "/page":
            headers = {"Access-Control-Allow-Origin": "*"}
            return web.Response(text='<a href="/other">o</a>', content_type="text/html", headers=headers)
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/page"})
        seen = {"method": request.method, "path": request.rel_url.raw_path_qs, "body": (await request.read()).decode()}
        seen |= {"authorization": request.headers.get("Authorization", ""), "x": request.headers.get("X-Mine", "")}
        return web.json_response(seen, status=418, headers={"X-Theirs": "yes"})

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def request(cluster: Cluster, method: str, path: str, **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    tls = certificates.client_context(cluster.pki.ca.certificate)
    url = URL(cluster.url + path, encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, ssl=tls, allow_redirects=False, **more) as response,
    ):
        yield response


async def test_requests_reach_the_backend_as_they_were_sent(cluster: Cluster) -> None:
    async with backend() as port:
        path = f"/api/v1/nodes/n1:{port}/proxy/a%2Fb/proxy/c?q=1&r=%20"
        headers = {"Authorization": "Bearer secret", "X-Mine": "1"}
        async with request(cluster, "PUT", path, data=b"hello", headers=headers) as response:
            assert response.status == 418
            assert response.headers["X-Theirs"] == "yes"
            seen = await response.json()
    assert seen == {
        "method": "PUT",
        "path": "/a%2Fb/proxy/c?q=1&r=%20",
        "body": "hello",
        "authorization": "",
        "x": "1",
    }


async def test_large_answers_stream_and_missing_slashes_are_added(cluster: Cluster) -> None:
    async with backend() as port:
        async with request(cluster, "GET", f"/api/v1/nodes/n1:{port}/proxy/big") as response:
            assert len(await response.read()) == 1 << 20
        async with request(cluster, "GET", f"/api/v1/nodes/n1:{port}/proxy") as response:
            assert response.status == 301
            assert response.headers["Location"] == f"/api/v1/nodes/n1:{port}/proxy/"


async def test_links_and_redirects_stay_within_the_proxy(cluster: Cluster) -> None:
    async with backend() as port:
        base = f"/api/v1/nodes/n1:{port}/proxy"
        async with request(cluster, "GET", f"{base}/page") as response:
            assert await response.text() == f'<a href="{base}/other">o</a>'
            assert "Access-Control-Allow-Origin" not in response.headers
        async with request(cluster, "GET", f"{base}/moved") as response:
            assert (response.status, response.headers["Location"]) == (302, f"{base}/page")


async def test_upgrades_are_piped(cluster: Cluster) -> None:
    tls = certificates.client_context(cluster.pki.ca.certificate)
    async with backend() as port, aiohttp.ClientSession() as session:
        url = f"{cluster.url}/api/v1/nodes/n1:{port}/proxy/ws"
        async with session.ws_connect(url, ssl=tls) as socket:
            await socket.send_str("hello")
            assert (await socket.receive()).data == "HELLO"


async def test_the_kubelet_itself_is_reached_with_our_certificate(cluster: Cluster) -> None:
    async with request(cluster, "GET", "/api/v1/nodes/n1/proxy/healthz") as response:
        assert (response.status, await response.read()) == (200, b"ok")
    call = cluster.kubelet.calls[-1]
    assert (call.path, call.client) == ("/healthz", "kube-apiserver-kubelet-client")


async def test_a_backend_that_is_not_there_is_503(cluster: Cluster) -> None:
    async with request(cluster, "GET", f"/api/v1/nodes/n1:{free_port()}/proxy/") as response:
        assert response.status == 503
        assert "error trying to reach service" in (await response.json())["message"]
