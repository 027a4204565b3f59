"""Requests over HTTPS and what the audit log and the webhook are told of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from yarl import URL

from pynetes.apiserver.server import APIServer
from pynetes.component import certificates
from pynetes.component.pki import PKI
from pynetes.testing import apiserver

MAPS = "/api/v1/namespaces/default/configmaps"


class Audited:
    """A server that notes, a client of it, and what was noted."""

    def __init__(self, base: str, session: aiohttp.ClientSession, log: Path) -> None:
        self.base, self._session, self._log = base, session, log

    async def __call__(self, method: str, path: str | URL, body: Any = None, **headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if isinstance(path, URL) else self.base + path
        async with self._session.request(method, url, json=body, headers=sent) as answer:
            await answer.read()
            return answer.status

    def get(self, path: str) -> Any:
        return self._session.get(self.base + path)

    def watch(self, path: str) -> Any:
        """Over a WebSocket."""
        return self._session.ws_connect(self.base + path, origin=self.base)

    async def noted(self, *stages: str) -> None:
        """Returns when these stages have been told."""
        async with asyncio.timeout(60):
            while [event["stage"] for event in self.events()] != list(stages):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def events(self, **fields: Any) -> list[dict[str, Any]]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        found = [json.loads(line) for line in lines]
        return [event for event in found if all(event.get(field) == value for field, value in fields.items())]


@asynccontextmanager
async def audited(files: PKI, directory: Path, *rules: dict[str, Any], **settings: Any) -> AsyncIterator[Audited]:
    policy = directory / "policy.yaml"
    document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules)}
    policy.write_text(yaml.safe_dump(document))
    log = directory / "audit.log"
    config = apiserver.config(
        files,
        advertise_address="192.0.2.10",
        shutdown_grace_period=2.0,
        audit_policy_file=policy,
        **{"audit_log_path": str(log), **settings},
    )
    context = certificates.client_context(files.ca.certificate, files.admin.certificate, files.admin.key)
    async with APIServer(config) as server:
        await server.ready()
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(connector=connector, headers={"User-Agent": "test/1"}) as session:
            yield Audited(f"https://127.0.0.1:{server.port}", session, log)
        await asyncio.sleep(0)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


async def test_a_write_is_noted_when_it_comes_and_when_it_ends(files: PKI, tmp_path: Path) -> None:
    rules = {"level": "RequestResponse", "resources": [{"group": "", "resources": ["configmaps"]}]}
    async with audited(files, tmp_path, rules) as api:
        assert (
            await api("POST", f"{MAPS}?fieldManager=me", config_map("a", key="value"), X_Forwarded_For="192.0.2.7")
            == 201
        )
        (received,) = api.events(stage="RequestReceived")
        (complete,) = api.events(stage="ResponseComplete")
    assert received["auditID"] == complete["auditID"]
    assert (complete["kind"], complete["apiVersion"], complete["level"]) == (
        "Event",
        "audit.k8s.io/v1",
        "RequestResponse",
    )
    assert complete["requestURI"] == f"{MAPS}?fieldManager=me"
    assert (complete["verb"], complete["userAgent"]) == ("create", "test/1")
    assert complete["user"]["username"] == "kubernetes-admin"
    assert complete["sourceIPs"] == ["192.0.2.7", "127.0.0.1"]
    reference = {"resource": "configmaps", "namespace": "default", "name": "a", "apiVersion": "v1"}
    assert complete["objectRef"] == reference
    assert complete["requestObject"]["data"] == complete["responseObject"]["data"] == {"key": "value"}
    assert complete["responseStatus"] == {"metadata": {}, "code": 201}
    assert complete["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert complete["stageTimestamp"] >= complete["requestReceivedTimestamp"]


async def test_levels_and_omitted_stages(files: PKI, tmp_path: Path) -> None:
    metadata = {"level": "Metadata", "verbs": ["create"], "omitStages": ["RequestReceived"]}
    async with audited(files, tmp_path, metadata, {"level": "None"}) as api:
        await api("POST", MAPS, config_map("a"))
        await api("GET", f"{MAPS}/a")
        (event,) = api.events()
    assert event["stage"] == "ResponseComplete"
    assert event["objectRef"]["name"] == "a"
    assert "requestObject" not in event
    assert "responseObject" not in event


async def test_objects_are_noted_as_they_are_before_admission(files: PKI, tmp_path: Path) -> None:
    rule = {"level": "Request", "omitStages": ["RequestReceived"]}
    async with audited(files, tmp_path, rule) as api:
        spec = {"ports": [{"port": 80}]}
        service = {"metadata": {"name": "s"}, "spec": spec}
        assert await api("POST", "/api/v1/namespaces/default/services", service) == 201
        await api("POST", MAPS, config_map("a"))
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        await api("DELETE", f"{MAPS}/a", options)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        await api("POST", "/api/v1/namespaces/default/serviceaccounts/none/token", request)
        created, _, deleted, asked = api.events()
    sent = created["requestObject"]
    assert (sent["kind"], sent["apiVersion"], sent["spec"]["type"]) == ("Service", "v1", "ClusterIP")
    assert "clusterIP" not in sent["spec"]
    assert asked["requestObject"]["spec"] == {"audiences": None, "boundObjectRef": None, "expirationSeconds": 3600}
    assert deleted["requestObject"]["apiVersion"] == "meta.k8s.io/__internal"
    assert (deleted["responseStatus"]["status"], deleted["responseStatus"]["details"]["name"]) == ("Success", "a")


async def test_requests_are_noted_as_they_came(files: PKI, tmp_path: Path) -> None:
    target = f"{MAPS}?labelSelector=a=b&x&limit=%31"
    forwarded = {"X_Forwarded_For": "192.0.2.7, unknown, 2001:DB8::1", "X_Real_Ip": "192.0.2.7"}
    rule = {"level": "RequestResponse", "omitStages": ["RequestReceived"], "omitManagedFields": True}
    async with audited(files, tmp_path, rule) as api:
        await api("GET", URL(api.base + target, encoded=True), **forwarded, User_Agent="x" * 1025)
        await api("GET", f"{MAPS}/none", Accept="application/vnd.kubernetes.protobuf")
        await api("GET", f"{MAPS}/none", Accept="text/plain")
        await api("POST", MAPS, config_map("a"))
        patch = {"metadata": {"managedFields": None}, "data": {"k": "v"}}
        await api("PATCH", f"{MAPS}/a", patch, Content_Type="application/merge-patch+json")
        await api("DELETE", f"{MAPS}/a", {"gracePeriodSeconds": 0})
        await api("GET", "/version")
        listed, missing, unacceptable, _, patched, deleted, version = api.events(level="RequestResponse")
    assert listed["requestURI"] == target
    assert listed["sourceIPs"] == ["192.0.2.7", "2001:db8::1", "127.0.0.1"]
    assert listed["userAgent"] == "x" * 1024 + "...TRUNCATED"
    assert missing["responseObject"]["details"] == {"name": "none", "kind": "configmaps"}
    assert unacceptable["responseStatus"] == {"metadata": {}, "code": 406}
    assert "responseObject" not in unacceptable
    assert patched["requestObject"] == patch
    options = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/__internal", "gracePeriodSeconds": 0}
    assert deleted["requestObject"] == options
    assert "responseObject" not in version


async def test_refusals_are_noted_with_their_status(files: PKI, tmp_path: Path) -> None:
    async with audited(files, tmp_path, {"level": "Metadata", "omitStages": ["RequestReceived"]}) as api:
        assert await api("GET", f"{MAPS}/missing") == 404
        assert await api("GET", MAPS, Impersonate_User="bob") == 403
        missing, refused = api.events(stage="ResponseComplete")
    assert missing["responseStatus"]["reason"] == "NotFound"
    assert missing["responseStatus"]["code"] == 404
    assert refused["user"]["username"] == "kubernetes-admin"
    assert refused["impersonatedUser"]["username"] == "bob"
    assert refused["annotations"]["authorization.k8s.io/decision"] == "forbid"


async def test_credentials_that_do_not_hold_are_noted(files: PKI, tmp_path: Path) -> None:
    async with audited(files, tmp_path, {"level": "Metadata"}) as api:
        connector = aiohttp.TCPConnector(ssl=certificates.client_context(files.ca.certificate))
        nonsense = {"Authorization": "Bearer nonsense"}
        async with aiohttp.ClientSession(connector=connector, headers=nonsense) as session:
            assert (await session.get(api.base + MAPS)).status == 401
        (event,) = api.events()
        await asyncio.sleep(0)
    assert (event["stage"], event["responseStatus"]["message"]) == ("ResponseStarted", "Unauthorized")
    assert (event["responseStatus"]["code"], event["user"]) == (401, {})


@pytest.mark.parametrize("watch", [Audited.get, Audited.watch])
async def test_a_watch_is_noted_when_it_begins_and_when_it_ends(
    files: PKI, tmp_path: Path, watch: Callable[[Audited, str], Any]
) -> None:
    async with audited(files, tmp_path, {"level": "Metadata", "verbs": ["watch"]}) as api:
        begun = ["RequestReceived", "ResponseStarted"]
        async with watch(api, f"{MAPS}?watch=1"):
            assert [event["stage"] for event in api.events()] == begun
        await api.noted(*begun, "ResponseComplete")


async def test_managed_fields_can_be_left_out(files: PKI, tmp_path: Path) -> None:
    rule = {"level": "RequestResponse", "verbs": ["create"], "omitManagedFields": True}
    async with audited(files, tmp_path, rule) as api:
        body = config_map("a")
        body["metadata"]["managedFields"] = []
        await api("POST", MAPS, body)
        (event,) = api.events(stage="ResponseComplete")
    assert "managedFields" not in event["requestObject"]["metadata"]
    assert "managedFields" not in event["responseObject"]["metadata"]


async def test_admission_tells_the_audit_log(files: PKI, tmp_path: Path) -> None:
    rule = {"level": "Metadata", "verbs": ["create"], "resources": [{"group": "", "resources": ["pods"]}]}
    async with audited(files, tmp_path, rule) as api:
        labels = {"pod-security.kubernetes.io/enforce": "baseline"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict", "labels": labels}}
        await api("POST", "/api/v1/namespaces", namespace)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        await api("POST", "/api/v1/namespaces/strict/serviceaccounts", account)
        spec = {"hostPID": True, "containers": [{"name": "c", "image": "i"}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
        assert await api("POST", "/api/v1/namespaces/strict/pods", pod) == 403
        (event,) = api.events(stage="ResponseComplete")
    assert event["annotations"]["pod-security.kubernetes.io/enforce-policy"] == "baseline:latest"


async def test_a_webhook_is_sent_lists_of_events(files: PKI, tmp_path: Path) -> None:
    received: list[dict[str, Any]] = []
    answers, enough = [503], asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        body = await request.json()
        if answers:
            return web.Response(status=answers.pop())
        received.append(body)
        if sum(len(batch["items"]) for batch in received) == 2:
            enough.set()
        return web.Response()

    app = web.Application()
    app.router.add_post("/audit", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    hook = tmp_path / "hook.yaml"
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}/audit"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    document = {"clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {}}]}
    hook.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "c", **document}))
    settings = {
        "audit_log_path": "",
        "audit_webhook_config_file": hook,
        "audit_webhook_batch_max_wait": 0.05,
        "audit_webhook_initial_backoff": 0.01,
    }
    try:
        async with audited(files, tmp_path, {"level": "Metadata", "verbs": ["create"]}, **settings) as api:
            await api("POST", MAPS, config_map("a"))
            async with asyncio.timeout(60):
                await enough.wait()
    finally:
        await runner.cleanup()
    assert (received[0]["kind"], received[0]["apiVersion"]) == ("EventList", "audit.k8s.io/v1")
    stages = [event["stage"] for batch in received for event in batch["items"]]
    assert stages == ["RequestReceived", "ResponseComplete"]


async def test_a_strict_log_that_cannot_be_written_refuses_requests(files: PKI, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    settings = {"audit_log_path": str(blocked / "audit.log"), "audit_log_mode": "blocking-strict"}
    async with audited(files, tmp_path, {"level": "Metadata"}, **settings) as api:
        assert await api("GET", MAPS) == 500
    settings["audit_log_mode"] = "blocking"
    async with audited(files, tmp_path, {"level": "Metadata"}, **settings) as api:
        assert await api("GET", MAPS) == 200
