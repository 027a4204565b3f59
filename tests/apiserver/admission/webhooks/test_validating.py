"""Validating webhooks: asked over HTTPS about real writes."""

import asyncio
import base64
from itertools import count
from typing import Any

import pytest
from aiohttp import web as aioweb

from pynetes.component import metrics
from tests.apiserver.admission.webhooks.conftest import CONFIG_MAPS, CONFIGURATIONS, Cluster, Hooks, deny, rule
from tests.apiserver.customresources.conftest import until
from tests.apiserver.endpoints.conftest import Web


async def test_a_webhook_that_allows_lets_the_write_happen(cluster: Cluster, hooks: Hooks) -> None:
    await cluster.configure("validating", hooks.hook("allow"))
    answer = await cluster.create("a", data={"k": "v"})
    assert answer.status == 201
    ((name, request),) = hooks.asked
    assert name == "allow"
    assert request["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert request["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert request["requestKind"] == request["kind"]
    assert request["requestResource"] == request["resource"]
    assert (request["name"], request["namespace"], request["operation"]) == ("a", "default", "CREATE")
    assert request["object"]["data"] == {"k": "v"}
    assert request["object"]["metadata"]["uid"]
    assert request["oldObject"] is None
    assert request["dryRun"] is False
    assert request["options"] == {
        "kind": "CreateOptions",
        "apiVersion": "meta.k8s.io/v1",
    }
    assert request["userInfo"]["username"] == "kubernetes-admin"
    assert "system:authenticated" in request["userInfo"]["groups"]


async def test_updates_and_deletes_tell_the_old_object(cluster: Cluster, hooks: Hooks) -> None:
    operations = rule("configmaps", operations=("*",))
    await cluster.create("a", data={"k": "1"})
    await cluster.configure("validating", hooks.hook("all", rules=[operations]))
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "2"}}
    await cluster.web.ok("PUT", f"{CONFIG_MAPS}/a", body)
    await cluster.web.ok("PATCH", f"{CONFIG_MAPS}/a", {"data": {"k": "3"}}, type="application/merge-patch+json")
    await cluster.web.ok(
        "DELETE", f"{CONFIG_MAPS}/a", {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0}
    )
    put, patch, delete = (request for _, request in hooks.asked)
    assert (put["object"]["data"], put["oldObject"]["data"]) == ({"k": "2"}, {"k": "1"})
    assert put["options"]["kind"] == "UpdateOptions"
    assert (patch["operation"], patch["options"]["kind"]) == ("UPDATE", "UpdateOptions")
    assert delete["operation"] == "DELETE"
    assert delete["object"] is None
    assert delete["oldObject"]["data"] == {"k": "3"}
    assert delete["options"] == {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "gracePeriodSeconds": 0}


@pytest.mark.parametrize(
    ("status", "code", "reason", "message"),
    [
        ({}, 400, "", 'admission webhook "deny.example.com" denied the request without explanation'),
        ({"message": "no"}, 400, "", 'admission webhook "deny.example.com" denied the request: no'),
        ({"reason": "Mine"}, 400, "Mine", 'admission webhook "deny.example.com" denied the request: Mine'),
        (
            {"message": "no", "code": 403, "reason": "Forbidden"},
            403,
            "Forbidden",
            'admission webhook "deny.example.com" denied the request: no',
        ),
        ({"message": "no", "code": 200}, 400, "", 'admission webhook "deny.example.com" denied the request: no'),
        ({"message": "no", "code": 418}, 418, "", 'admission webhook "deny.example.com" denied the request: no'),
    ],
)
async def test_a_denial_is_told_with_the_webhooks_words(
    cluster: Cluster, hooks: Hooks, status: dict[str, Any], code: int, reason: str, message: str
) -> None:
    hooks.behaviours["deny"] = deny(**status)
    await cluster.configure("validating", hooks.hook("deny"))
    answer = await cluster.create()
    assert (answer.status, answer.json.get("reason", ""), answer.message) == (code, reason, message)
    assert answer.json["status"] == "Failure"
    assert (await cluster.web("GET", f"{CONFIG_MAPS}/a")).status == 404


