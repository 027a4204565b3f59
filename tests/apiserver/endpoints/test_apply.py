"""Server-side apply over HTTPS: raw requests, and stock kubectl."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
import yaml

from pynetes.apiserver.server import APIServer
from tests.apiserver.endpoints.conftest import Answer, Web

Object = dict[str, Any]
Kubectl = Callable[..., Awaitable[tuple[int, str]]]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SCALERS = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"


def config_map(data: Any = None, name: str = "settings", **metadata: Any) -> Object:
    out: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
    return out if data is None else {**out, "data": data}


def deployment(replicas: int | None = 3, name: str = "web", **container: Any) -> Object:
    spec: Object = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1", **container}]},
        },
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def entries(obj: Object) -> dict[tuple[str, ...], Object]:
    """(manager, operation, subresource) → fields."""
    return {
        (entry["manager"], entry["operation"], entry.get("subresource", "")): entry["fieldsV1"]
        for entry in obj["metadata"].get("managedFields") or ()
    }


async def apply(web: Web, path: str, config: Object | str, manager: str = "app", query: str = "") -> Answer:
    body = config.encode() if isinstance(config, str) else orjson.dumps(config)
    name = "settings" if isinstance(config, str) else config["metadata"]["name"]
    return await web("PATCH", f"{path}/{name}?fieldManager={manager}{query}", body, type=APPLY)


async def applied(web: Web, path: str, config: Object | str, manager: str = "app", query: str = "") -> Object:
    answer = await apply(web, path, config, manager, query)
    assert answer.status < 300, answer.body
    found: Object = answer.json
    return found


async def test_an_apply_creates_and_then_changes(web: Web) -> None:
    answer = await apply(web, MAPS, config_map({"a": "1"}, labels={"x": "y"}))
    assert answer.status == 201
    fields = {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {"f:x": {}}}}
    assert entries(answer.json) == {("app", "Apply", ""): fields}
    answer = await apply(web, MAPS, yaml.safe_dump(config_map({"b": "2"})))
    assert answer.status == 200
    assert answer.json["data"] == {"b": "2"}
    assert "labels" not in answer.json["metadata"]


async def test_an_apply_that_changes_nothing_leaves_the_version(web: Web) -> None:
    first = await applied(web, MAPS, config_map({"a": "1"}))
    again = await applied(web, MAPS, config_map({"a": "1"}))
    assert again == first
    patched = await web.ok("PATCH", f"{MAPS}/settings?fieldManager=other", {"data": {"a": "1"}}, type=MERGE)
    assert patched == first


async def test_conflicts_force_and_shared_fields(web: Web) -> None:
    await web.ok("POST", f"{MAPS}?fieldManager=maker", config_map({"a": "1", "b": "2"}))
    answer = await apply(web, MAPS, config_map({"a": "9"}))
    assert answer.status == 409
    assert answer.json["reason"] == "Conflict"
    assert answer.message == 'Apply failed with 1 conflict: conflict with "maker" using v1: .data.a'
    assert answer.json["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "maker" using v1', "field": ".data.a"}
    ]
    forced = await applied(web, MAPS, config_map({"a": "9"}), query="&force=true")
    assert forced["data"] == {"a": "9", "b": "2"}
    assert entries(forced) == {
        ("app", "Apply", ""): {"f:data": {"f:a": {}}},
        ("maker", "Update", ""): {"f:data": {".": {}, "f:b": {}}},
    }
    await applied(web, MAPS, config_map({"a": "9"}), "second")
    left = await applied(web, MAPS, config_map())
    assert left["data"] == {"a": "9", "b": "2"}, "the second still states it"
    left = await applied(web, MAPS, config_map(), "second")
    assert left["data"] == {"b": "2"}


async def test_defaults_count_as_the_creators_what_admission_adds_as_nobodys(web: Web) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    created = await web.ok("POST", "/api/v1/namespaces/default/pods", pod, User_Agent="tool/v1 (linux)")
    assert created["spec"]["serviceAccountName"] == "default"
    (entry,) = created["metadata"]["managedFields"]
    assert entry["manager"] == "tool"
    spec = entry["fieldsV1"]["f:spec"]
    assert spec["f:dnsPolicy"] == {}
    assert "f:serviceAccountName" not in spec
    assert "f:volumes" not in spec
    assert spec["f:containers"]['k:{"name":"c"}']["f:imagePullPolicy"] == {}


@pytest.mark.parametrize(
    ("type", "body"),
    [
        (MERGE, {"data": {"b": "2"}}),
        (STRATEGIC, {"data": {"b": "2"}}),
        (JSON_PATCH, [{"op": "add", "path": "/data/b", "value": "2"}]),
    ],
)
async def test_every_patch_is_tracked(web: Web, type: str, body: Any) -> None:
    await web.ok("POST", f"{MAPS}?fieldManager=maker", config_map({"a": "1"}))
    patched = await web.ok("PATCH", f"{MAPS}/settings?fieldManager=patcher", body, type=type)
    assert entries(patched)["patcher", "Update", ""] == {"f:data": {"f:b": {}}}
    put = await web.ok("PUT", f"{MAPS}/settings?fieldManager=putter", config_map({"a": "7"}))
    assert entries(put) == {
        ("maker", "Update", ""): {"f:data": {}},
        ("putter", "Update", ""): {"f:data": {"f:a": {}}},
    }


async def test_a_dry_run_shows_what_would_be(web: Web) -> None:
    answer = await apply(web, MAPS, config_map({"a": "1"}), query="&dryRun=All")
    assert answer.status == 201
    assert answer.json["data"] == {"a": "1"}
    assert (await web("GET", f"{MAPS}/settings")).status == 404
    await applied(web, MAPS, config_map({"a": "1"}))
    dry = await applied(web, MAPS, config_map({"a": "2"}), query="&dryRun=All")
    assert dry["data"] == {"a": "2"}
    assert (await web.ok("GET", f"{MAPS}/settings"))["data"] == {"a": "1"}


async def test_lists_are_merged_by_their_keys(web: Web) -> None:
    config = deployment(ports=[{"containerPort": 80}], env=[{"name": "A", "value": "1"}])
    await applied(web, DEPLOYMENTS, config)
    side = {
        "spec": {
            "template": {
                "spec": {
                    "containers": [
                        {"name": "web", "env": [{"name": "B", "value": "2"}]},
                        {"name": "side", "image": "s"},
                    ]
                }
            }
        }
    }
    await web.ok("PATCH", f"{DEPLOYMENTS}/web?fieldManager=injector", side, type=STRATEGIC)
    merged = await applied(web, DEPLOYMENTS, deployment(image="web:2", env=[{"name": "A", "value": "3"}]))
    containers = merged["spec"]["template"]["spec"]["containers"]
    assert [container["name"] for container in containers] == ["web", "side"]
    assert {env["name"]: env["value"] for env in containers[0]["env"]} == {"A": "3", "B": "2"}
    assert "ports" not in containers[0]


async def test_status_and_object_are_owned_apart(web: Web) -> None:
    await applied(web, DEPLOYMENTS, {**deployment(), "status": {"replicas": 9}})
    status = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 2}}
    path = f"{DEPLOYMENTS}/web/status?fieldManager=ctl"
    shown = await web.ok("PATCH", path, orjson.dumps({**status, "spec": {"replicas": 7}}), type=APPLY)
    assert shown["spec"]["replicas"] == 3
    assert shown["status"]["replicas"] == 2
    assert entries(shown)["ctl", "Apply", "status"] == {"f:status": {"f:replicas": {}}}
    assert "f:status" not in entries(shown)["app", "Apply", ""]
    answer = await web("PATCH", f"{DEPLOYMENTS}/none/status?fieldManager=ctl", orjson.dumps(status), type=APPLY)
    assert answer.status == 404


async def test_replicas_are_one_field_under_two_names(web: Web) -> None:
    await applied(web, DEPLOYMENTS, deployment(3))
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 5}}
    path = f"{DEPLOYMENTS}/web/scale?fieldManager=hpa"
    answer = await web("PATCH", path, orjson.dumps(scale), type=APPLY)
    assert answer.message == 'Apply failed with 1 conflict: conflict with "app": .spec.replicas'
    await web.ok("PATCH", path, {"spec": {"replicas": 5}}, type=MERGE)
    found = entries(await web.ok("GET", f"{DEPLOYMENTS}/web"))
    assert found["hpa", "Update", "scale"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in found["app", "Apply", ""]["f:spec"]
    answer = await apply(web, DEPLOYMENTS, deployment(3))
    assert answer.message == (
        'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas'
    )
    kept = await applied(web, DEPLOYMENTS, deployment(None))
    assert kept["spec"]["replicas"] == 5
    await web.ok("PATCH", path + "&force=true", orjson.dumps({**scale, "spec": {"replicas": 6}}), type=APPLY)
    assert ("hpa", "Apply", "scale") in entries(await web.ok("GET", f"{DEPLOYMENTS}/web"))


async def test_a_kind_in_two_versions_has_one_set_of_owners(web: Web) -> None:
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 3}
    old = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
    await applied(web, SCALERS.format("v1"), {**old, "spec": {**spec, "targetCPUUtilizationPercentage": 60}})
    path = f"{SCALERS.format('v2')}/h?fieldManager=new"
    await web.ok("PATCH", path, {"spec": {"maxReplicas": 9}}, type=MERGE)
    answer = await apply(web, SCALERS.format("v1"), {**old, "spec": spec})
    assert answer.message == 'Apply failed with 1 conflict: conflict with "new" using autoscaling/v2: .spec.maxReplicas'
    shown = await applied(web, SCALERS.format("v1"), {**old, "spec": spec}, query="&force=true")
    assert shown["spec"]["maxReplicas"] == 3
    assert list(entries(shown)) == [("app", "Apply", "")]


async def test_entries_may_be_forgotten_and_begin_anew_with_an_apply(web: Web) -> None:
    await applied(web, MAPS, config_map({"a": "1"}))
    for type, body in (
        (MERGE, {"metadata": {"managedFields": [{}]}}),
        (JSON_PATCH, [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]),
        (MERGE, {"metadata": {"managedFields": []}}),
    ):
        cleared = await web.ok("PATCH", f"{MAPS}/settings", body, type=type)
        assert entries(cleared) == {}
        untracked = await web.ok("PATCH", f"{MAPS}/settings", {"data": {"a": "2"}}, type=MERGE)
        assert entries(untracked) == {}
        begun = await applied(web, MAPS, config_map({"b": "1"}))
        assert "f:a" in entries(begun)["before-first-apply", "Update", ""]["f:data"]


async def test_spoilt_entries_are_ignored(web: Web) -> None:
    first = await applied(web, MAPS, config_map({"a": "1"}))
    operations = [{"op": "replace", "path": "/metadata/managedFields/0/operation", "value": "Nonsense"}]
    assert await web.ok("PATCH", f"{MAPS}/settings", operations, type=JSON_PATCH) == first
    renamed = [{"op": "replace", "path": "/metadata/managedFields/0/manager", "value": "renamed"}]
    changed = await web.ok("PATCH", f"{MAPS}/settings", renamed, type=JSON_PATCH)
    assert list(entries(changed)) == [("renamed", "Apply", "")]
    stale = {**changed, "metadata": {**changed["metadata"], "managedFields": None}}
    assert entries(await web.ok("PUT", f"{MAPS}/settings", stale)) == entries(changed)


AS_A = "fieldManager=a"
UNTYPED = "failed to create typed patch object (/settings; /v1, Kind=ConfigMap): "
REFUSED: list[tuple[str, Any, int, str]] = [
    (
        "",
        config_map(),
        422,
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ),
    (
        AS_A,
        "a: b: c",
        400,
        "error decoding YAML: error converting YAML to JSON: yaml: mapping values are not allowed in this context",
    ),
    (AS_A, "", 400, "invalid object type: /, Kind="),
    (AS_A, {**config_map(), "kind": "Secret"}, 400, "invalid object type: /v1, Kind=Secret"),
    (AS_A, config_map(managedFields=[]), 400, "metadata.managedFields must be nil"),
    (
        AS_A,
        config_map(name="other"),
        400,
        "the name of the object (other) does not match the name on the URL (settings)",
    ),
    (AS_A, config_map({"a": 1}), 500, UNTYPED + ".data.a: expected string, got &value.valueUnstructured{Value:1}"),
    (AS_A, {**config_map(), "dada": {}}, 500, UNTYPED + ".dada: field not declared in schema"),
    (
        AS_A,
        config_map(uid="1"),
        409,
        'Operation cannot be fulfilled on configmaps "settings": uid mismatch: the provided object specified uid 1, '
        "and no existing object was found",
    ),
    (AS_A, config_map(labels={"a": "-"}), 422, 'ConfigMap "settings" is invalid: metadata.labels: Invalid value'),
]


@pytest.mark.parametrize(("query", "body", "code", "message"), REFUSED)
async def test_what_is_refused(web: Web, query: str, body: Any, code: int, message: str) -> None:
    data = body.encode() if isinstance(body, str) else orjson.dumps(body)
    answer = await web("PATCH", f"{MAPS}/settings?{query}", data, type=APPLY)
    assert answer.status == code
    assert answer.message.startswith(message)


@pytest.mark.parametrize(
    ("container", "why"),
    [
        ({"resources": {"limits": {"cpu": "much"}}}, "quantities must match"),
        (
            {"startupProbe": {"tcpSocket": {"port": 1.5}}},
            "json: cannot unmarshal number 1.5 into Go value of type int32",
        ),
        ({"startupProbe": {"tcpSocket": {"port": {}}}}, "json: cannot unmarshal object into Go value of type int32"),
        ({"startupProbe": {"tcpSocket": {"port": ["a"]}}}, "json: cannot unmarshal array into Go value of type int32"),
    ],
)
async def test_what_means_nothing_to_its_type_is_told_after_the_merge(
    web: Web, container: dict[str, Any], why: str
) -> None:
    answer = await apply(web, DEPLOYMENTS, deployment(**container))
    assert answer.status == 500
    assert answer.message.startswith(
        "failed to convert new object (/web; apps/v1, Kind=Deployment) to proper version: "
        f"unable to convert unstructured object to apps/v1, Kind=Deployment: {why}"
    )


async def test_what_a_core_kind_cannot_decode_is_told_in_gos_words(web: Web) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "AAAAx"}}
    answer = await apply(web, "/api/v1/namespaces/default/secrets", secret)
    assert answer.message == (
        "failed to convert new object (/s; /v1, Kind=Secret) to proper version: unable to convert unstructured object "
        "to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 4"
    )


TWICE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: b\n  a: c\n"


async def test_what_is_said_twice(web: Web) -> None:
    answer = await apply(web, MAPS, TWICE, query="&fieldValidation=Strict")
    assert answer.status == 400
    assert answer.message == (
        "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n"
        '  line 7: key "a" already set in map'
    )
    answer = await apply(web, MAPS, TWICE)
    assert answer.json["data"] == {"a": "c"}
    assert answer.headers["Warning"] == '299 - "line 7: key \\"a\\" already set in map"'
    answer = await apply(web, MAPS, TWICE, query="&fieldValidation=Ignore")
    assert "Warning" not in answer.headers


async def test_force_is_for_applies(web: Web) -> None:
    answer = await web("PATCH", f"{MAPS}/settings?force=true", {}, type=MERGE)
    assert answer.status == 422
    assert "force: Forbidden: may not be specified for non-apply patch" in answer.message


async def test_who_may_patch_may_not_create_by_it(web: Web) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"]}]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "patcher"},
        "rules": rules,
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "patcher"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patcher"},
        "subjects": [{"kind": "User", "name": "joe", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    await web.ok("POST", f"{rbac}/roles", role)
    await web.ok("POST", f"{rbac}/rolebindings", binding)
    await applied(web, MAPS, config_map({"a": "1"}))
    joe = {"Impersonate_User": "joe"}
    data = orjson.dumps(config_map({"b": "1"}))
    answer = await web("PATCH", f"{MAPS}/settings?fieldManager=joe", data, type=APPLY, **joe)
    assert answer.status == 200, answer.body
    data = orjson.dumps(config_map({"b": "1"}, name="more"))
    answer = await web("PATCH", f"{MAPS}/more?fieldManager=joe", data, type=APPLY, **joe)
    assert answer.status == 403
    assert answer.message == (
        'configmaps "more" is forbidden: User "joe" cannot create resource "configmaps" in API group "" '
        'in the namespace "default"'
    )


async def test_a_delete_and_a_binding_touch_no_entries(web: Web) -> None:
    created = await web.ok("POST", f"{MAPS}?fieldManager=maker", config_map({"a": "1"}, finalizers=["example.com/x"]))
    deleted = await web.ok("DELETE", f"{MAPS}/settings")
    assert deleted["metadata"]["deletionTimestamp"]
    assert deleted["metadata"]["managedFields"] == created["metadata"]["managedFields"]


async def test_what_the_server_makes_itself_is_its_own(web: Web) -> None:
    role = await web.ok("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view")
    assert [entry["manager"] for entry in role["metadata"]["managedFields"]] == ["kube-apiserver"]


# --- kubectl

MANIFEST = yaml.safe_dump(deployment())


async def run(kubectl: Kubectl, *args: str, stdin: str = "") -> str:
    code, out = await kubectl(*args, stdin=stdin)
    assert code == 0, out
    return out


async def test_kubectl_applies_on_the_server(kubectl: Kubectl, server: APIServer) -> None:
    args = ("apply", "--server-side", "-f", "-")
    assert await run(kubectl, *args, stdin=MANIFEST) == "deployment.apps/web serverside-applied\n"
    assert await run(kubectl, *args, stdin=MANIFEST) == "deployment.apps/web serverside-applied\n"
    await run(kubectl, "scale", "deploy/web", "--replicas=5")
    code, out = await kubectl(*args, stdin=MANIFEST)
    assert code != 0
    assert 'Apply failed with 1 conflict: conflict with "kubectl" with subresource "scale" using apps/v1' in out
    await run(kubectl, *args, "--force-conflicts", stdin=MANIFEST)
    shown = await run(kubectl, "get", "deploy", "web", "-o", "yaml", "--show-managed-fields")
    assert "operation: Apply" in shown
    assert "managedFields" not in await run(kubectl, "get", "deploy", "web", "-o", "yaml")


async def test_kubectl_diffs_on_the_server(kubectl: Kubectl, server: APIServer) -> None:
    await run(kubectl, "apply", "--server-side", "-f", "-", stdin=MANIFEST)
    assert await run(kubectl, "diff", "--server-side", "-f", "-", stdin=MANIFEST) == ""
    code, out = await kubectl("diff", "--server-side", "-f", "-", stdin=MANIFEST.replace("web:1", "web:2"))
    assert code == 1
    assert "+      - image: web:2" in out


async def test_kubectl_migrates_from_client_side_apply_and_back(kubectl: Kubectl, server: APIServer) -> None:
    await run(kubectl, "apply", "-f", "-", stdin=MANIFEST)
    changed = MANIFEST.replace("replicas: 3", "replicas: 4")
    await run(kubectl, "apply", "--server-side", "-f", "-", stdin=changed)
    jsonpath = "jsonpath={.spec.replicas} {.metadata.managedFields[*].manager}"
    out = await run(kubectl, "get", "deploy", "web", "-o", jsonpath, "--show-managed-fields")
    assert set(out.split()) == {"4", "kubectl", "kubectl-last-applied"}
    assert await run(kubectl, "apply", "-f", "-", stdin=MANIFEST) == "deployment.apps/web configured\n"
    assert await run(kubectl, "get", "deploy", "web", "-o", "jsonpath={.spec.replicas}") == "3"


async def test_the_uid_of_a_patch_is_no_precondition(web: Web) -> None:
    await web.ok("PATCH", f"{MAPS}/settings?{AS_A}", orjson.dumps(config_map()), type=APPLY)
    refused = await web("PATCH", f"{MAPS}/settings?{AS_A}", orjson.dumps(config_map(uid="1")), type=APPLY)
    assert refused.status == 422
    assert refused.message == 'ConfigMap "settings" is invalid: metadata.uid: Invalid value: "1": field is immutable'
