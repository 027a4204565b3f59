"""Definitions come, go, survive a restart, and are served by every server of a store."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.server import APIServer
from pynetes.component import certificates
from pynetes.component.pki import PKI
from pynetes.storage.opening import open_store
from tests.apiserver.customresources.conftest import (
    CRDS,
    GROUP,
    NAME,
    PATH,
    condition,
    cron_tab,
    definition,
    establish,
    full,
    until,
    version,
)
from tests.apiserver.endpoints.conftest import Web

Object = dict[str, Any]
Config = Callable[..., APIServerConfig]
MERGE = "application/merge-patch+json"


@pytest.fixture
def tls(files: PKI) -> ssl.SSLContext:
    return certificates.client_context(files.ca.certificate, files.admin.certificate, files.admin.key)


@pytest.fixture
async def session(tls: ssl.SSLContext) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls), auto_decompress=False) as session:
        yield session
    await asyncio.sleep(0)


def web_of(session: aiohttp.ClientSession, server: APIServer) -> Web:
    return Web(session, f"https://127.0.0.1:{server.port}")


async def gone(web: Web, path: str = f"{CRDS}/{NAME}") -> bool:
    return (await web("GET", path)).status == 404


async def test_a_definition_goes_when_its_objects_have(web: Web) -> None:
    await establish(web, full())
    await web.ok("POST", PATH, cron_tab("a"))
    held = {**cron_tab("b"), "metadata": {"name": "b", "finalizers": ["example.com/held"]}}
    await web.ok("POST", PATH, held)
    deleted = await web.ok("DELETE", f"{CRDS}/{NAME}")
    assert deleted["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert deleted["status"]["conditions"][-1]["reason"] == "InstanceDeletionPending"

    async def in_progress() -> bool:
        found = await condition(web, "Terminating")
        return found is not None and found["reason"] == "InstanceDeletionInProgress"

    await until(in_progress, "the deletion of objects")
    await until(lambda: gone(web, f"{PATH}/a"), "the first object's end")
    refused = await web("POST", PATH, cron_tab("c"))
    assert (refused.status, refused.message) == (
        403,
        'crontabs.stable.example.com "c" is forbidden: create not allowed while custom resource definition is '
        "terminating",
    )
    verbs = (await web.ok("GET", f"/apis/{GROUP}/v1"))["resources"][0]["verbs"]
    assert "create" not in verbs
    assert "deletecollection" in verbs
    await web.ok("PATCH", f"{PATH}/b", {"metadata": {"finalizers": None}}, type=MERGE)
    await until(lambda: gone(web), "the definition's end")
    assert (await web("GET", PATH)).status == 404


async def test_a_definition_that_comes_again_has_no_old_objects(web: Web) -> None:
    await establish(web, full())
    await web.ok("POST", PATH, cron_tab("a"))
    await web.ok("DELETE", f"{CRDS}/{NAME}")
    await until(lambda: gone(web), "the definition's end")
    await establish(web, full())
    assert (await web.ok("GET", PATH))["items"] == []


async def test_one_that_never_was_established_goes_at_once(web: Web) -> None:
    await establish(web, full())
    second = definition()
    second["metadata"]["name"] = f"others.{GROUP}"
    second["spec"]["names"] = {"plural": "others", "kind": "CronTab"}
    await web.ok("POST", CRDS, second)

    async def refused() -> Any:
        found = await condition(web, "NamesAccepted", f"others.{GROUP}")
        return found if found is not None and found["status"] == "False" else None

    assert (await until(refused, "the conflict"))["reason"] == "ListKindConflict"
    assert (await web("GET", f"/apis/{GROUP}/v1/others")).status == 404
    await web.ok("DELETE", f"{CRDS}/others.{GROUP}")
    await until(lambda: gone(web, f"{CRDS}/others.{GROUP}"), "its end")
    await web.ok("POST", CRDS, second)
    await until(refused, "the conflict")
    await web.ok("DELETE", f"{CRDS}/{NAME}")

    async def accepted() -> bool:
        found = await condition(web, "Established", f"others.{GROUP}")
        return found is not None and found["status"] == "True"

    await until(accepted, "the names to be free")


async def test_deleting_all_definitions_deletes_their_objects(web: Web, server: APIServer) -> None:
    await establish(web, full())
    await web.ok("POST", PATH, cron_tab("a"))
    await web.ok("DELETE", CRDS)
    await until(lambda: gone(web), "the definition's end")
    found = await server.registry.store.list(f"/registry/{GROUP}/")
    assert found.items == []


async def test_cluster_scope(web: Web) -> None:
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    await establish(web, definition(version(subresources={"scale": scale}), scope="Cluster"))
    made = await web.ok("POST", f"/apis/{GROUP}/v1/crontabs", cron_tab("a"))
    assert "namespace" not in made["metadata"]
    assert (await web("GET", f"{PATH}/a")).status == 404
    assert (await web.ok("GET", f"/apis/{GROUP}/v1/crontabs/a"))["spec"]["image"] == "busybox"
    merge, path = "application/merge-patch+json", f"/apis/{GROUP}/v1/crontabs/a/scale"
    assert (await web.ok("PATCH", path, {"spec": {"replicas": 3}}, type=merge))["spec"] == {"replicas": 3}


async def test_a_restart_finds_all_as_it_was(config: Config, session: aiohttp.ClientSession, tmp_path: Path) -> None:
    settings = config(storage=f"sqlite://{tmp_path / 'state.db'}")
    async with APIServer(settings) as server:
        await server.ready()
        web = web_of(session, server)
        await establish(web, full())
        made = await web.ok("POST", PATH, cron_tab("a"))
    async with APIServer(settings) as server:
        web = web_of(session, server)
        assert await web.ok("GET", f"{PATH}/a") == made, "served before anything else is ready"
        assert (await web.ok("GET", f"/apis/{GROUP}"))["preferredVersion"]["version"] == "v1"
        await server.ready()


async def test_every_server_of_a_store_serves_it(
    config: Config, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    store = await open_store("memory:")
    try:
        async with APIServer(config(), store=store) as one, APIServer(config(), store=store) as two:
            await one.ready()
            await two.ready()
            first, second = web_of(session, one), web_of(session, two)
            await establish(first, full())
            made = await second.ok("POST", PATH, cron_tab("a"))
            assert await first.ok("GET", f"{PATH}/a") == made

            async def published() -> bool:
                return (await second("GET", f"/apis/{GROUP}/v1")).status == 200

            await until(published, "the other's discovery")
            await second.ok("DELETE", f"{CRDS}/{NAME}")
            await until(lambda: gone(first), "the definition's end")
            for web in (first, second):
                await until(lambda web=web: gone(web, PATH), "the objects' end")  # type: ignore[misc]
    finally:
        await store.close()


async def test_rights_are_those_of_any_resource(web: Web, server: APIServer, kubectl: Callable[..., Any]) -> None:
    await establish(web, full())
    await kubectl("create", "role", "r", "--verb=get,list", f"--resource=crontabs.{GROUP}")
    await kubectl("create", "rolebinding", "r", "--role=r", "--user=jane")
    for verb, answer in (("get", "yes"), ("create", "no")):
        _, out = await kubectl("auth", "can-i", verb, f"crontabs.{GROUP}", "--as=jane")
        assert out.strip() == answer
    code, out = await kubectl("get", "crontabs", "--as=jane")
    assert code == 0, out
    code, out = await kubectl("delete", "crontabs", "--all", "--as=jane")
    assert code == 0 or "forbidden" in out
