"""Objects of a definition over HTTPS: what any resource does, and what the schema adds."""

from typing import Any

import orjson
import pytest

from tests.apiserver.customresources.conftest import CRDS, GROUP, NAME, PATH, cron_tab
from tests.apiserver.endpoints.conftest import Web

pytestmark = pytest.mark.usefixtures("crontabs")

MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def test_objects_are_pruned_defaulted_and_counted(web: Web) -> None:
    made = await web("POST", PATH, {**cron_tab(unknown=1, free={"x": {"y": 1}}), "status": {"phase": "x"}})
    assert made.status == 201
    assert made.json["spec"] == {
        "cronSpec": "* * * * *",
        "free": {"x": {"y": 1}},
        "image": "busybox",
        "replicas": 1,
    }
    assert "status" not in made.json
    assert made.json["metadata"]["generation"] == 1
    assert made.headers.getall("Warning") == ['299 - "unknown field \\"spec.unknown\\""']


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        (
            "?fieldValidation=Strict",
            400,
            'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: duplicate field '
            '"spec.cronSpec", unknown field "metadata.m", unknown field "b", unknown field "spec.a"',
        ),
        ("?fieldValidation=Ignore", 201, ""),
    ],
)
async def test_field_validation(web: Web, query: str, status: int, message: str) -> None:
    body = b"""{"apiVersion": "stable.example.com/v1", "kind": "CronTab", "metadata": {"name": "a", "m": 1}, "b": 1,
        "spec": {"cronSpec": "* * * * *", "cronSpec": "* * * * *", "a": 1}}"""
    answer = await web("POST", PATH + query, body)
    assert answer.status == status
    assert answer.json.get("message", "") == message
    assert "Warning" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (
            cron_tab(replicas=11, cronSpec="x"),
            422,
            'CronTab.stable.example.com "a" is invalid: [spec.cronSpec: Invalid value: "x": spec.cronSpec in body '
            "should match '^\\S+( \\S+){4}$', spec.replicas: Invalid value: 11: spec.replicas in body should be less "
            "than or equal to 10]",
        ),
        (
            {**cron_tab(), "kind": "Foo"},
            422,
            'Foo.stable.example.com "a" is invalid: kind: Invalid value: "Foo": must be CronTab',
        ),
        (
            {**cron_tab(), "apiVersion": f"{GROUP}/v2"},
            400,
            "the API version in the data (stable.example.com/v2) does not match the expected API version "
            "(stable.example.com/v1)",
        ),
        (
            {"apiVersion": f"{GROUP}/v1"},
            400,
            "the object provided is unrecognized (must be of type CronTab): Object 'Kind' is missing in "
            '\'{"apiVersion":"stable.example.com/v1"}\' ({"apiVersion":"stable.example. ...)',
        ),
        (
            {**cron_tab(), "metadata": {"name": 5}},
            400,
            'CronTab in version "v1" cannot be handled as a CronTab: json: cannot unmarshal number into Go struct '
            "field ObjectMeta.name of type string",
        ),
    ],
)
async def test_refusals(web: Web, body: Any, status: int, message: str) -> None:
    answer = await web("POST", PATH, body)
    assert (answer.status, answer.message) == (status, message)


async def test_updates_need_a_version_and_count_generations(web: Web) -> None:
    made = await web.ok("POST", PATH, cron_tab())
    unconditional = await web("PUT", f"{PATH}/a", cron_tab())
    assert unconditional.status == 422
    assert "metadata.resourceVersion: Invalid value: " in unconditional.message
    made["metadata"]["labels"] = {"a": "b"}
    labelled = await web.ok("PUT", f"{PATH}/a", made)
    assert labelled["metadata"]["generation"] == 1
    labelled["spec"]["image"] = "other"
    changed = await web.ok("PUT", f"{PATH}/a", labelled)
    assert changed["metadata"]["generation"] == 2
    assert (await web("PUT", f"{PATH}/a", labelled)).status == 409


