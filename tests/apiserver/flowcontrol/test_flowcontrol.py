"""Priority and fairness on a real server: headers, configuration, rejection, statuses."""

import asyncio
from typing import Any

import aiohttp
import pytest

from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from pynetes.apiserver.flowcontrol.seats import width
from pynetes.apiserver.requestinfo import request_info
from pynetes.apiserver.server import APIServer
from pynetes.component import certificates
from pynetes.component.pki import PKI
from pynetes.testing import apiserver

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
SCHEMAS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def server_of(files: PKI, **changes: Any) -> APIServer:
    return APIServer(apiserver.config(files, advertise_address="192.0.2.10", shutdown_grace_period=2.0, **changes))


def session(files: PKI) -> aiohttp.ClientSession:
    context = certificates.client_context(files.ca.certificate, files.admin.certificate, files.admin.key)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


def schema(name: str, level: str, user: str) -> dict[str, Any]:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    rule = {"subjects": [{"kind": "User", "user": {"name": user}}], "resourceRules": [everything]}
    spec = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": 10, "rules": [rule]}
    api = "flowcontrol.apiserver.k8s.io/v1"
    return {"apiVersion": api, "kind": "FlowSchema", "metadata": {"name": name}, "spec": spec}


def level(name: str, **limited: Any) -> dict[str, Any]:
    spec = {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "lendablePercent": 0, **limited}}
    api = "flowcontrol.apiserver.k8s.io/v1"
    return {"apiVersion": api, "kind": "PriorityLevelConfiguration", "metadata": {"name": name}, "spec": spec}


async def test_the_objects_are_there_and_requests_say_who_took_them(files: PKI) -> None:
    async with server_of(files) as server:
        await server.ready()
        client = server.client()
        schemas = {item["metadata"]["name"]: item for item in (await client.list(FLOW_SCHEMAS))["items"]}
        levels = {i["metadata"]["name"]: i for i in (await client.list(PRIORITY_LEVEL_CONFIGURATIONS))["items"]}
        assert {"exempt", "catch-all", "global-default", "system-nodes", "probes"} <= schemas.keys()
        assert {"exempt", "catch-all", "workload-low", "leader-election"} <= levels.keys()
        url = f"https://127.0.0.1:{server.port}"
        async with session(files) as web, asyncio.timeout(60):
            async with web.get(url + SCHEMAS, headers={"Accept": TABLE}) as answer:
                names = [row["object"]["metadata"]["name"] for row in (await answer.json())["rows"]]
            assert (names[:3], names[-1]) == (["exempt", "probes", "system-leader-election"], "catch-all")
            while True:
                async with web.get(url + MAPS) as answer:
                    taken = answer.headers["X-Kubernetes-Pf-Flowschema-Uid"]
                    placed = answer.headers["X-Kubernetes-Pf-Prioritylevel-Uid"]
                if taken:
                    break
                await asyncio.sleep(0.02)
        assert (taken, placed) == (schemas["exempt"]["metadata"]["uid"], levels["exempt"]["metadata"]["uid"])
        await asyncio.sleep(0)


async def test_a_level_without_room_turns_away_and_others_go_on(files: PKI) -> None:
    async with server_of(files, max_requests_inflight=8, max_mutating_requests_inflight=0) as server:
        await server.ready()
        client = server.client()
        response = {"limitResponse": {"type": "Reject"}, "borrowingLimitPercent": 0}
        await client.create(PRIORITY_LEVEL_CONFIGURATIONS, level("narrow", **response))
        await client.create(FLOW_SCHEMAS, schema("alice", "narrow", "alice"))
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "a"}}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        await client.create(CLUSTER_ROLE_BINDINGS, {**role, "roleRef": reference, "subjects": [subject]})
        async with asyncio.timeout(60):
            while True:
                found = await client.get(FLOW_SCHEMAS, "alice")
                if found.get("status", {}).get("conditions"):
                    break
                await asyncio.sleep(0.02)
        assert found["status"]["conditions"][0]["reason"] == "Found"
        url = f"https://127.0.0.1:{server.port}{MAPS}"
        pair = certificates.issue(
            certificates.load(files.ca.certificate, files.ca.key), certificates.Request("alice", client=True)
        )
        directory = files.directory
        certificates.store(pair, directory / "alice.crt", directory / "alice.key")
        context = certificates.client_context(files.ca.certificate, directory / "alice.crt", directory / "alice.key")
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        async with aiohttp.ClientSession(connector=connector) as alice, session(files) as admin:
            held = _hold_creates(server)
            first = asyncio.ensure_future(alice.post(url, json=config_map("a")))
            await held.entered.wait()
            async with alice.get(url) as refused:
                assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
                assert (await refused.json())["reason"] == "TooManyRequests"
            async with admin.get(url) as answer:
                assert answer.status == 200
            held.go_on.set()
            (await first).release()
            async with alice.get(url) as answer:
                assert answer.status == 200
        await asyncio.sleep(0)


class _Held:
    def __init__(self) -> None:
        self.entered, self.go_on = asyncio.Event(), asyncio.Event()


def _hold_creates(server: APIServer) -> _Held:
    """Creates wait in the store until they may go on, as if the disk were slow."""
    held, store = _Held(), server.registry.store
    create = store.create

    async def slow(key: str, value: bytes, *, ttl: int = 0) -> Any:
        if "/configmaps/" in key:
            held.entered.set()
            await held.go_on.wait()
        return await create(key, value, ttl=ttl)

    store.create = slow  # type: ignore[method-assign]
    return held


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


async def test_a_schema_without_its_level_says_so(files: PKI) -> None:
    async with server_of(files) as server:
        await server.ready()
        client = server.client()
        await client.create(FLOW_SCHEMAS, schema("lost", "nowhere", "alice"))
        async with asyncio.timeout(60):
            while True:
                conditions = (await client.get(FLOW_SCHEMAS, "lost")).get("status", {}).get("conditions")
                if conditions:
                    break
                await asyncio.sleep(0.02)
        assert (conditions[0]["type"], conditions[0]["status"], conditions[0]["reason"]) == (
            "Dangling",
            "True",
            "NotFound",
        )


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        (PODS, {}, 3),
        (PODS, {"limit": ["50"]}, 1),
        (PODS, {"limit": ["50"], "labelSelector": ["a=b"]}, 3),
        (f"{PODS}/p", {}, 1),
    ],
)
def test_lists_take_as_many_seats_as_they_are_long(path: str, query: dict[str, list[str]], expected: int) -> None:
    assert width(request_info("GET", path, query), query, lambda info: 250) == expected
    assert width(request_info("GET", PODS, {}), {}, lambda info: 100_000) == 10