async def test_warnings_reach_the_client_and_annotations_the_audit_log(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["warn"] = lambda request: {
        "allowed": True,
        "warnings": ["mind the gap", "and the door"],
        "auditAnnotations": {"seen": "yes"},
    }
    await cluster.configure("validating", hooks.hook("warn"))
    answer = await cluster.create()
    assert answer.headers.getall("Warning") == ['299 - "mind the gap"', '299 - "and the door"']


async def test_all_are_asked_at_once_and_the_first_refusal_is_told(cluster: Cluster, hooks: Hooks) -> None:
    names = ("slow", "quick", "third")
    hooks.gates = {name: asyncio.Event() for name in names}
    hooks.behaviours = {"slow": deny("slow"), "quick": deny("quick")}
    await cluster.configure("validating", *map(hooks.hook, names))
    creating = asyncio.ensure_future(cluster.create())

    async def all_asked() -> bool:
        return hooks.at_once == 3

    async def heard() -> bool:
        return 'name="quick.example.com",operation="CREATE",rejected="true"' in metrics.render().decode()

    await until(all_asked, "all to be asked")
    hooks.gates["quick"].set()
    await until(heard, "the first refusal to be heard")
    for gate in hooks.gates.values():
        gate.set()
    assert (await creating).message == 'admission webhook "quick.example.com" denied the request: quick'


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("refused", "failed to call webhook: Post "),
        ("error", "failed to call webhook: an error on the server"),
        ("nothing", "received invalid webhook response: webhook response was absent"),
        ("other", 'received invalid webhook response: expected response.uid="'),
        (
            "kindless",
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind=",
        ),
        ("text", "failed to call webhook: couldn't get version/kind; json parse error"),
        ("patching", "received invalid webhook response: validating webhook may not return response.patch"),
        ("slow", "context deadline exceeded"),
    ],
)
async def test_the_failure_policy_decides_where_there_is_no_answer(
    cluster: Cluster, hooks: Hooks, policy: str, name: str, problem: str
) -> None:
    def review(response: Any) -> aioweb.Response:
        return aioweb.json_response(
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        )

    hooks.raw = {
        "error": lambda asked: aioweb.Response(status=500, text="broken"),
        "nothing": lambda asked: review(None),
        "other": lambda asked: review({"uid": "x", "allowed": True}),
        "kindless": lambda asked: aioweb.json_response({"response": {"uid": asked["request"]["uid"]}}),
        "text": lambda asked: aioweb.Response(text="hello"),
        "patching": lambda asked: review(
            {"uid": asked["request"]["uid"], "allowed": True, "patch": base64.b64encode(b"[]").decode()}
        ),
    }
    hooks.gates = {"slow": asyncio.Event()}
    changes: dict[str, Any] = {"failurePolicy": policy, "timeoutSeconds": 1 if name == "slow" else 30}
    if name == "refused":
        changes["clientConfig"] = {"url": "https://127.0.0.1:1/x"}
    await cluster.configure("validating", hooks.hook(name, **changes))
    answer = await cluster.create()
    if policy == "Ignore":
        assert answer.status == 201
        return
    assert answer.status == 500
    assert answer.json["reason"] == "InternalError"
    assert answer.message.startswith(f'Internal error occurred: failed calling webhook "{name}.example.com": ')
    assert problem in answer.message


