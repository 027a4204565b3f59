"""Answers in protobuf: single objects, lists, watches, errors, and what has no such form."""

import asyncio
import struct
from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.protobuf.decoder import MAGIC, MEDIA_TYPE, decode
from pynetes.apimachinery.protobuf.encoder import encode_watch_event
from tests.apiserver.endpoints.conftest import Answer, Web, config_map

MAPS = "/api/v1/namespaces/default/configmaps"
NOTHING = GroupVersionKind("", "v1", "Unheard")


def parsed(answer: Answer) -> dict[str, Any]:
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    return decode(answer.body, NOTHING)


async def test_an_object_is_the_same_in_both_forms(web: Web) -> None:
    created = parsed(await web("POST", MAPS, config_map("a"), accept=MEDIA_TYPE))
    assert (created["kind"], created["metadata"]["name"]) == ("ConfigMap", "a")
    plain = await web.ok("GET", f"{MAPS}/a")
    found = parsed(await web("GET", f"{MAPS}/a", accept=f"{MEDIA_TYPE},application/json"))
    assert found["metadata"]["uid"] == plain["metadata"]["uid"]
    assert found["metadata"]["resourceVersion"] == plain["metadata"]["resourceVersion"]
    assert found["metadata"]["creationTimestamp"] == plain["metadata"]["creationTimestamp"]


async def test_a_list_carries_its_metadata_and_items(web: Web) -> None:
    for name in ("a", "b", "c"):
        await web.ok("POST", MAPS, config_map(name))
    found = parsed(await web("GET", f"{MAPS}?limit=2", accept=MEDIA_TYPE))
    assert (found["kind"], [item["metadata"]["name"] for item in found["items"]]) == ("ConfigMapList", ["a", "b"])
    assert found["metadata"]["continue"]
    assert found["metadata"]["remainingItemCount"] >= 1


async def test_errors_are_statuses(web: Web) -> None:
    answer = await web("GET", f"{MAPS}/missing", accept=MEDIA_TYPE)
    found = parsed(answer)
    assert answer.status == 404
    assert (found["kind"], found["reason"], found["code"]) == ("Status", "NotFound", 404)
    assert found["details"]["name"] == "missing"


async def test_metadata_alone(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("a"))
    form = f"{MEDIA_TYPE};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    found = parsed(await web("GET", f"{MAPS}/a", accept=form))
    assert (found["apiVersion"], found["kind"]) == ("meta.k8s.io/v1", "PartialObjectMetadata")
    assert found["metadata"]["name"] == "a"


async def test_what_has_no_protobuf_form_goes_by_the_next_clause_or_is_not_acceptable(web: Web) -> None:
    table = f"{MEDIA_TYPE};as=Table;g=meta.k8s.io;v=v1"
    assert (await web("GET", MAPS, accept=table)).status == 406
    answer = await web("GET", MAPS, accept=f"{table},application/json")
    assert answer.json["kind"] == "ConfigMapList"
    assert (await web("GET", "/version", accept=MEDIA_TYPE)).status == 406


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/api", "APIVersions"), ("/apis", "APIGroupList"), ("/apis/apps", "APIGroup"), ("/api/v1", "APIResourceList")],
)
async def test_discovery(web: Web, path: str, kind: str) -> None:
    assert parsed(await web("GET", path, accept=MEDIA_TYPE))["kind"] == kind


async def test_a_watch_is_frames_with_their_lengths(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("a"))
    async with web.session.get(f"{web.base}{MAPS}?watch=1", headers={"Accept": MEDIA_TYPE}) as answer:
        assert answer.headers["Content-Type"] == f"{MEDIA_TYPE};stream=watch"

        async def next_event() -> tuple[str, dict[str, Any]]:
            head = await answer.content.readexactly(4)
            event = await answer.content.readexactly(*struct.unpack(">I", head))
            kind, enveloped = event[2 : 2 + event[1]].decode(), event[event.index(MAGIC) :]
            assert head + event == encode_watch_event(kind, enveloped)
            return kind, decode(enveloped, NOTHING)

        async with asyncio.timeout(60):
            kind, obj = await next_event()
            assert (kind, obj["metadata"]["name"]) == ("ADDED", "a")
            await web.ok("DELETE", f"{MAPS}/a")
            kind, obj = await next_event()
            assert (kind, obj["metadata"]["name"]) == ("DELETED", "a")
