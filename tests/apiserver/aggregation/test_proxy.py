"""Requests through one real server to another."""

import asyncio
from typing import Any

import orjson

from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from pynetes.apiserver.aggregation.connection import Connections, Identity
from pynetes.apiserver.aggregation.extension import Extension
from pynetes.apiserver.aggregation.proxy import forward
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.http import Request, Response
from pynetes.apiserver.server import APIServer
from pynetes.client.rest import Client
from tests.apiserver.aggregation.conftest import (
    API_SERVICES,
    CRON_TABS,
    NAME,
    PATH,
    ROOT,
    Web,
    api_service,
    reason,
    service,
    until,
)
from tests.apiserver.conftest import MemoryObjects
from tests.apiserver.customresources.conftest import cron_tab

Object = dict[str, Any]


async def test_objects_live_on_the_server_behind(web: Web, served: Object, extension: APIServer) -> None:
    made = await web.ok("POST", PATH, cron_tab())
    behind = await extension.client().get(CRON_TABS, "a", "default")
    assert behind["metadata"]["uid"] == made["metadata"]["uid"]
    patch = b'{"spec":{"replicas":3}}'
    await web.ok("PATCH", f"{PATH}/a", patch, type="application/merge-patch+json")
    assert (await web.ok("GET", f"{PATH}/a"))["spec"]["replicas"] == 3
    await web.ok("DELETE", f"{PATH}/a")
    assert (await web("GET", f"{PATH}/a")).status == 404


async def test_selectors_and_limits_reach_the_server_behind(web: Web, served: Object) -> None:
    for name in ("a", "b"):
        await web.ok("POST", PATH, cron_tab(name))
    found = await web.ok("GET", f"{PATH}?fieldSelector=metadata.name%3Db")
    assert [item["metadata"]["name"] for item in found["items"]] == ["b"]
    assert (await web.ok("GET", f"{PATH}?limit=1"))["metadata"]["continue"]


async def test_a_watch_brings_events_as_they_happen(web: Web, served: Object) -> None:
    async with web.session.get(f"{web.base}{PATH}?watch=true") as answer:
        await web.ok("POST", PATH, cron_tab())
        event = orjson.loads(await asyncio.wait_for(answer.content.readline(), 60))
        assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "a")
        await web.ok("DELETE", f"{PATH}/a")
        event = orjson.loads(await asyncio.wait_for(answer.content.readline(), 60))
        assert event["type"] == "DELETED"


async def test_a_client_in_the_same_process_takes_the_same_road(server: APIServer, web: Web, served: Object) -> None:
    client: Client = server.client()
    await client.create(CRON_TABS, cron_tab(), "default")
    assert [item["metadata"]["name"] for item in (await client.list(CRON_TABS))["items"]] == ["a"]


async def _allow(client: Client, *users: str) -> None:
    """To list crontabs."""
    api = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [CRON_TABS.group], "resources": ["crontabs"], "verbs": ["list"]}
    role = {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": {"name": "lists"}, "rules": [rule]}
    await client.create(CLUSTER_ROLES, role)
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "lists"},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "lists"},
        "subjects": [{"apiGroup": api, "kind": "User", "name": user} for user in users],
    }
    await client.create(CLUSTER_ROLE_BINDINGS, binding)


async def test_the_server_behind_knows_who_asks_and_decides_for_itself(
    web: Web, server: APIServer, served: Object, extension: APIServer
) -> None:
    await _allow(extension.client(), "jane")
    await _allow(server.client(), "jane", "joe")

    async def jane_gets_through() -> bool:
        return (await web("GET", PATH, Impersonate_User="jane")).status == 200

    await until(jane_gets_through, "jane to be allowed on both servers")
    answer = await web("GET", PATH, Impersonate_User="joe")
    assert answer.status == 403
    assert 'User "joe" cannot list resource "crontabs"' in answer.message