async def test_rules_say_what_is_meant(cluster: Cluster, hooks: Hooks) -> None:
    rules = {
        "star": rule("*", operations=("*",), group="*", apiVersions=["*"]),
        "secrets": rule("secrets"),
        "cluster": rule("*", scope="Cluster"),
        "namespaced": rule("*/*", scope="Namespaced", operations=("CREATE",)),
        "status": rule("configmaps/status"),
        "apps": rule("configmaps", group="apps"),
        "delete": rule("configmaps", operations=("DELETE",)),
    }
    await cluster.configure("validating", *(hooks.hook(name, rules=[each]) for name, each in rules.items()))
    assert (await cluster.create()).status == 201
    assert sorted(hooks.names) == ["namespaced", "star"]
    hooks.asked.clear()
    await cluster.web.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "x"}})
    assert sorted(hooks.names) == ["cluster", "star"]


async def test_subresources_are_meant_where_they_are_named(cluster: Cluster, hooks: Hooks) -> None:
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}], "automountServiceAccountToken": False},
    }
    await cluster.web.ok("POST", "/api/v1/namespaces/default/pods", pod)
    rules = [rule("pods/*", operations=("*",))]
    await cluster.configure("validating", hooks.hook("sub", rules=rules))
    await cluster.web.ok(
        "PATCH",
        "/api/v1/namespaces/default/pods/p/status",
        {"status": {"phase": "Running"}},
        type="application/merge-patch+json",
    )
    await cluster.web.ok(
        "POST",
        "/api/v1/namespaces/default/pods/p/binding",
        {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}},
    )
    status, binding = (request for _, request in hooks.asked)
    assert (status["subResource"], status["requestSubResource"], status["kind"]["kind"]) == ("status", "status", "Pod")
    assert (binding["subResource"], binding["kind"]["kind"], binding["operation"]) == ("binding", "Binding", "CREATE")


async def test_selectors_of_namespaces_and_objects(cluster: Cluster, hooks: Hooks) -> None:
    await cluster.configure(
        "validating",
        hooks.hook("ns", namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "default"}}),
        hooks.hook("other", namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "other"}}),
        hooks.hook("labelled", objectSelector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
        hooks.hook("without", objectSelector={"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}),
    )
    await cluster.create("a")
    assert sorted(hooks.names) == ["ns", "without"]
    hooks.asked.clear()
    await cluster.create("b", metadata={"name": "b", "labels": {"app": "x"}})
    assert sorted(hooks.names) == ["labelled", "ns"]
    hooks.asked.clear()
    # Either of both objects may have the label.
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}, "data": {"k": "v"}}
    await cluster.web.ok("PUT", f"{CONFIG_MAPS}/b", body)
    assert sorted(hooks.names) == ["labelled", "ns", "without"]


@pytest.mark.parametrize(
    ("policy", "kind"), [("Equivalent", {"group": "autoscaling", "version": "v1"}), ("Exact", None)]
)
async def test_a_rule_for_one_version_is_meant_for_all(
    cluster: Cluster, hooks: Hooks, policy: str, kind: dict[str, str] | None
) -> None:
    rules = [rule("horizontalpodautoscalers", group="autoscaling")]
    await cluster.configure("validating", hooks.hook("hpa", rules=rules, matchPolicy=policy))
    body = {
        "metadata": {"name": "h"},
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"},
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
                }
            ],
        },
    }
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    await cluster.web.ok("POST", path, body)
    if kind is None:
        assert hooks.asked == []
        return
    ((_, request),) = hooks.asked
    assert request["kind"] == {**kind, "kind": "HorizontalPodAutoscaler"}
    assert request["resource"] == {**kind, "resource": "horizontalpodautoscalers"}
    assert request["requestKind"]["version"] == "v2"
    assert request["requestResource"]["version"] == "v2"
    assert request["object"]["apiVersion"] == "autoscaling/v1"
    assert request["object"]["spec"]["targetCPUUtilizationPercentage"] == 50