async def test_status_and_spec_are_written_apart(web: Web) -> None:
    await web.ok("POST", PATH, cron_tab())
    both = {"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 3}, "status": {"phase": "up", "replicas": 2}}
    written = await web.ok("PATCH", f"{PATH}/a/status", both, type=MERGE)
    assert written["status"] == {"phase": "up", "replicas": 2}
    assert written["spec"]["replicas"] == 1
    assert "labels" not in written["metadata"]
    assert written["metadata"]["generation"] == 1
    main = await web.ok("PATCH", f"{PATH}/a", both | {"status": {"phase": "down"}}, type=MERGE)
    assert main["status"] == {"phase": "up", "replicas": 2}
    assert main["metadata"]["generation"] == 2
    refused = await web("PATCH", f"{PATH}/a/status", {"status": {"phase": 5}}, type=MERGE)
    assert refused.message == (
        'CronTab.stable.example.com "a" is invalid: status.phase: Invalid value: "integer": phase in body must be of '
        'type string: "integer"'
    )


async def test_scale(web: Web) -> None:
    await web.ok("POST", PATH, cron_tab(replicas=3))
    await web.ok("PATCH", f"{PATH}/a/status", {"status": {"replicas": 2, "selector": "a=b"}}, type=MERGE)
    scale = await web.ok("GET", f"{PATH}/a/scale")
    assert (scale["kind"], scale["spec"], scale["status"]) == (
        "Scale",
        {"replicas": 3},
        {"replicas": 2, "selector": "a=b"},
    )
    scale["spec"]["replicas"] = 5
    assert (await web.ok("PUT", f"{PATH}/a/scale", scale))["spec"] == {"replicas": 5}
    assert (await web.ok("GET", f"{PATH}/a"))["spec"]["replicas"] == 5
    stale = await web("PUT", f"{PATH}/a/scale", scale)
    assert stale.status == 409
    del scale["metadata"]["resourceVersion"]
    assert (await web.ok("PUT", f"{PATH}/a/scale", scale))["spec"] == {"replicas": 5}
    strategic = await web("PATCH", f"{PATH}/a/scale", {}, type="application/strategic-merge-patch+json")
    assert strategic.status == 415
    refused = await web("PATCH", f"{PATH}/a/scale", {"spec": {"replicas": 50}}, type=MERGE)
    assert refused.status == 422
    negative = await web("PATCH", f"{PATH}/a/scale", {"spec": {"replicas": -1}}, type=MERGE)
    assert ".spec.replicas: Invalid value: -1: should be a non-negative integer" in negative.message
    table = await web.ok("GET", f"{PATH}/a/scale", accept=TABLE)
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]


async def test_patches(web: Web) -> None:
    await web.ok("POST", PATH, cron_tab())
    patched = await web.ok("PATCH", f"{PATH}/a", [{"op": "add", "path": "/spec/image", "value": "x"}], type=JSON_PATCH)
    assert patched["spec"]["image"] == "x"
    again = await web.ok("PATCH", f"{PATH}/a", {"spec": {"image": None}}, type=MERGE)
    assert again["spec"]["image"] == "busybox"
    strategic = await web("PATCH", f"{PATH}/a", {}, type="application/strategic-merge-patch+json")
    assert (strategic.status, strategic.message) == (
        415,
        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
        "application/merge-patch+json, application/apply-patch+yaml",
    )
    strict = await web("PATCH", f"{PATH}/a?fieldValidation=Strict", {"spec": {"z": 1}}, type=MERGE)
    assert strict.status == 422
    assert 'strict decoding error: unknown field \\"spec.z\\"' in orjson.dumps(strict.json).decode()


async def test_no_protobuf(web: Web) -> None:
    protobuf = "application/vnd.kubernetes.protobuf"
    refused = await web("POST", PATH, b"k8s\0", type=protobuf)
    assert refused.status == 400
    assert "does not implement the protobuf marshalling interface" in refused.message
    assert (await web("GET", PATH, accept=protobuf)).status == 406
    assert (await web("GET", PATH, accept=f"{protobuf},application/json")).status == 200


