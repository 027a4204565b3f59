"""Who may come in: certificates, anonymous users, impersonation."""

import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.edge.serving import BindError
from pynetes.apiserver.server import APIServer
from tests.apiserver.endpoints.conftest import Web


async def test_anonymous_users_see_health_and_nothing_else(server: APIServer, anonymous_tls: ssl.SSLContext) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=anonymous_tls)) as session:
        base = f"https://127.0.0.1:{server.port}"
        async with session.get(f"{base}/healthz") as answer:
            assert answer.status == 200
        async with session.get(f"{base}/api/v1/namespaces/default/pods") as answer:
            assert answer.status == 403
            status = await answer.json()
    assert status["message"] == (
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" '
        'in the namespace "default"'
    )


async def test_bad_tokens_are_unauthorized(server: APIServer, anonymous_tls: ssl.SSLContext) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=anonymous_tls)) as session:
        headers = {"Authorization": "Bearer forged"}
        async with session.get(f"https://127.0.0.1:{server.port}/api/v1/pods", headers=headers) as answer:
            assert answer.status == 401
            status = await answer.json()
    assert (status["reason"], status["message"]) == ("Unauthorized", "Unauthorized")


async def test_administrators_may_be_others(web: Web) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    who = await web.ok("POST", path, review, Impersonate_User="jane", Impersonate_Group="team")
    assert who["status"]["userInfo"]["username"] == "jane"
    assert set(who["status"]["userInfo"]["groups"]) == {"team", "system:authenticated"}
    refused = await web("GET", "/api/v1/pods", Impersonate_User="jane")
    assert refused.status == 403
    account = await web.ok("POST", path, review, Impersonate_User="system:serviceaccount:default:x")
    assert "system:serviceaccounts:default" in account["status"]["userInfo"]["groups"]


async def test_nobody_grants_more_than_he_has(web: Web) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "roles"},
        "rules": [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["create"]}],
    }
    roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    await web.ok("POST", roles, role)
    bound: dict[str, Any] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "jane"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "roles"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"}],
    }
    await web.ok("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", bound)
    more = {
        **role,
        "metadata": {"name": "more"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    refused = await web("POST", roles, more, Impersonate_User="jane")
    assert refused.status == 403
    assert "is attempting to grant RBAC permissions not currently held" in refused.message


async def test_port_that_is_taken_is_named(server: APIServer, config: Callable[..., APIServerConfig]) -> None:
    with pytest.raises(BaseException) as caught:
        async with APIServer(config(secure_port=server.port)):
            pass
    error: BaseException = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, BindError)
    assert str(error) == f"failed to listen on 127.0.0.1:{server.port}: bind: address already in use"


async def test_certificates_are_required(config: Callable[..., APIServerConfig]) -> None:
    with pytest.raises(BaseException) as caught:
        async with APIServer(config(tls_cert_file=None)):
            pass
    error: BaseException = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ConfigurationError)


async def test_too_many_requests_at_once_are_turned_away_kindly(config: Callable[..., APIServerConfig]) -> None:
    from pynetes.apiserver.authentication.user import UserInfo
    from pynetes.apiserver.filters.inflight import with_max_in_flight
    from pynetes.apiserver.http import Answer, Request, Response
    from pynetes.apiserver.requestinfo import request_info

    def request(user: UserInfo) -> Request:
        made = Request("GET", "/api/v1/pods", {}, {}, nothing, user=user)
        made.info = request_info("GET", "/api/v1/pods", {})
        return made

    async def nothing() -> bytes:
        return b""

    jane, admin = UserInfo("jane"), UserInfo("admin", groups=("system:masters",))

    async def handler(outer: Request) -> Answer:
        if outer.user is jane:
            with pytest.raises(Exception, match="too many requests, please try again later"):
                await limited(request(jane))
            await limited(request(admin))
        return Response()

    limited = with_max_in_flight(1, 1)(handler)
    assert isinstance(await limited(request(jane)), Response)
    assert isinstance(await limited(request(admin)), Response)