@pytest.mark.parametrize(
    ("expressions", "policy", "asked", "status"),
    [
        (["request.operation == 'CREATE'"], "Fail", True, 201),
        (["request.operation == 'UPDATE'"], "Fail", False, 201),
        (["object.metadata.name == 'a'", "request.userInfo.username.startsWith('system:')"], "Fail", False, 201),
        (["!(has(object.data) && 'k' in object.data)"], "Fail", False, 201),
        (["oldObject == null"], "Fail", True, 201),
        (["authorizer.group('').resource('pods').namespace('default').check('list').allowed()"], "Fail", True, 201),
        (["authorizer.requestResource.check('create').allowed()"], "Fail", True, 201),
        (["object.nope == 1"], "Fail", False, 403),
        (["object.nope == 1"], "Ignore", False, 201),
        (["object.nope == 1", "false"], "Fail", False, 201),
        (["lists.range(900000).all(i, i >= 0)"], "Fail", False, 403),
    ],
)
async def test_match_conditions(
    cluster: Cluster, hooks: Hooks, expressions: list[str], policy: str, asked: bool, status: int
) -> None:
    conditions = [{"name": f"c{i}", "expression": text} for i, text in enumerate(expressions)]
    await cluster.configure("validating", hooks.hook("cel", matchConditions=conditions, failurePolicy=policy))
    answer = await cluster.create("a", data={"k": "v"})
    assert answer.status == status, answer.body
    assert bool(hooks.asked) is asked
    if status == 403 and "nope" in expressions[0]:
        assert answer.message == (
            "configmaps \"a\" is forbidden: expression 'object.nope == 1' resulted in error: no such key: nope"
        )


@pytest.mark.parametrize("effects", ["None", "NoneOnDryRun"])
async def test_dry_runs_ask_webhooks_that_bear_it(cluster: Cluster, hooks: Hooks, effects: str) -> None:
    await cluster.configure("validating", hooks.hook("dry", sideEffects=effects))
    assert (await cluster.create(query="?dryRun=All")).status == 201
    assert hooks.asked[0][1]["dryRun"] is True
    assert hooks.asked[0][1]["options"]["dryRun"] == ["All"]
    assert (await cluster.web("GET", f"{CONFIG_MAPS}/a")).status == 404


