"""What clients get wrong is answered in upstream's words, and nothing is half done."""

import pytest

from tests.apiserver.endpoints.conftest import Web, config_map, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
YAML = "application/yaml"
MERGE = "application/merge-patch+json"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"[1, 2]", "application/json"),
        (b"\xff\xfe\x00", "application/json"),
        (b"a: b: c", YAML),
        (b"\tx", YAML),
        (b"k8s\x00\xff\xff", "application/vnd.kubernetes.protobuf"),
        (b"nothing", "application/vnd.kubernetes.protobuf"),
    ],
)
async def test_malformed_bodies_are_bad_requests(web: Web, body: bytes, content_type: str) -> None:
    refused = await web("POST", MAPS, body, type=content_type)
    assert refused.status == 400
    assert refused.json["reason"] == "BadRequest"
    assert (await web.ok("GET", MAPS))["items"] == []


async def test_unknown_fields_are_refused_warned_about_or_dropped(web: Web) -> None:
    obj = pod("one")
    obj["spec"]["nonsense"] = 1
    strict = await web("POST", f"{PODS}?fieldValidation=Strict", obj)
    assert strict.status == 400
    assert 'strict decoding error: unknown field "spec.nonsense"' in strict.message
    warned = await web("POST", f"{PODS}?fieldValidation=Warn", obj)
    assert warned.status == 201
    assert warned.headers["Warning"] == '299 - "unknown field \\"spec.nonsense\\""'
    obj["metadata"]["name"] = "two"
    ignored = await web("POST", f"{PODS}?fieldValidation=Ignore", obj)
    assert ignored.status == 201
    assert "Warning" not in ignored.headers
    refused = await web("POST", f"{PODS}?fieldValidation=Maybe", obj)
    assert refused.status == 422
    assert 'fieldValidation: Unsupported value: "Maybe"' in refused.message


async def test_errors_name_the_group_in_which_they_were_asked_for(web: Web) -> None:
    """Events are served by two groups, and validated as they are stored."""
    event = {
        "metadata": {"name": "a"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
        "reason": "r",
    }
    await web.ok("POST", "/api/v1/namespaces/default/events", event)
    for path, name, group, times in (
        ("/api/v1/namespaces/default/events", "events", None, 1),
        ("/apis/events.k8s.io/v1/namespaces/default/events", "events.events.k8s.io", "events.k8s.io", 2),
    ):
        missing = await web("GET", f"{path}/none")
        assert (missing.status, missing.message) == (404, f'{name} "none" not found')
        assert missing.json["details"].get("group") == group
        lost = await web("PATCH", f"{path}/a", {"metadata": {"resourceVersion": "1"}}, type=MERGE)
        assert lost.message.startswith(f'Operation cannot be fulfilled on {name} "a"')
        refused = await web("PATCH", f"{path}/a", {"metadata": {"uid": "b"}}, type=MERGE)
        assert refused.message.startswith('Event "a" is invalid: metadata.uid')
        assert len(refused.json["details"]["causes"]) == times


async def test_empty_lists_and_maps_are_judged_as_sent_and_not_stored(web: Web) -> None:
    for field, value, code, message in (
        ("overhead", {}, 403, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"),
        ("resources", {"claims": []}, 422, "spec.resources.claims: Forbidden: claims may not be set"),
        ("ephemeralContainers", [{"name": "e", "image": "i", "ports": []}], 422, "ports: Forbidden: cannot be set for"),
    ):
        obj = pod("one")
        obj["spec"][field] = value
        refused = await web("POST", PODS, obj)
        assert refused.status == code
        assert message in refused.message
    spec = {"selector": {"a": "b"}, "template": {**pod("x"), "metadata": {"labels": {}}}}
    controllers = "/api/v1/namespaces/default/replicationcontrollers"
    refused = await web("POST", controllers, {"metadata": {"name": "a"}, "spec": spec})
    assert "spec.template.metadata.labels: Invalid value: {}: `selector`" in refused.message

    one = pod("one")
    one["metadata"]["finalizers"] = one["spec"]["containers"][0]["command"] = []
    one["spec"]["securityContext"] = {"supplementalGroups": []}
    made = await web.ok("POST", f"{PODS}?fieldManager=m", one)
    assert "finalizers" not in made["metadata"]
    assert made["spec"]["securityContext"] == {}
    owned = made["metadata"]["managedFields"][0]["fieldsV1"]
    assert owned["f:spec"]["f:securityContext"] == {}
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    made = await web.ok("POST", path, {"metadata": {"name": "a"}, "rules": []})
    assert made["rules"] is None
    assert made["metadata"]["managedFields"][0]["fieldsV1"] == {"f:rules": {}}
    again = await web.ok("PUT", f"{path}/a", {"metadata": {"name": "a", "labels": {}}, "rules": []})
    assert again == made


async def test_what_etcd_would_not_take_is_refused_by_every_store(web: Web) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    made = await web.ok("POST", path, {"metadata": {"name": "a"}, "rules": []})
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["x" * 1_600_000]}]
    for refused in (
        await web("POST", path, {"metadata": {"name": "b"}, "rules": rules}),
        await web("PUT", f"{path}/a", {**made, "rules": rules}),
    ):
        assert (refused.status, refused.message) == (500, "etcdserver: request is too large")
    assert await web.ok("GET", f"{path}/a") == made
    assert (await web("GET", f"{path}/b")).status == 404
    rules[0]["resourceNames"] = ["x" * 1_572_500]
    role = {"metadata": {"name": "c"}, "rules": rules}
    without_owners = await web.ok("POST", f"{path}?fieldManager={'m' * 128}", role)
    assert "managedFields" not in without_owners["metadata"]


