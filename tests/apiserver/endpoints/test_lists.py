"""Lists: selectors, chunks, versions, Tables."""

import base64

import orjson

from tests.apiserver.endpoints.conftest import Web, config_map, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


def names(found: dict) -> list[str]:
    return [item["metadata"]["name"] for item in found["items"]]


async def test_list_has_kind_version_and_items_in_order(web: Web) -> None:
    for name in ("b", "a", "c"):
        await web.ok("POST", MAPS, config_map(name))
    found = await web.ok("GET", MAPS)
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert int(found["metadata"]["resourceVersion"]) > 0
    assert names(found) == ["a", "b", "c"]
    assert names(await web.ok("GET", "/api/v1/configmaps?fieldSelector=metadata.namespace%3Ddefault")) == [
        "a",
        "b",
        "c",
    ]


async def test_empty_list_has_an_empty_array(web: Web) -> None:
    assert (await web.ok("GET", MAPS))["items"] == []


async def test_selectors(web: Web) -> None:
    await web.ok("POST", PODS, pod("one", app="x"))
    second = pod("two", app="y")
    second["spec"]["nodeName"] = "n1"
    await web.ok("POST", PODS, second)
    assert names(await web.ok("GET", f"{PODS}?labelSelector=app%20in%20(x,z)")) == ["one"]
    assert names(await web.ok("GET", f"{PODS}?fieldSelector=spec.nodeName%3Dn1")) == ["two"]
    assert names(await web.ok("GET", f"{PODS}?fieldSelector=metadata.name%3Done")) == ["one"]
    assert names(await web.ok("GET", "/api/v1/pods?fieldSelector=metadata.name!%3Done")) == ["two"]


async def test_chunks_continue_at_the_first_ones_revision(web: Web) -> None:
    for number in range(5):
        await web.ok("POST", MAPS, config_map(f"c{number}"))
    first = await web.ok("GET", f"{MAPS}?limit=2")
    assert names(first) == ["c0", "c1"]
    assert first["metadata"]["remainingItemCount"] == 3
    token = first["metadata"]["continue"]
    decoded = orjson.loads(base64.urlsafe_b64decode(token + "=="))
    assert decoded["v"] == "meta.k8s.io/v1"
    assert str(decoded["rv"]) == first["metadata"]["resourceVersion"]
    await web.ok("DELETE", f"{MAPS}/c3")
    second = await web.ok("GET", f"{MAPS}?limit=2&continue={token}")
    assert names(second) == ["c2", "c3"]
    last = await web.ok("GET", f"{MAPS}?limit=2&continue={second['metadata']['continue']}")
    assert names(last) == ["c4"]
    assert "continue" not in last["metadata"]
    assert last["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_list_at_an_exact_version(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("a"))
    await web.ok("POST", MAPS, config_map("b"))
    version = made["metadata"]["resourceVersion"]
    found = await web.ok("GET", f"{MAPS}?resourceVersion={version}&resourceVersionMatch=Exact")
    assert (names(found), found["metadata"]["resourceVersion"]) == (["a"], version)
    assert names(await web.ok("GET", f"{MAPS}?resourceVersion={version}")) == ["a", "b"]


async def test_tables_have_columns_cells_and_metadata(web: Web) -> None:
    await web.ok("POST", PODS, pod("one"))
    found = await web.ok("GET", PODS, accept=TABLE)
    assert (found["kind"], found["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    columns = [column["name"] for column in found["columnDefinitions"]]
    assert columns[:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
    row = found["rows"][0]
    assert row["cells"][:4] == ["one", "0/1", "Pending", "0"] or row["cells"][:4] == ["one", "0/1", "Pending", 0]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    single = await web.ok("GET", f"{PODS}/one?includeObject=Object", accept=TABLE)
    assert single["rows"][0]["object"]["spec"]["containers"][0]["name"] == "main"
    none = await web.ok("GET", f"{PODS}?includeObject=None", accept=TABLE)
    assert none["rows"][0]["object"] is None
    refused = await web("GET", f"{PODS}?includeObject=Some", accept=TABLE)
    assert refused.status == 400


async def test_large_lists_are_compressed_for_those_who_accept_it(web: Web) -> None:
    for number in range(3):
        await web.ok("POST", MAPS, config_map(f"c{number}", a="x" * 60_000))
    small = await web("GET", f"{MAPS}/c0", Accept_Encoding="gzip")
    assert "Content-Encoding" not in small.headers
    large = await web("GET", MAPS, Accept_Encoding="gzip")
    assert large.headers["Content-Encoding"] == "gzip"
    assert len(large.body) < 60_000
    plain = await web("GET", MAPS, Accept_Encoding="identity")
    assert len(plain.body) > 180_000


async def test_events_are_one_kind_in_two_groups(web: Web) -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e1", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
        "reason": "Because",
        "message": "told",
        "type": "Normal",
    }
    await web.ok("POST", "/api/v1/namespaces/default/events", event)
    other = await web.ok("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e1")
    assert (other["apiVersion"], other["note"], other["regarding"]["name"]) == ("events.k8s.io/v1", "told", "p")
    listed = await web.ok("GET", "/apis/events.k8s.io/v1/events")
    assert listed["items"][0]["note"] == "told"
    assert names(await web.ok("GET", "/api/v1/events?fieldSelector=involvedObject.name%3Dp")) == ["e1"]