async def test_configurations_of_admission_are_never_asked_about(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["all"] = deny("nothing at all")
    everything = rule("*/*", operations=("*",), group="*", apiVersions=["*"])
    await cluster.configure("validating", hooks.hook("all", rules=[everything]))
    assert (await cluster.create()).status == 400
    await cluster.web.ok("DELETE", CONFIGURATIONS.format("validating") + "/test")
    await cluster.settled()
    assert (await cluster.create()).status == 201


async def test_changes_take_effect_without_a_restart(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["deny"] = deny("no")
    await cluster.web.ok(
        "POST",
        CONFIGURATIONS.format("validating"),
        {"metadata": {"name": "test"}, "webhooks": [hooks.hook("deny")]},
    )
    numbers = count()

    async def refused() -> bool:
        return bool((await cluster.create(f"n{next(numbers)}")).status != 201)

    await until(refused, "the change")


async def test_calls_are_counted(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["counted"] = deny("no", code=403)
    await cluster.configure("validating", hooks.hook("counted"))
    await cluster.create()
    text = metrics.render().decode()
    prefix, name = "apiserver_admission_webhook_", 'name="counted.example.com",operation="CREATE"'
    assert f'apiserver_admission_webhook_request_total{{code="403",{name},rejected="true",type="validating"}} 1' in text
    assert (f'{prefix}rejection_count{{error_type="no_error",{name},rejection_code="403",type="validating"}} 1') in text
    assert f'{prefix}admission_duration_seconds_count{{{name},rejected="true",type="validating"}} 1' in text


async def test_the_older_review_is_spoken_to_those_who_want_it(cluster: Cluster, hooks: Hooks) -> None:
    reviews: list[Any] = []

    def answer(review: Any) -> aioweb.Response:
        reviews.append(review)
        return aioweb.json_response({**review, "response": {"allowed": True}})

    hooks.raw["old"] = answer
    await cluster.configure("validating", hooks.hook("old", admissionReviewVersions=["v2", "v1beta1", "v1"]))
    assert (await cluster.create()).status == 201
    assert reviews[0]["apiVersion"] == "admission.k8s.io/v1beta1"


async def test_a_service_is_reached_by_its_address_and_its_name(
    cluster: Cluster, hooks: Hooks, web: Web, files: Any
) -> None:
    """The certificate must be for `name.namespace.svc`; that of the test is not, and is refused."""
    service = {"metadata": {"name": "hook"}, "spec": {"clusterIP": "None", "ports": [{"port": 443}]}}
    await web.ok("POST", "/api/v1/namespaces/default/services", service)
    reference = {"name": "hook", "namespace": "default", "path": "/x"}
    await cluster.configure("validating", hooks.hook("service", clientConfig={"service": reference}))
    answer = await cluster.create()
    assert 'Post "https://hook.default.svc:443/x?timeout=30s": service "hook" has no cluster IP' in answer.message


async def test_a_collection_is_deleted_object_by_object_but_without_names(cluster: Cluster, hooks: Hooks) -> None:
    await cluster.create("a")
    await cluster.create("b")
    await cluster.configure("validating", hooks.hook("all", rules=[rule("configmaps", operations=("DELETE",))]))
    await cluster.web.ok("DELETE", f"{CONFIG_MAPS}?fieldSelector=metadata.name!=kube-root-ca.crt")
    asked = [request for _, request in hooks.asked]
    assert [request["oldObject"]["metadata"]["name"] for request in asked] == ["a", "b"]
    assert [request.get("name", "") for request in asked] == ["", ""]


async def test_what_is_only_asked_or_connected_to_is_reviewed_too(cluster: Cluster, hooks: Hooks, web: Web) -> None:
    hooks.behaviours["warn"] = lambda request: {"allowed": True, "warnings": [request["operation"]]}
    rules = [
        rule("subjectaccessreviews", operations=("CREATE",), group="authorization.k8s.io"),
        rule("services/proxy", operations=("CONNECT",)),
        rule("namespaces", operations=("UPDATE",)),
    ]
    await cluster.configure("validating", hooks.hook("warn", rules=rules))
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    attributes = {"verb": "get", "resource": "pods"}
    review = {**kind, "spec": {"user": "a", "resourceAttributes": attributes}}
    asked = await web("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert (asked.status, asked.headers.getall("Warning")) == (201, ['299 - "CREATE"'])
    for path in ("", "/", "/a/b"):
        connected = await web("GET", f"/api/v1/namespaces/default/services/none/proxy{path}")
        assert connected.headers.getall("Warning") == ['299 - "CONNECT"']
        assert hooks.asked[-1][1]["object"].get("path", "") == path
    labels = {"metadata": {"labels": {"a": "b"}}}
    await web.ok("PATCH", "/api/v1/namespaces/default", labels, type="application/merge-patch+json")
    last = hooks.asked[-1][1]
    assert (last["name"], last["namespace"]) == ("default", "default")


async def test_a_webhook_is_told_what_is_left_of_the_requests_time(cluster: Cluster, hooks: Hooks) -> None:
    await cluster.configure("validating", hooks.hook("short", timeoutSeconds=15), hooks.hook("long", timeoutSeconds=30))
    assert (await cluster.create(query="?timeout=28s")).status == 201
    assert hooks.timeouts["short"] == "15s"
    assert int(hooks.timeouts["long"].removesuffix("s")) in range(16, 29), "all of it on a quick machine"


async def test_a_request_that_is_given_up_ends_its_calls(cluster: Cluster, hooks: Hooks) -> None:
    hooks.gates["slow"] = asyncio.Event()
    await cluster.configure("validating", hooks.hook("slow"), hooks.hook("slow2"))
    answer = await cluster.create(query="?timeout=1s")
    assert (answer.status, answer.json["reason"]) == (504, "Timeout")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8", "clients say it in their own words"
    await asyncio.sleep(0)
    assert (await cluster.web("GET", f"{CONFIG_MAPS}/a")).status == 404
