"""Server-side apply of custom resources goes by the schema of the version that is applied."""

from typing import Any

import pytest

from pynetes.apimachinery.meta import copy
from tests.apiserver.customresources.conftest import CRDS, GROUP, NAME, definition, establish, version
from tests.apiserver.endpoints.conftest import Answer, Web

Object = dict[str, Any]
TEXT = {"type": "string"}
PORT = {"type": "object", "required": ["name"], "properties": {"name": TEXT, "port": {"type": "integer"}}}
SPEC: Object = {
    "type": "object",
    "properties": {
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": PORT,
        },
        "zones": {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
        "args": {"type": "array", "items": TEXT},
        "choice": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": TEXT},
        "labels": {"type": "object", "additionalProperties": TEXT},
        "replicas": {"type": "integer"},
    },
}
STATUS: Object = {"type": "object", "properties": {"replicas": {"type": "integer"}, "phase": TEXT}}
SCALE = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}


def served(name: str, **changes: Any) -> Object:
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}}
    return version(name, schema=schema, subresources={"status": {}, "scale": SCALE}, **changes)


@pytest.fixture
async def applied(web: Web) -> Web:
    await establish(web, definition(served("v1"), served("v2", storage=False)))
    return web


def path(version: str = "v1", subresource: str = "") -> str:
    return f"/apis/{GROUP}/{version}/namespaces/default/crontabs/a{subresource}"


async def apply(
    web: Web,
    manager: str,
    spec: Object | None = None,
    *,
    status: Object | None = None,
    version: str = "v1",
    force: bool = False,
    subresource: str = "",
) -> Answer:
    body: Object = {"apiVersion": f"{GROUP}/{version}", "kind": "CronTab", "metadata": {"name": "a"}}
    body |= {key: value for key, value in (("spec", spec), ("status", status)) if value is not None}
    query = f"?fieldManager={manager}" + ("&force=true" if force else "")
    return await web("PATCH", path(version, subresource) + query, body, type="application/apply-patch+yaml")


def owned(obj: Object, manager: str, subresource: str = "") -> Object:
    for entry in obj["metadata"]["managedFields"]:
        if (entry["manager"], entry.get("subresource", "")) == (manager, subresource):
            fields: Object = entry["fieldsV1"]
            return fields
    return {}


async def test_lists_and_maps_merge_as_their_types_say(applied: Web) -> None:
    first = {"ports": [{"name": "http", "port": 80}], "zones": ["a", "b"], "args": ["x"], "labels": {"k": "1"}}
    assert (await apply(applied, "one", first)).status == 201
    second = {"ports": [{"name": "dns", "port": 53}], "zones": ["b", "c"], "labels": {"m": "2"}}
    merged = await apply(applied, "two", second)
    assert merged.status == 200
    assert merged.json["spec"] == {
        "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53}],
        "zones": ["a", "b", "c"],
        "args": ["x"],
        "labels": {"k": "1", "m": "2"},
    }
    assert owned(merged.json, "two")["f:spec"]["f:ports"] == {'k:{"name":"dns"}': {".": {}, "f:name": {}, "f:port": {}}}
    left = await apply(applied, "one", {"args": ["x"]})
    assert left.json["spec"] == {**second, "args": ["x"]}, "what nobody applies any more goes"


async def test_atomic_values_and_leaves_conflict(applied: Web) -> None:
    await apply(applied, "one", {"args": ["x"], "choice": {"a": "1"}, "replicas": 1})
    refused = await apply(applied, "two", {"args": ["y"], "choice": {"b": "2"}, "replicas": 2})
    assert (refused.status, refused.json["reason"]) == (409, "Conflict")
    assert [cause["field"] for cause in refused.json["details"]["causes"]] == [
        ".spec.args",
        ".spec.choice",
        ".spec.replicas",
    ]
    forced = await apply(applied, "two", {"args": ["y"], "choice": {"b": "2"}, "replicas": 2}, force=True)
    assert forced.json["spec"] == {"args": ["y"], "choice": {"b": "2"}, "replicas": 2}
    assert owned(forced.json, "one") == {}


