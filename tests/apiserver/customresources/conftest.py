"""Definitions of test kinds, and waiting until they are served."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.server import APIServer
from pynetes.component import clock
from tests.apiserver.endpoints.conftest import Web, config, kubectl, web

__all__ = ["config", "kubectl", "web"]

Object = dict[str, Any]

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "stable.example.com"
NAME = f"crontabs.{GROUP}"
CRON_TABS = GroupVersionResource(GROUP, "v1", "crontabs")
PATH = f"/apis/{GROUP}/v1/namespaces/default/crontabs"

SCHEMA: Object = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "description": "What to run and when.",
            "required": ["cronSpec"],
            "properties": {
                "cronSpec": {"type": "string", "pattern": r"^\S+( \S+){4}$", "description": "When to run."},
                "image": {"type": "string", "default": "busybox"},
                "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        },
        "status": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "selector": {"type": "string"},
                "phase": {"type": "string"},
            },
        },
    },
}


def version(name: str = "v1", **changes: Any) -> Object:
    return {"name": name, "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}, **changes}


def definition(*versions: Object, **spec: Any) -> Object:
    names = {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"], "categories": ["all"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": names,
            "versions": list(versions) or [version()],
            **spec,
        },
    }


def full() -> Object:
    """With everything that a version may have."""
    return definition(
        version(
            subresources={
                "status": {},
                "scale": {
                    "specReplicasPath": ".spec.replicas",
                    "statusReplicasPath": ".status.replicas",
                    "labelSelectorPath": ".status.selector",
                },
            },
            additionalPrinterColumns=[
                {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
                {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas", "priority": 1},
                {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
            ],
            selectableFields=[{"jsonPath": ".spec.image"}],
        )
    )


def cron_tab(name: str = "a", api_version: str = f"{GROUP}/v1", **spec: Any) -> Object:
    return {
        "apiVersion": api_version,
        "kind": "CronTab",
        "metadata": {"name": name},
        "spec": {"cronSpec": "* * * * *", **spec},
    }


async def until(check: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Waits for a condition that an awaitable check tells."""
    end = clock.monotonic() + seconds
    while True:
        found = await check()
        if found:
            return found
        assert clock.monotonic() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.02)


async def condition(web: Web, type: str, name: str = NAME) -> Object | None:
    answer = await web("GET", f"{CRDS}/{name}")
    if answer.status != 200:
        return None
    conditions = answer.json.get("status", {}).get("conditions") or []
    return next((c for c in conditions if c["type"] == type), None)


async def establish(web: Web, wanted: Object) -> Object:
    """Creates a definition and waits for it."""
    await web.ok("POST", CRDS, wanted)
    name = wanted["metadata"]["name"]

    async def established() -> bool:
        found = await condition(web, "Established", name)
        return found is not None and found["status"] == "True"

    await until(established, f"{name} to be established")
    made: Object = await web.ok("GET", f"{CRDS}/{name}")
    return made


@pytest.fixture
async def server(config: Callable[..., APIServerConfig]) -> AsyncIterator[APIServer]:
    async with APIServer(config(storage="memory:")) as server:
        await server.ready()
        yield server


@pytest.fixture
async def crontabs(web: Web) -> Object:
    return await establish(web, full())
