"""Webhooks on loopback, over HTTPS, that answer as a test says, and a server that asks them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aioweb

from pynetes.apiserver.server import APIServer
from pynetes.component import certificates
from pynetes.component.pki import PKI
from tests.apiserver.endpoints.conftest import Web, config, kubectl, web
from tests.apiserver.settling import settled

__all__ = ["config", "kubectl", "web"]

Object = dict[str, Any]
#: From the request in a review to what the response has besides the uid.
Behaviour = Callable[[Object], Object]

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def allow(request: Object) -> Object:
    return {"allowed": True}


def deny(message: str = "", **status: Any) -> Behaviour:
    def answer(request: Object) -> Object:
        return {"allowed": False, "status": {**({"message": message} if message else {}), **status}}

    return answer


def patch(*operations: Object, **more: Any) -> Behaviour:
    text = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda request: {"allowed": True, "patchType": "JSONPatch", "patch": text, **more}


def add(path: str, value: Any) -> Object:
    return {"op": "add", "path": path, "value": value}


class Hooks:
    """A server of webhooks: each path has its behaviour. `asked` are the requests, by path and in order."""

    def __init__(self, files: PKI) -> None:
        self.files = files
        self.port = 0
        self.behaviours: dict[str, Behaviour] = {}
        self.raw: dict[str, Callable[[Object], aioweb.StreamResponse]] = {}
        self.asked: list[tuple[str, Object]] = []
        #: What one waits for before it answers.
        self.gates: dict[str, asyncio.Event] = {}
        #: What each was told of how long it is waited for.
        self.timeouts: dict[str, str] = {}
        #: How many are being asked.
        self.at_once = 0

    async def handle(self, request: aioweb.Request) -> aioweb.StreamResponse:
        name = request.match_info["name"]
        review = await request.json()
        self.asked.append((name, review["request"]))
        self.timeouts[name] = request.query.get("timeout", "")
        self.at_once += 1
        try:
            if name in self.gates:
                await self.gates[name].wait()
        finally:
            self.at_once -= 1
        if name in self.raw:
            return self.raw[name](review)
        response = {"uid": review["request"]["uid"], **self.behaviours.get(name, allow)(review["request"])}
        return aioweb.json_response({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response})

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.asked]

    def client(self, name: str) -> Object:
        bundle = base64.b64encode(Path(self.files.ca.certificate).read_bytes()).decode()
        return {"url": f"https://127.0.0.1:{self.port}/{name}", "caBundle": bundle}

    def hook(self, name: str, **changes: Any) -> Object:
        """A webhook for creates and updates of config maps."""
        return {
            "name": f"{name}.example.com",
            "clientConfig": self.client(name),
            "rules": [rule("configmaps")],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 30,
            **changes,
        }


def rule(
    *resources: str, operations: tuple[str, ...] = ("CREATE", "UPDATE"), group: str = "", **changes: Any
) -> Object:
    return {
        "operations": list(operations),
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "resources": list(resources),
        **changes,
    }


@pytest.fixture
async def hooks(files: PKI) -> AsyncIterator[Hooks]:
    hooks = Hooks(files)
    app = aioweb.Application()
    app.router.add_post("/{name}", hooks.handle)
    runner = aioweb.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    tls = certificates.server_context(files.apiserver.certificate, files.apiserver.key)
    await aioweb.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    hooks.port = runner.addresses[0][1]
    yield hooks
    for gate in hooks.gates.values():
        gate.set()
    await runner.cleanup()


class Cluster:
    """Writes through the server, and configurations that take effect before they return."""

    def __init__(self, web: Web, server: APIServer) -> None:
        self.web = web
        self.server = server

    async def configure(self, kind: str, *webhooks: Object, name: str = "test") -> None:
        """`kind` is validating or mutating."""
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind.capitalize()}WebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": list(webhooks),
        }
        await self.web.ok("POST", CONFIGURATIONS.format(kind), body)
        await self.settled()

    async def settled(self) -> None:
        """What was written is in force."""
        await settled(self.server)

    async def create(self, name: str = "a", *, query: str = "", **changes: Any) -> Any:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **changes}
        return await self.web("POST", CONFIG_MAPS + query, body)


@pytest.fixture
def cluster(web: Web, server: APIServer) -> Cluster:
    return Cluster(web, server)
