"""componentstatuses: asked at every request, in every form that clients want."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web as http

from pynetes.apis.names import COMPONENT_STATUSES
from pynetes.apis.registry import RESOURCES
from pynetes.apiserver.endpoints import component_status
from pynetes.apiserver.endpoints.component_status import Health, probe_server
from pynetes.apiserver.http import Request
from pynetes.storage.memory import MemoryStore
from pynetes.storage.opening import members
from tests.apiserver.endpoints.conftest import Web

PATH = "/api/v1/componentstatuses"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


async def test_every_component_has_an_entry_and_the_store_is_well(web: Web) -> None:
    answer = await web("GET", PATH)
    found = answer.json
    assert (found["kind"], found["metadata"]) == ("ComponentStatusList", {})
    by_name = {item["metadata"]["name"]: item["conditions"] for item in found["items"]}
    assert list(by_name) == ["controller-manager", "etcd-0", "scheduler"]
    assert by_name["etcd-0"] == [{"type": "Healthy", "status": "True", "message": "ok"}]
    assert answer.headers["Warning"] == '299 - "v1 ComponentStatus is deprecated in v1.19+"'


async def test_one_component(web: Web) -> None:
    found = await web.ok("GET", f"{PATH}/etcd-0")
    assert (found["kind"], found["apiVersion"], found["metadata"]) == ("ComponentStatus", "v1", {"name": "etcd-0"})
    missing = await web("GET", f"{PATH}/none")
    assert (missing.status, missing.message) == (404, 'componentstatus "none" not found')


async def test_as_a_table_and_as_metadata(web: Web) -> None:
    found = await web.ok("GET", f"{PATH}?fieldSelector=metadata.name%3Detcd-0", accept=TABLE)
    assert [column["name"] for column in found["columnDefinitions"]] == ["Name", "Status", "Message", "Error"]
    assert [row["cells"] for row in found["rows"]] == [["etcd-0", "Healthy", "ok", ""]]
    partial = await web.ok("GET", PATH, accept="application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
    assert len(partial["items"]) == 3
    assert (await web("GET", PATH, accept="application/vnd.kubernetes.protobuf")).body.startswith(b"k8s\0")
    one = await web.ok("GET", f"{PATH}/etcd-0", accept=TABLE)
    assert one["rows"][0]["cells"][1] == "Healthy"


async def test_nothing_can_be_labelled_or_written(web: Web) -> None:
    assert (await web.ok("GET", f"{PATH}?labelSelector=a%3Db"))["items"] == []
    assert (await web("POST", PATH, {"kind": "ComponentStatus", "apiVersion": "v1"})).status == 405


@pytest.fixture
async def component() -> AsyncIterator[tuple[str, list[int]]]:
    """A server's URL and the status it answers with."""
    status = [200]

    async def answer(request: http.Request) -> http.Response:
        return http.Response(status=status[0], text="ok")

    application = http.Application()
    application.router.add_get("/healthz", answer)
    runner = http.AppRunner(application)
    await runner.setup()
    site = http.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/healthz", status
    await runner.cleanup()


async def test_a_component_is_as_it_answers(component: tuple[str, list[int]]) -> None:
    url, status = component
    assert await probe_server(url) == Health("True", "ok")
    status[0] = 500
    assert await probe_server(url) == Health("False", "HTTP probe failed with statuscode: 500")


async def test_a_component_that_is_not_there() -> None:
    url = "https://127.0.0.1:9/healthz"
    said = f'Get "{url}": dial tcp 127.0.0.1:9: connect: connection refused'
    assert await probe_server(url) == Health("False", said)


async def test_a_store_that_fails_is_told() -> None:
    store = MemoryStore()
    probes = component_status.probes(store, "etcd://127.0.0.1:9,127.0.0.2:9")
    assert sorted(probes) == ["controller-manager", "etcd-0", "etcd-1", "scheduler"]
    broken = component_status.handlers(next(r for r in RESOURCES if r.gvr == COMPONENT_STATUSES), {"etcd-0": _unwell})
    answer = await broken["list"](Request("GET", PATH, {}, {}, _no_body))
    assert b'"status":"False","error":"no leader"' in answer.body  # type: ignore[union-attr]
    await store.close()


async def _no_body() -> bytes:
    return b""


async def _unwell() -> Health:
    return Health("False", error="no leader")


def test_members_of_a_store() -> None:
    assert members("sqlite:///var/lib/state.db") == []
    assert members("etcd://a:2379") == []
    assert members("etcds://a:1,b:2?cacert=f") == ["etcds://a:1?cacert=f", "etcds://b:2?cacert=f"]
    assert members("etcd://a,[::1]:2379/x") == ["etcd://a/x", "etcd://[::1]:2379/x"]