async def test_who_may_not_at_the_front_does_not_get_through(web: Web, served: Object) -> None:
    answer = await web("DELETE", PATH, Impersonate_User="jane")
    assert answer.status == 403
    assert 'User "jane" cannot deletecollection resource "crontabs" in API group "stable.example.com"' in answer.message


async def test_what_a_client_says_of_itself_is_not_passed_on(web: Web, served: Object) -> None:
    """The administrator stays the administrator, whatever the headers say."""
    answer = await web("GET", PATH, X_Remote_User="nobody", X_Remote_Group="nothing")
    assert answer.status == 200


async def test_without_a_server_behind_it_is_unavailable(web: Web, silent_port: int) -> None:
    await web.ok("POST", "/api/v1/namespaces/default/services", service())
    await web.ok("POST", API_SERVICES, api_service(silent_port, insecureSkipTLSVerify=True))
    found = await reason(web, "FailedDiscoveryCheck")
    assert found["message"].startswith(
        f"failing or missing response from https://localhost:{silent_port}/apis/stable.example.com/v1: Get "
    )
    answer = await web("GET", PATH)
    assert (answer.status, answer.body) == (503, b"service unavailable\n")
    assert (await web("GET", ROOT)).status == 503


async def test_a_server_that_cannot_be_reached_is_told_of(objects: MemoryObjects, silent_port: int) -> None:
    """Though it was available when it was last looked at."""
    objects.add("services", {**service(), "metadata": {"name": "backend", "namespace": "default"}})
    behind = Extension.of(api_service(silent_port, insecureSkipTLSVerify=True))
    assert behind is not None

    async def no_body() -> bytes:
        return b""

    request = Request("GET", PATH, {}, {}, no_body, user=UserInfo("jane"))
    async with Connections(objects, Identity()) as connections:
        answer = await forward(connections, behind, True, request)
    assert isinstance(answer, Response)
    assert answer.status == 503
    assert answer.body.startswith(b"error trying to reach service: ")
    assert answer.content_type == "text/plain; charset=utf-8"


async def test_a_certificate_that_nobody_vouches_for_is_refused(web: Web, extension: APIServer) -> None:
    await web.ok("POST", "/api/v1/namespaces/default/services", service())
    await web.ok("POST", API_SERVICES, api_service(extension.port))
    assert "x509: certificate signed by unknown authority" in (await reason(web, "FailedDiscoveryCheck"))["message"]


async def test_without_verification_any_certificate_will_do(web: Web, extension: APIServer) -> None:
    await web.ok("POST", "/api/v1/namespaces/default/services", service())
    await web.ok("POST", API_SERVICES, api_service(extension.port, insecureSkipTLSVerify=True))
    await reason(web, "Passed")
    assert (await web("GET", PATH)).status == 200


async def test_a_service_that_is_not_there_is_missed_and_found(web: Web, extension: APIServer) -> None:
    await web.ok("POST", API_SERVICES, api_service(extension.port, insecureSkipTLSVerify=True))
    found = await reason(web, "ServiceNotFound")
    assert found["message"] == 'service/backend in "default" is not present'
    await web.ok("POST", "/api/v1/namespaces/default/services", service())
    await reason(web, "Passed")


async def test_what_is_deleted_is_served_no_more(web: Web, served: Object) -> None:
    await web.ok("DELETE", f"{API_SERVICES}/{NAME}")

    async def gone() -> bool:
        return (await web("GET", PATH)).status == 404

    await until(gone, "the group to go")


async def test_apiservices_themselves_cannot_be_given_away(web: Web) -> None:
    name = "v1.apiregistration.k8s.io"
    made = api_service(443, group="apiregistration.k8s.io")
    made["metadata"]["name"] = name
    await web.ok("POST", API_SERVICES, made)
    assert (await web("GET", API_SERVICES)).status == 200
    await web.ok("DELETE", f"{API_SERVICES}/{name}")