async def test_status_and_scale_have_owners_of_their_own(applied: Web) -> None:
    await apply(applied, "one", {"replicas": 1}, status={"phase": "ignored"})
    made = await apply(applied, "worker", {"replicas": 5}, status={"phase": "Ready"}, subresource="/status")
    assert (made.json["spec"], made.json["status"]) == ({"replicas": 1}, {"phase": "Ready"})
    assert owned(made.json, "worker", "status") == {"f:status": {"f:phase": {}}}
    assert owned(made.json, "one") == {"f:spec": {"f:replicas": {}}}
    merge = "application/merge-patch+json"
    await applied.ok("PATCH", f"{path(subresource='/scale')}?fieldManager=hpa", {"spec": {"replicas": 3}}, type=merge)
    refused = await apply(applied, "one", {"replicas": 1})
    assert refused.status == 409
    assert 'conflict with "hpa" with subresource "scale" using stable.example.com/v1' in refused.message


async def test_managers_of_several_versions_meet(applied: Web) -> None:
    await apply(applied, "one", {"replicas": 1})
    refused = await apply(applied, "two", {"replicas": 2}, version="v2")
    assert refused.status == 409
    assert refused.message == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    moved = await apply(applied, "one", {"args": ["x"]}, version="v2")
    assert moved.json["spec"] == {"args": ["x"]}
    assert [entry["apiVersion"] for entry in moved.json["metadata"]["managedFields"]] == [f"{GROUP}/v2"]


async def test_what_the_schema_does_not_allow_is_refused(applied: Web) -> None:
    unknown = await apply(applied, "one", {"unknown": 1})
    assert unknown.status == 500
    assert unknown.message == (
        "failed to create typed patch object (/a; stable.example.com/v1, Kind=CronTab): "
        ".spec.unknown: field not declared in schema"
    )
    twice = await apply(applied, "one", {"ports": [{"name": "a"}, {"name": "a"}]})
    assert 'duplicate entries for key [name="a"]' in twice.message


async def test_a_changed_schema_counts_at_once(applied: Web) -> None:
    await apply(applied, "one", {"args": ["x"]})
    crd = await applied.ok("GET", f"{CRDS}/{NAME}")
    for each in crd["spec"]["versions"]:
        each["schema"] = copy(each["schema"])
        properties = each["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        properties["args"]["x-kubernetes-list-type"] = "set"
    await applied.ok("PUT", f"{CRDS}/{NAME}", crd)
    merged = await apply(applied, "two", {"args": ["y"]})
    assert (merged.status, merged.json["spec"]) == (200, {"args": ["x", "y"]})


async def test_the_server_owns_what_it_writes_of_a_definition(applied: Web) -> None:
    crd = await applied.ok("GET", f"{CRDS}/{NAME}")
    fields = owned(crd, "kube-apiserver", "status")["f:status"]
    assert set(fields["f:conditions"]) == {'k:{"type":"Established"}', 'k:{"type":"NamesAccepted"}'}
    assert set(fields["f:acceptedNames"]) == {
        "f:kind",
        "f:listKind",
        "f:plural",
        "f:shortNames",
        "f:singular",
        "f:categories",
    }


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"replicas": None}, "spec.replicas"),
        ({"labels": {"k": None}}, "spec.labels.k"),
        ({"ports": [{"name": "http", "port": None}]}, "spec.ports[0].port"),
        ({"args": None}, "spec.args"),
    ],
)
async def test_nulls_that_the_schema_refuses_are_told(applied: Web, spec: Object, where: str) -> None:
    refused = await apply(applied, "one", spec)
    assert (refused.status, refused.json["details"]["causes"][0]["field"]) == (422, where)
    body = {"apiVersion": f"{GROUP}/v1", "kind": "CronTab", "metadata": {"name": "a"}, "spec": spec}
    created = await applied("POST", path().removesuffix("/a"), body)
    assert created.status == 201, "a create drops them"
