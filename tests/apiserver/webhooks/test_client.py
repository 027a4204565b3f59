"""The client of webhooks against real HTTPS servers on loopback."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pynetes.apiserver.local import LocalTransport
from pynetes.apiserver.server import APIServer
from pynetes.apiserver.webhooks.client import ClientConfig, WebhookClient, WebhookError, bundle_problem
from pynetes.component import pki
from pynetes.component.pki import PKI
from pynetes.testing import apiserver
from tests.apiserver.conftest import MemoryObjects
from tests.apiserver.webhooks.hook import Hook, bundle, own_bundle, serving


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    names = ("localhost", "hook.default.svc")
    return pki.ensure(tmp_path_factory.mktemp("pki"), addresses=("127.0.0.1",), dns_names=names)


@pytest.fixture
async def hook(files: PKI) -> AsyncIterator[Hook]:
    async with serving(files) as hook:
        yield hook


@pytest.fixture
async def client(objects: MemoryObjects) -> AsyncIterator[WebhookClient]:
    async with WebhookClient(objects) as client:
        yield client
    await asyncio.sleep(0)


def by_url(hook: Hook, **changes: Any) -> ClientConfig:
    return ClientConfig.of({**hook.config, **changes})


async def test_a_review_goes_to_the_url_and_the_webhook_is_told_its_time(client: WebhookClient, hook: Hook) -> None:
    assert await client.call(by_url(hook), {"kind": "Review"}, timeout=30) == {"kind": "Review"}
    assert hook.query == ["timeout=30s"]


async def test_a_service_is_reached_under_its_own_name(
    client: WebhookClient, hook: Hook, objects: MemoryObjects
) -> None:
    service = {
        "metadata": {"name": "hook", "namespace": "default"},
        "spec": {"clusterIP": "127.0.0.1", "ports": [{"port": hook.port}]},
    }
    objects.add("services", service)
    reference = {"name": "hook", "namespace": "default", "path": "/review", "port": hook.port}
    config = ClientConfig.of({"service": reference, "caBundle": bundle(hook.files)})
    assert await client.call(config, {"a": 1}, timeout=30) == {"a": 1}


async def test_the_service_kubernetes_is_this_server_which_knows_itself(objects: MemoryObjects, files: PKI) -> None:
    reference = {
        "name": "kubernetes",
        "namespace": "default",
        "path": "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    }
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    async with APIServer(apiserver.config(files)) as server:
        await server.ready()
        async with WebhookClient(objects, LocalTransport(server)) as client:
            answer = await client.call(ClientConfig.of({"service": reference}), review, timeout=30)
    assert answer["status"]["userInfo"]["username"] == "system:apiserver"


@pytest.mark.parametrize("path", ["//review", "/review/", "/a/../review", "/moved"])
async def test_paths_are_cleaned_and_redirects_followed(client: WebhookClient, hook: Hook, path: str) -> None:
    hook.redirect = "/review"
    config = by_url(hook, url=f"https://127.0.0.1:{hook.port}{path}")
    assert await client.call(config, {"a": 1}, timeout=30) == {"a": 1}


async def test_redirects_in_a_circle_end(client: WebhookClient, hook: Hook) -> None:
    hook.redirect = "/moved"
    with pytest.raises(WebhookError, match="stopped after 10 redirects"):
        await client.call(by_url(hook, url=f"https://127.0.0.1:{hook.port}/moved"), {}, timeout=30)


async def test_a_service_by_external_name(client: WebhookClient, hook: Hook, objects: MemoryObjects) -> None:
    spec = {"type": "ExternalName", "externalName": "localhost"}
    objects.add("services", {"metadata": {"name": "hook", "namespace": "default"}, "spec": spec})
    reference = {"name": "hook", "namespace": "default", "path": "review", "port": hook.port}
    config = ClientConfig.of({"service": reference, "caBundle": bundle(hook.files)})
    assert await client.call(config, {"a": 1}, timeout=30) == {"a": 1}


async def test_a_service_that_is_not_there(client: WebhookClient) -> None:
    config = ClientConfig.of({"service": {"name": "hook", "namespace": "default"}})
    with pytest.raises(
        WebhookError, match=r'^Post "https://hook\.default\.svc:443/\?timeout=30s": service "hook" not f'
    ):
        await client.call(config, {}, timeout=30)


async def test_a_port_that_the_service_does_not_have(client: WebhookClient, objects: MemoryObjects) -> None:
    spec = {"clusterIP": "127.0.0.1", "ports": [{"port": 80}]}
    objects.add("services", {"metadata": {"name": "hook", "namespace": "default"}, "spec": spec})
    with pytest.raises(WebhookError, match='no service port 443 found for service "hook"'):
        await client.call(ClientConfig.of({"service": {"name": "hook", "namespace": "default"}}), {}, timeout=30)


async def test_a_certificate_of_another_authority_is_refused(client: WebhookClient, hook: Hook) -> None:
    with pytest.raises(
        WebhookError, match="tls: failed to verify certificate: x509: certificate signed by unknown authority"
    ):
        await client.call(by_url(hook, caBundle=""), {}, timeout=30)
    assert hook.asked == []


async def test_a_bundle_may_be_the_servers_own_certificate(client: WebhookClient, hook: Hook) -> None:
    assert await client.call(by_url(hook, caBundle=own_bundle(hook.files)), {"kind": "Review"}, timeout=30) == {
        "kind": "Review"
    }


async def test_one_who_does_not_listen(client: WebhookClient, hook: Hook) -> None:
    config = ClientConfig.of({"url": "https://127.0.0.1:1/review", "caBundle": bundle(hook.files)})
    with pytest.raises(WebhookError, match=r"dial tcp 127\.0\.0\.1:1: connect: connection refused"):
        await client.call(config, {}, timeout=30)


async def test_one_who_takes_too_long(client: WebhookClient, hook: Hook) -> None:
    hook.gate.clear()
    with pytest.raises(WebhookError, match="context deadline exceeded"):
        await client.call(by_url(hook), {}, timeout=0.2)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, "it broke\n", 'an error on the server ("it broke") has prevented the request from succeeding'),
        (404, "404 page not found", "the server could not find the requested resource"),
        (418, "", "the server responded with the status code 418 but did not return more information"),
        (400, '{"kind": "Status", "status": "Failure", "message": "no such version"}', "no such version"),
        (400, '{"kind": "Status", "message": "none"}', "the server rejected our request for an unknown reason"),
        (403, "go away", "go away"),
        (406, "", "the server was unable to respond with a content type that the client supports"),
        (409, "", "the server reported a conflict"),
        (422, "?", "the server rejected our request due to an error in our request"),
        (500, "", 'an error on the server ("") has prevented the request from succeeding'),
        (200, "", "0-length response with status code: 200 and content type: text/plain; charset=utf-8"),
    ],
)
async def test_refusals_in_the_words_of_client_go(
    client: WebhookClient, hook: Hook, status: int, body: str, message: str
) -> None:
    hook.answer = lambda review: web.Response(status=status, text=body)
    with pytest.raises(WebhookError) as caught:
        await client.call(by_url(hook), {}, timeout=30)
    assert str(caught.value) == message


async def test_an_answer_that_is_no_object(client: WebhookClient, hook: Hook) -> None:
    hook.answer = lambda review: web.Response(text="hello")
    with pytest.raises(WebhookError, match="couldn't get version/kind; json parse error"):
        await client.call(by_url(hook), {}, timeout=30)


def test_bundles(files: PKI) -> None:
    assert bundle_problem(Path(files.ca.certificate).read_bytes()) == ""
    assert bundle_problem(b"  \n") == ""
    assert bundle_problem(b"hello") == "unable to load root certificates: unable to parse bytes as PEM block"
