"""create, get, update, delete of objects, over HTTPS, on every store."""

import asyncio

from tests.apiserver.endpoints.conftest import Web, config_map, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


async def test_created_object_has_system_fields_and_reads_back(web: Web) -> None:
    made = await web("POST", MAPS, config_map("one", a="b"))
    assert made.status == 201
    metadata = made.json["metadata"]
    assert metadata["namespace"] == "default"
    assert len(metadata["uid"]) == 36
    assert metadata["creationTimestamp"].endswith("Z")
    assert int(metadata["resourceVersion"]) > 0
    read = await web("GET", f"{MAPS}/one")
    assert (read.status, read.json) == (200, made.json)
    assert read.headers["Content-Type"] == "application/json"
    assert read.headers["Cache-Control"] == "no-cache, private"
    assert len(read.headers["Audit-Id"]) == 36


async def test_clients_cannot_set_system_fields(web: Web) -> None:
    obj = config_map("one")
    obj["metadata"] |= {"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7}
    made = await web.ok("POST", MAPS, obj)
    assert made["metadata"]["uid"] != "mine"
    assert not made["metadata"]["creationTimestamp"].startswith("2001")
    # kinds whose strategy counts no generation keep what was sent, as upstream
    assert made["metadata"]["generation"] == 7


async def test_second_create_of_a_name_is_a_conflict(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("one"))
    again = await web("POST", MAPS, config_map("one"))
    assert again.status == 409
    assert again.json["reason"] == "AlreadyExists"
    assert again.message == 'configmaps "one" already exists'
    assert again.json["details"] == {"name": "one", "kind": "configmaps"}


async def test_generated_names_differ_and_keep_their_base(web: Web) -> None:
    obj = config_map("x")
    obj["metadata"] = {"generateName": "made-"}
    names = {(await web.ok("POST", MAPS, obj))["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith("made-") and len(name) == 10 for name in names)


async def test_namespace_of_body_must_be_that_of_path(web: Web) -> None:
    obj = config_map("one")
    obj["metadata"]["namespace"] = "other"
    refused = await web("POST", MAPS, obj)
    assert refused.status == 400
    wanted = "the namespace of the provided object does not match the namespace sent on the request"
    assert refused.message == wanted


async def test_nothing_is_created_in_a_namespace_that_is_not_there(web: Web) -> None:
    refused = await web("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("one"))
    assert refused.status == 404
    assert refused.message == 'namespaces "nowhere" not found'


async def test_update_replaces_and_moves_the_version(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("one", a="b"))
    changed = {**made, "data": {"c": "d"}}
    updated = await web.ok("PUT", f"{MAPS}/one", changed)
    assert updated["data"] == {"c": "d"}
    assert int(updated["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    assert updated["metadata"]["uid"] == made["metadata"]["uid"]


async def test_update_that_changes_nothing_keeps_the_version(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("one", a="b"))
    assert await web.ok("PUT", f"{MAPS}/one", made) == made


async def test_stale_version_is_refused_and_none_is_not(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("one", a="b"))
    await web.ok("PUT", f"{MAPS}/one", {**made, "data": {"a": "c"}})
    refused = await web("PUT", f"{MAPS}/one", {**made, "data": {"a": "d"}})
    assert refused.status == 409
    assert refused.message == (
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    del made["metadata"]["resourceVersion"]
    assert (await web.ok("PUT", f"{MAPS}/one", {**made, "data": {"a": "e"}}))["data"] == {"a": "e"}


async def test_update_under_another_uid_is_refused(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("one"))
    made["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    refused = await web("PUT", f"{MAPS}/one", made)
    assert refused.status == 409
    assert "Precondition failed: UID in precondition: 11111111-" in refused.message


async def test_update_of_nothing_and_of_another_name(web: Web) -> None:
    missing = await web("PUT", f"{MAPS}/one", config_map("one"))
    assert (missing.status, missing.message) == (404, 'configmaps "one" not found')
    other = await web("PUT", f"{MAPS}/one", config_map("two"))
    assert (other.status, other.message) == (
        400,
        "the name of the object (two) does not match the name on the URL (one)",
    )


async def test_generation_counts_changes_of_the_spec_alone(web: Web) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
        "status": {"replicas": 99},
    }
    made = await web.ok("POST", path, obj)
    assert made["metadata"]["generation"] == 1
    assert "replicas" not in made.get("status", {})
    labelled = await web.ok("PATCH", f"{path}/web", {"metadata": {"labels": {"x": "y"}}}, type=MERGE)
    assert labelled["metadata"]["generation"] == 1
    scaled = await web.ok("PATCH", f"{path}/web", {"spec": {"replicas": 3}}, type=MERGE)
    assert scaled["metadata"]["generation"] == 2
    status = await web.ok(
        "PATCH", f"{path}/web/status", {"spec": {"replicas": 9}, "status": {"observedGeneration": 2}}, type=MERGE
    )
    assert (status["spec"]["replicas"], status["status"]["observedGeneration"]) == (3, 2)


MERGE = "application/merge-patch+json"


async def test_patches_of_all_kinds(web: Web) -> None:
    await web.ok("POST", PODS, pod("one", a="b"))
    merged = await web.ok("PATCH", f"{PODS}/one", {"metadata": {"labels": {"a": None, "c": "d"}}}, type=MERGE)
    assert merged["metadata"]["labels"] == {"c": "d"}
    operations = [{"op": "replace", "path": "/metadata/labels/c", "value": "e"}]
    patched = await web.ok("PATCH", f"{PODS}/one", operations, type="application/json-patch+json")
    assert patched["metadata"]["labels"] == {"c": "e"}
    strategic = {"spec": {"containers": [{"name": "main", "image": "example/image:2"}]}}
    merged = await web.ok("PATCH", f"{PODS}/one", strategic, type="application/strategic-merge-patch+json")
    assert [c["image"] for c in merged["spec"]["containers"]] == ["example/image:2"]
    assert merged["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


async def test_patch_of_unknown_type_is_refused(web: Web) -> None:
    refused = await web("PATCH", f"{PODS}/one", {}, type="application/json")
    assert (refused.status, refused.message) == (415, "415: Unsupported Media Type")


async def test_patch_that_names_a_stale_version_is_a_conflict(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("one"))
    await web.ok("PATCH", f"{MAPS}/one", {"data": {"a": "b"}}, type=MERGE)
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"a": "c"}}
    assert (await web("PATCH", f"{MAPS}/one", stale, type=MERGE)).status == 409


async def test_patches_at_the_same_time_all_take_effect(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("one"))
    await asyncio.gather(*(web.ok("PATCH", f"{MAPS}/one", {"data": {f"k{n}": "v"}}, type=MERGE) for n in range(30)))
    read = await web.ok("GET", f"{MAPS}/one")
    assert len(read["data"]) == 30


async def test_dry_run_checks_all_and_writes_nothing(web: Web) -> None:
    made = await web("POST", f"{MAPS}?dryRun=All", config_map("one"))
    assert made.status == 201
    assert "uid" in made.json["metadata"]
    assert "resourceVersion" not in made.json["metadata"]
    assert (await web("GET", f"{MAPS}/one")).status == 404
    await web.ok("POST", MAPS, config_map("one"))
    assert (await web("POST", f"{MAPS}?dryRun=All", config_map("one"))).status == 409
    await web.ok("PATCH", f"{MAPS}/one?dryRun=All", {"data": {"a": "b"}}, type=MERGE)
    await web.ok("DELETE", f"{MAPS}/one?dryRun=All")
    assert "data" not in await web.ok("GET", f"{MAPS}/one")


async def test_yaml_goes_in_and_out(web: Web) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: b\n"
    made = await web("POST", MAPS, body, type="application/yaml", accept="application/yaml")
    assert made.status == 201
    assert made.headers["Content-Type"] == "application/yaml"
    assert b"data:\n  a: b\n" in made.body


async def test_pretty_output_is_indented(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("one"))
    assert b'\n  "kind": "ConfigMap"' in (await web("GET", f"{MAPS}/one?pretty=true")).body
    assert b'\n  "kind": "ConfigMap"' in (await web("GET", f"{MAPS}/one", User_Agent="curl/8")).body


async def test_unknown_media_type_is_not_acceptable(web: Web) -> None:
    refused = await web("GET", MAPS, accept="text/html")
    assert refused.status == 406
    assert refused.message.startswith("406: Not Acceptable\n\nAvailable representations: application/json")
    refused = await web("GET", MAPS, accept="application/json;as=Table;v=v7;g=meta.k8s.io")
    assert refused.status == 406
    assert refused.message.startswith("only the following media types are accepted: application/json")
    assert (await web("GET", MAPS, accept="text/html, */*;q=0.1")).status == 200


async def test_metadata_only(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("one", a="b"))
    wanted = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    found = await web.ok("GET", f"{MAPS}/one", accept=wanted)
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert "data" not in found
    listed = await web.ok("GET", MAPS, accept=wanted.replace("Metadata;", "MetadataList;"))
    assert [item["metadata"]["name"] for item in listed["items"]] == ["one"]


async def test_deprecated_resources_say_so_with_every_answer(web: Web) -> None:
    warning = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
    endpoints = "/api/v1/namespaces/default/endpoints"
    assert (await web("POST", endpoints, {"metadata": {"name": "one"}})).headers["Warning"] == warning
    assert (await web("GET", endpoints)).headers["Warning"] == warning
    assert (await web("GET", f"{endpoints}/none")).headers["Warning"] == warning
    assert "Warning" not in (await web("GET", MAPS)).headers


async def test_finalizers_of_built_in_kinds_are_qualified_or_standard(web: Web) -> None:
    made = config_map("one")
    made["metadata"]["finalizers"] = ["mine"]
    refused = await web("POST", MAPS, made)
    assert refused.status == 422
    text = 'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully'
    assert text in refused.message
    made["metadata"]["finalizers"] = ["orphan", "kubernetes", "example.com/mine"]
    assert (await web("POST", f"{MAPS}?dryRun=All", made)).status == 201
