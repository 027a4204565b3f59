"""Who owns what of custom resources, in all their versions and when their schema changes."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields import ConversionNeeded
from pynetes.apiserver.customresources.conversion import ConversionAnswers, NoConversion
from tests.apiserver.customresources.conftest import (
    GROUP,
    PATH,
    SCHEMA,
    Object,
    cron_tab,
    definition,
    establish,
    version,
)
from tests.apiserver.endpoints.conftest import Answer, Web

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
V2 = PATH.replace("/v1/", "/v2/")


def schema() -> Object:
    spec = SCHEMA["properties"]["spec"]
    item = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "port": {"type": "integer", "default": 80},
            "path": {"type": "string"},
        },
    }
    keyed = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name", "port"],
        "items": item,
    }
    tags = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
    properties = {**spec["properties"], "targets": keyed, "tags": tags, "list": {"type": "array", "items": item}}
    return {**SCHEMA, "properties": {**SCHEMA["properties"], "spec": {**spec, "properties": properties}}}


def two_versions() -> Object:
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    shown = {"openAPIV3Schema": schema()}
    return definition(
        version(schema=shown, subresources={"status": {}, "scale": scale}),
        version("v2", storage=False, schema=shown, subresources={"status": {}}),
    )


async def apply(web: Web, config: Object, manager: str = "app", path: str = PATH, query: str = "") -> Answer:
    name = config["metadata"]["name"]
    return await web("PATCH", f"{path}/{name}?fieldManager={manager}{query}", orjson.dumps(config), type=APPLY)


async def applied(web: Web, config: Object, manager: str = "app", path: str = PATH, query: str = "") -> Object:
    answer = await apply(web, config, manager, path, query)
    assert answer.status < 300, answer.body
    found: Object = answer.json
    return found


def owners(obj: Object) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"].get("f:spec") for entry in obj["metadata"].get("managedFields") or ()}


async def test_lists_and_maps_are_what_the_schema_says(web: Web) -> None:
    await establish(web, two_versions())
    config = cron_tab(targets=[{"name": "a"}], tags=["x"], list=[{"name": "q"}], free={"deep": {"er": 1}})
    answer = await apply(web, config)
    assert answer.status == 201
    assert answer.json["spec"]["image"] == "busybox"
    assert owners(answer.json) == {
        "app": {
            "f:cronSpec": {},
            "f:free": {"f:deep": {".": {}, "f:er": {}}},
            "f:list": {},
            "f:tags": {'v:"x"': {}},
            "f:targets": {'k:{"name":"a","port":80}': {".": {}, "f:name": {}}},
        }
    }
    more = {"spec": {"tags": ["x", "y"], "targets": [{"name": "a"}, {"name": "b", "port": 81}], "replicas": 2}}
    await web.ok("PATCH", f"{PATH}/a?fieldManager=ctl", more, type=MERGE)
    merged = await applied(web, cron_tab(targets=[{"name": "c"}], tags=["z"]))
    assert merged["spec"]["tags"] == ["y", "z"]
    assert [target["name"] for target in merged["spec"]["targets"]] == ["b", "c"]
    assert "list" not in merged["spec"]
    assert merged["spec"]["replicas"] == 2


async def test_versions_status_and_scale_share_one_list_of_owners(web: Web) -> None:
    await establish(web, two_versions())
    await applied(web, cron_tab(replicas=2))
    await web.ok("PATCH", f"{V2}/a?fieldManager=two", {"spec": {"image": "other"}}, type=MERGE)
    answer = await apply(web, cron_tab(replicas=2, image="mine"))
    assert answer.message == f'Apply failed with 1 conflict: conflict with "two" using {GROUP}/v2: .spec.image'
    status = {**cron_tab(), "status": {"phase": "fine"}}
    data = orjson.dumps(status)
    shown = await web.ok("PATCH", f"{PATH}/a/status?fieldManager=ctl", data, type=APPLY)
    entry = next(entry for entry in shown["metadata"]["managedFields"] if entry["manager"] == "ctl")
    assert (entry["fieldsV1"], entry["subresource"]) == ({"f:status": {"f:phase": {}}}, "status")
    await web.ok("PATCH", f"{PATH}/a/scale?fieldManager=hpa", {"spec": {"replicas": 5}}, type=MERGE)
    found = await web.ok("GET", f"{V2}/a")
    assert owners(found) == {
        "app": {"f:cronSpec": {}},
        "ctl": None,
        "hpa": {"f:replicas": {}},
        "two": {"f:image": {}},
    }


async def test_what_the_schema_does_not_know_is_refused(web: Web) -> None:
    await establish(web, two_versions())
    answer = await apply(web, cron_tab(unknown=1))
    assert answer.status == 500
    assert answer.message == (
        f"failed to create typed patch object (/a; {GROUP}/v1, Kind=CronTab): "
        ".spec.unknown: field not declared in schema"
    )
    answer = await apply(web, cron_tab(cronSpec="never"))
    assert answer.status == 422


async def test_without_a_schema_maps_are_merged_and_lists_are_whole(web: Web) -> None:
    free = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    await establish(web, definition(version(schema=free)))
    await applied(web, cron_tab(any={"a": 1, "list": [1, 2]}))
    shown = await applied(web, cron_tab(any={"b": 1}), "other")
    assert shown["spec"]["any"] == {"a": 1, "list": [1, 2], "b": 1}
    assert owners(shown)["app"]["f:any"] == {".": {}, "f:a": {}, "f:list": {}}


async def test_what_becomes_atomic_is_owned_as_a_whole_from_then_on(web: Web) -> None:
    made = await establish(web, two_versions())
    await applied(web, cron_tab(free={"a": 1}))
    for shown in made["spec"]["versions"]:
        shown["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["free"]["x-kubernetes-map-type"] = (
            "atomic"
        )
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + made["metadata"]["name"]
    changed = {"spec": {"versions": made["spec"]["versions"]}}
    await web.ok("PATCH", path, changed, type=MERGE)
    labelled = await web.ok("PATCH", f"{PATH}/a?fieldManager=ctl", {"metadata": {"labels": {"a": "b"}}}, type=MERGE)
    assert owners(labelled)["app"] == {"f:cronSpec": {}, "f:free": {}}


class Slow:
    """Converts like a webhook: only for those who wait."""

    def __init__(self) -> None:
        self.asked = 0

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        self.asked += 1
        return [{**obj, "apiVersion": api_version, "converted": True} for obj in objects]


async def test_answers_of_webhooks_are_remembered() -> None:
    slow = Slow()
    answers = ConversionAnswers(slow, limit=1)
    kind, obj = GroupVersionKind(GROUP, "v2", "CronTab"), cron_tab()
    with pytest.raises(ConversionNeeded) as needed:
        answers(obj, kind)
    await answers.fill(needed.value)
    assert answers(cron_tab(), kind) == {**obj, "apiVersion": f"{GROUP}/v2", "converted": True}
    assert slow.asked == 1
    await answers.fill(ConversionNeeded(cron_tab("other"), kind))
    with pytest.raises(ConversionNeeded):
        answers(obj, kind)
    assert ConversionAnswers(NoConversion())(obj, kind) == {**obj, "apiVersion": f"{GROUP}/v2"}