@pytest.mark.parametrize(
    ("content_type", "patch", "errors"),
    [
        (
            "application/merge-patch+json",
            b'{"data": {"a": "1", "a": "2"}, "nonsense": 1}',
            ['duplicate field "data.a"', 'unknown field "nonsense"'],
        ),
        (
            "application/strategic-merge-patch+json",
            b'{"data": {"a": "1", "a": "2"}, "nonsense": 1}',
            ['duplicate field "data.a"', 'unknown field "nonsense"'],
        ),
        (
            "application/json-patch+json",
            b'[{"op": "add", "path": "/nonsense", "value": 1, "foo": 1}]',
            ['json patch unknown field "[0].foo"', 'unknown field "nonsense"'],
        ),
    ],
)
async def test_a_patch_is_told_of_its_own_errors_and_of_its_outcomes(
    web: Web, content_type: str, patch: bytes, errors: list[str]
) -> None:
    await web.ok("POST", MAPS, config_map("one"))
    refused = await web("PATCH", f"{MAPS}/one?fieldValidation=Strict", patch, type=content_type)
    assert refused.status == 422
    assert refused.message.endswith("strict decoding error: " + ", ".join(errors))
    warned = await web("PATCH", f"{MAPS}/one?fieldValidation=Warn", patch, type=content_type)
    quoted = [error.replace('"', '\\"') for error in errors]
    assert warned.headers.getall("Warning") == [f'299 - "{error}"' for error in quoted]


async def test_wrong_types_name_the_field(web: Web) -> None:
    obj = pod("one")
    obj["spec"]["containers"] = "none"
    refused = await web("POST", PODS, obj)
    assert refused.status == 400
    assert "cannot unmarshal string into Go struct field PodSpec.spec.containers" in refused.message


@pytest.mark.parametrize("name", ["UPPER", "under_score", "-dash", "a" * 254, "sla/sh", ""])
async def test_names_that_break_dns_rules_are_invalid(web: Web, name: str) -> None:
    refused = await web("POST", MAPS, config_map(name))
    assert refused.status == 422
    assert refused.json["reason"] == "Invalid"
    assert refused.json["details"]["causes"][0]["field"] == "metadata.name"


async def test_object_of_another_kind_is_refused(web: Web) -> None:
    refused = await web("POST", MAPS, pod("one"))
    assert refused.status == 400
    refused = await web("POST", MAPS, {**config_map("one"), "apiVersion": "v2"})
    assert refused.status == 400
    assert 'no kind "ConfigMap" is registered for version "v2" in scheme' in refused.message
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "one"}}
    refused = await web("POST", "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", scaler)
    text = "the API version in the data (autoscaling/v2) does not match the expected API version (autoscaling/v1)"
    assert refused.message == text


async def test_immutable_fields_stay(web: Web) -> None:
    made = await web.ok("POST", PODS, pod("one"))
    made["spec"]["containers"][0]["command"] = ["changed"]
    refused = await web("PUT", f"{PODS}/one", made)
    assert refused.status == 422
    assert "pod updates may not change fields other than" in refused.message


async def test_bodies_over_three_mebibytes_are_too_large(web: Web) -> None:
    refused = await web("POST", MAPS, config_map("one", a="x" * (3 * 1024 * 1024)))
    assert refused.status == 413
    assert refused.message == "Request entity too large: limit is 3145728"
    assert refused.json["reason"] == "RequestEntityTooLarge"