async def test_lists_tables_and_selectors(web: Web) -> None:
    for name, image in (("a", "x"), ("b", "y"), ("c", "x")):
        await web.ok("POST", PATH, cron_tab(name, image=image))
    listed = await web.ok("GET", f"{PATH}?fieldSelector=spec.image%3Dx")
    assert (listed["kind"], listed["apiVersion"]) == ("CronTabList", f"{GROUP}/v1")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "c"]
    first = await web.ok("GET", f"{PATH}?limit=2")
    rest = await web.ok("GET", f"{PATH}?limit=2&continue={first['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in rest["items"]] == ["c"]
    refused = await web("GET", f"{PATH}?fieldSelector=spec.cronSpec%3Dx")
    assert (refused.status, refused.message) == (400, "field label not supported: spec.cronSpec")
    table = await web.ok("GET", PATH, accept=TABLE)
    assert [(c["name"], c["type"], c["priority"]) for c in table["columnDefinitions"]] == [
        ("Name", "string", 0),
        ("Spec", "string", 0),
        ("Replicas", "integer", 1),
        ("Age", "date", 0),
    ]
    assert table["rows"][0]["cells"][:3] == ["a", "* * * * *", 1]
    gone = await web.ok("DELETE", f"{PATH}?fieldSelector=spec.image%3Dx")
    assert len(gone["items"]) == 2
    assert [item["metadata"]["name"] for item in (await web.ok("GET", PATH))["items"]] == ["b"]


async def test_a_single_object_is_no_list_and_has_a_head(web: Web) -> None:
    await web("POST", PATH, cron_tab())
    name = cron_tab()["metadata"]["name"]
    partial = TABLE.replace("Table", "PartialObjectMetadataList")
    refused = await web("GET", f"{PATH}/{name}", accept=partial)
    assert (refused.status, refused.message) == (500, "content is not a list")
    head = await web("HEAD", f"{PATH}/{name}")
    assert (head.status, head.body) == (200, b"")
    # The path's verb alone decides, whatever else it says.
    assert (await web("GET", f"{PATH}/{name}/status/more")).json["kind"] == "CronTab"
    other = cron_tab("other")
    assert (await web("POST", f"{PATH}/any", other)).json["metadata"]["name"] == "other"
    for method in ("PUT", "PATCH"):
        refused = await web(method, PATH, other, type=MERGE)
        assert (refused.status, refused.message) == (400, "name must be provided")
    for method, path, verb in (("POST", f"{PATH}/a/status", "create"), ("OPTIONS", PATH, "")):
        refused = await web(method, path)
        assert (refused.status, refused.message) == (405, f'{verb} is not supported on resources of kind "{NAME}"')


async def test_watches(web: Web) -> None:
    made = await web.ok("POST", PATH, cron_tab())
    query = "?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    events = []
    async with web.session.get(web.base + PATH + query) as answer:
        async for line in answer.content:
            event = orjson.loads(line)
            events.append((event["type"], event["object"]["kind"]))
            if event["type"] == "BOOKMARK":
                await web.ok("DELETE", f"{PATH}/a")
            if event["type"] == "DELETED":
                assert event["object"]["spec"] == made["spec"]
                break
    assert events == [("ADDED", "CronTab"), ("BOOKMARK", "CronTab"), ("DELETED", "CronTab")]


async def test_dry_run_and_generated_names(web: Web) -> None:
    generated = {**cron_tab(), "metadata": {"generateName": "cron-"}}
    made = await web.ok("POST", f"{PATH}?dryRun=All", generated)
    assert made["metadata"]["name"].startswith("cron-")
    assert (await web.ok("GET", PATH))["items"] == []


async def test_finalizers_without_a_domain_are_only_warned_of(web: Web) -> None:
    answer = await web("POST", PATH, {**cron_tab(), "metadata": {"name": "a", "finalizers": ["foo", "b.example/c"]}})
    assert answer.status == 201
    assert answer.headers.getall("Warning") == [
        '299 - "metadata.finalizers: \\"foo\\": prefer a domain-qualified finalizer name to avoid accidental conflicts '
        'with other finalizer writers"'
    ]
    deleting = await web.ok("DELETE", f"{PATH}/a")
    assert deleting["metadata"]["deletionTimestamp"]
    await web.ok("PATCH", f"{PATH}/a", {"metadata": {"finalizers": None}}, type=MERGE)
    assert (await web("GET", f"{PATH}/a")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", f"/apis/{GROUP}/v1/crontabs/a", 404, "404 page not found\n"),
        ("POST", f"/apis/{GROUP}/v1/crontabs", 404, "404 page not found\n"),
        ("POST", f"/apis/{GROUP}/v1/crontabs/a/status", 404, "404 page not found\n"),
        ("GET", f"/apis/{GROUP}/v9/namespaces/default/crontabs", 404, "404 page not found\n"),
        ("GET", f"/apis/{GROUP}/v1/namespaces/default/others", 404, "404 page not found\n"),
        ("GET", f"{PATH}/a/foo", 404, 'crontabs.stable.example.com "a" not found'),
    ],
)
async def test_what_is_not_there(web: Web, method: str, path: str, status: int, body: str) -> None:
    answer = await web(method, path, {} if method == "POST" else None)
    assert answer.status == status
    assert (answer.json["message"] if answer.body.startswith(b"{") else answer.body.decode()) == body


async def test_a_new_schema_holds_at_once_and_what_is_stored_follows_it(web: Web) -> None:
    await web.ok("POST", PATH, cron_tab(image="x"))
    crd = await web.ok("GET", f"{CRDS}/{NAME}")
    properties = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    del properties["image"]
    crd["spec"]["versions"][0].pop("selectableFields")
    properties["level"] = {"type": "integer", "default": 7}
    await web.ok("PUT", f"{CRDS}/{NAME}", crd)
    read = await web.ok("GET", f"{PATH}/a")
    assert read["spec"] == {"cronSpec": "* * * * *", "replicas": 1, "level": 7}


async def test_the_order_of_fields_is_no_change_but_another_type_is(web: Web) -> None:
    made = await web.ok("POST", PATH, cron_tab(free={"x": 1, "y": 2}))
    turned = {
        **made,
        "metadata": dict(reversed(made["metadata"].items())),
        "spec": dict(reversed(made["spec"].items())),
    }
    path = f"{PATH}/{made['metadata']['name']}"
    assert await web.ok("PUT", path, turned) == made
    changed = await web.ok("PATCH", path, {"spec": {"free": {"x": True}}}, type=MERGE)
    assert changed["spec"]["free"] == {"x": True, "y": 2}
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
