"""A server that asks webhooks who somebody is and what he may, over the wire."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.server import APIServer
from pynetes.client import kubeconfig
from pynetes.component import clock
from pynetes.component.pki import PKI
from tests.apiserver.authentication.issuer import issuing
from tests.apiserver.webhooks.hook import Hook, serving


@pytest.fixture
async def hook(files: PKI) -> AsyncIterator[Hook]:
    async with serving(files) as made:
        yield made


def reached(hook: Hook, path: Path) -> Path:
    config = kubeconfig.Config(hook.config["url"], ca=Path(hook.files.ca.certificate).read_bytes())
    kubeconfig.write(path, kubeconfig.document("hook", config))
    return path


async def get(server: APIServer, files: PKI, path: str, token: str) -> tuple[int, Any]:
    tls = ssl.create_default_context(cafile=str(files.ca.certificate))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session:
        answer = await session.get(f"https://127.0.0.1:{server.port}{path}", ssl=tls, headers=headers)
        return answer.status, await (answer.json() if answer.content_type == "application/json" else answer.text())


async def test_a_configured_webhook_decides_before_rbac(
    config: Callable[..., APIServerConfig], files: PKI, hook: Hook, tmp_path: Path
) -> None:
    webhook = {
        "timeout": "30s",
        "subjectAccessReviewVersion": "v1",
        "failurePolicy": "NoOpinion",
        "connectionInfo": {
            "type": "KubeConfigFile",
            "kubeConfigFile": str(reached(hook, tmp_path / "authz.conf")),
        },
    }
    document = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthorizationConfiguration",
        "authorizers": [
            {"type": "Webhook", "name": "hook", "webhook": webhook},
            {"type": "Node", "name": "node"},
            {"type": "RBAC", "name": "rbac"},
        ],
    }
    (tmp_path / "authz").write_text(yaml.safe_dump(document))
    (tmp_path / "tokens").write_text("secret,alice,1\n")
    hook.answer = lambda review: web.json_response(
        {**review, "status": {"allowed": review["spec"].get("resourceAttributes", {}).get("namespace") == "a"}}
    )
    settings = config(
        authorization_modes=(), authorization_config=tmp_path / "authz", token_auth_file=tmp_path / "tokens"
    )
    async with APIServer(settings) as server:
        await server.ready()
        assert (await get(server, files, "/api/v1/namespaces/a/pods", "secret"))[0] == 200
        status, refused = await get(server, files, "/api/v1/namespaces/b/pods", "secret")
        assert status == 403
        assert refused["message"].startswith('pods is forbidden: User "alice" cannot list resource "pods"')
        assert (await get(server, files, "/api", "secret"))[0] == 200
        hook.answer = lambda review: web.Response(status=400, text="odd")
        status, broken = await get(server, files, "/api/v1/namespaces/c/pods", "secret")
        assert status == 500
        assert broken.startswith('Internal Server Error: "/api/v1/namespaces/c/pods": ')


async def test_a_server_with_a_chain_that_cannot_be_does_not_start(config: Callable[..., APIServerConfig]) -> None:
    with pytest.raises(ConfigurationError, match="authorization config file not passed"):
        async with APIServer(config(authorization_modes=("Webhook",))):
            pass


async def test_a_token_webhook_says_who_asks(
    config: Callable[..., APIServerConfig], files: PKI, hook: Hook, tmp_path: Path
) -> None:
    def answer(review: Any) -> web.Response:
        user = {"username": "bob", "uid": "7", "groups": ["system:masters"], "extra": {"a": ["b"]}}
        known = review["spec"]["token"] == "good"
        return web.json_response({**review, "status": {"authenticated": known, "user": user if known else {}}})

    hook.answer = answer
    settings = config(
        authentication_token_webhook_config_file=reached(hook, tmp_path / "authn.conf"),
        authentication_token_webhook_version="v1",
    )
    async with APIServer(settings) as server:
        await server.ready()
        for _ in range(2):
            assert (await get(server, files, "/api/v1/namespaces/a/pods", "good"))[0] == 200
        assert [review["kind"] for review in hook.asked] == ["TokenReview"]
        assert (await get(server, files, "/api/v1/namespaces/a/pods", "bad"))[0] == 401
        assert len(hook.asked) == 2


async def test_a_configured_issuer_says_who_asks_and_anonymity_ends_at_its_paths(
    config: Callable[..., APIServerConfig], files: PKI, tmp_path: Path
) -> None:
    async with issuing(files) as issuer:
        jwt = {
            "issuer": {
                "url": issuer.url,
                "discoveryURL": f"{issuer.url}/elsewhere",
                "audiences": ["me"],
                "certificateAuthority": issuer.authority,
            },
            "claimMappings": {
                "username": {"claim": "sub", "prefix": "oidc:"},
                "groups": {"expression": "['system:masters']"},
            },
        }
        document = {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthenticationConfiguration",
            "jwt": [jwt],
            "anonymous": {"enabled": True, "conditions": [{"path": "/version"}]},
        }
        (tmp_path / "authn").write_text(yaml.safe_dump(document))
        async with APIServer(config(authentication_config=tmp_path / "authn")) as server:
            await server.ready()

            async def accepted() -> None:
                while (await get(server, files, "/api/v1/namespaces/a/pods", issuer.token()))[0] != 200:
                    await clock.sleep(0.05)

            await asyncio.wait_for(accepted(), 60)
            assert (await get(server, files, "/api/v1/namespaces/a/pods", issuer.token(aud="you")))[0] == 401
            assert (await get(server, files, "/version", ""))[0] == 200
            assert (await get(server, files, "/api", ""))[0] == 401