async def test_unknown_body_type(web: Web) -> None:
    refused = await web("POST", MAPS, b"x", type="text/plain")
    assert refused.status == 415
    assert "the body of the request was in an unknown format" in refused.message


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothings", "/apis/none/v1/x", "/nope", "/api/v2/pods", "/api/v1/namespaces/default/pods/x/nothing"],
)
async def test_paths_that_are_not_there(web: Web, path: str) -> None:
    assert (await web("GET", path)).status == 404


@pytest.mark.parametrize("path", ["/api/v1/nothings", "/apis/apps/v9", "/api/v2", "/apis/apps/v1/namespaces/a/b/c"])
async def test_what_is_missing_in_a_served_group_is_missing_as_a_resource_is(web: Web, path: str) -> None:
    missing = await web("GET", path)
    assert (missing.status, missing.message) == (404, "the server could not find the requested resource")
    assert missing.json["details"] == {}
    assert (await web("GET", "/apis/none/v1")).body == b"404 page not found\n"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/pods"),
        ("DELETE", "/api/v1/namespaces"),
        ("POST", "/version"),
        ("POST", f"{MAPS}/one"),
        ("PUT", MAPS),
        ("PATCH", MAPS),
    ],
)
async def test_methods_that_are_not_allowed(web: Web, method: str, path: str) -> None:
    refused = await web(method, path, {})
    assert refused.status == 405
    assert refused.message == "the server does not allow this method on the requested resource"


@pytest.mark.parametrize("path", ["nodes", "nodes/one", "namespaces", "namespaces/kube-system", "persistentvolumes"])
async def test_what_belongs_to_no_namespace_is_not_found_in_one(web: Web, path: str) -> None:
    """Else rights in one namespace would be rights to the cluster."""
    assert (await web("GET", f"/api/v1/namespaces/default/{path}")).status == 404
    role = {"metadata": {"name": "mine"}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    inside = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/clusterroles"
    assert (await web("POST", inside, role)).status == 404


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        ("labelSelector=a%20b", 400, "unable to parse requirement"),
        ("fieldSelector=spec.nothing%3Dx", 400, "field label not supported: spec.nothing"),
        ("limit=many", 400, 'strconv.ParseInt: parsing "many": invalid syntax'),
        ("continue=rubbish", 400, "continue key is not valid"),
        ("resourceVersion=abc", 400, "invalid resource version"),
        ("resourceVersionMatch=Exact", 422, "resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ("resourceVersionMatch=Exact&resourceVersion=0", 422, 'is forbidden for resourceVersion "0"'),
        ("sendInitialEvents=true", 422, "sendInitialEvents is forbidden for list"),
        ("watch=1&sendInitialEvents=true", 422, "sendInitialEvents requires setting resourceVersionMatch"),
        ("resourceVersion=99999999", 504, "Too large resource version"),
    ],
)
async def test_bad_options_of_lists(web: Web, query: str, code: int, text: str) -> None:
    refused = await web("GET", f"{PODS}?{query}")
    assert refused.status == code, refused.body
    assert text in refused.message


async def test_nothing_is_exported_any_more(web: Web) -> None:
    refused = await web("GET", "/api/v1/namespaces/default?export=true")
    assert refused.status == 400
    assert refused.message == "the export parameter, deprecated since v1.14, is no longer supported"
    await web.ok("GET", "/api/v1/namespaces/default?export=false")


async def test_field_selectors_of_kinds_that_have_only_names(web: Web) -> None:
    refused = await web("GET", "/api/v1/configmaps?fieldSelector=data%3Dx")
    assert refused.status == 400
    assert refused.message == '"data" is not a known field selector: only "metadata.name", "metadata.namespace"'


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"{", "application/merge-patch+json", 400),
        (b"[]", "application/merge-patch+json", 400),
        (b"{}", "application/json-patch+json", 400),
        (b'[{"op":"replace","path":"/nothing/here","value":1}]', "application/json-patch+json", 422),
        (b'{"metadata":{"name":"other"}}', "application/merge-patch+json", 400),
        (b'{"data":{"a":5}}', "application/merge-patch+json", 422),
    ],
)
async def test_bad_patches(web: Web, body: bytes, content_type: str, code: int) -> None:
    made = await web.ok("POST", MAPS, config_map("one", a="b"))
    assert (await web("PATCH", f"{MAPS}/one", body, type=content_type)).status == code
    assert await web.ok("GET", f"{MAPS}/one") == made


async def test_delete_options_that_do_not_parse_are_told_in_gos_words(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("one"))
    refused = await web("DELETE", f"{MAPS}/one", b'{"foo":')
    assert refused.status == 400
    assert refused.message == "couldn't get version/kind; json parse error: unexpected end of JSON input"
