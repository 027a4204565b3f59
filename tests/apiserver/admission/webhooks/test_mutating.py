"""Mutating webhooks: what they change, in which order, and when they are asked a second time."""

from typing import Any

import pytest

from tests.apiserver.admission.webhooks.conftest import (
    CONFIG_MAPS,
    Cluster,
    Hooks,
    Object,
    add,
    deny,
    patch,
    rule,
)


def label(name: str, value: str = "x") -> Object:
    return add(f"/metadata/labels/{name}", value)


async def create(cluster: Cluster, **changes: Any) -> Any:
    answer = await cluster.create(metadata={"name": "a", "labels": {"given": "x"}}, **changes)
    assert answer.status == 201, answer.body
    return answer.json


async def test_a_patch_changes_what_is_stored_and_answered(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["m"] = patch(add("/data", {"added": "1"}), label("l"))
    await cluster.configure("mutating", hooks.hook("m"))
    created = await create(cluster)
    assert (created["data"], created["metadata"]["labels"]) == ({"added": "1"}, {"given": "x", "l": "x"})
    stored = await cluster.web.ok("GET", f"{CONFIG_MAPS}/a")
    assert stored["data"] == {"added": "1"}


async def test_webhooks_are_asked_in_the_order_of_their_configurations_names(cluster: Cluster, hooks: Hooks) -> None:
    for name in ("first", "second", "third"):
        hooks.behaviours[name] = patch(label(name))
    await cluster.configure("mutating", hooks.hook("third"), name="z")
    await cluster.configure("mutating", hooks.hook("first"), hooks.hook("second"), name="a")
    created = await create(cluster)
    assert hooks.names == ["first", "second", "third"]
    assert [sorted(request["object"]["metadata"]["labels"]) for _, request in hooks.asked] == [
        ["given"],
        ["first", "given"],
        ["first", "given", "second"],
    ]
    assert sorted(created["metadata"]["labels"]) == ["first", "given", "second", "third"]


async def test_the_changed_object_gets_defaults_and_loses_unknown_fields(cluster: Cluster, hooks: Hooks) -> None:
    container = {"name": "extra", "image": "busybox", "ports": [{"containerPort": 80}], "nonsense": 1}
    hooks.behaviours["pods"] = patch(add("/spec/containers/-", container))
    await cluster.configure("mutating", hooks.hook("pods", rules=[rule("pods")]))
    pod = {
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "i"}], "automountServiceAccountToken": False},
    }
    created = await cluster.web.ok("POST", "/api/v1/namespaces/default/pods", pod)
    extra = created["spec"]["containers"][1]
    assert extra["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert extra["imagePullPolicy"] == "Always"
    assert "nonsense" not in extra


async def test_what_a_webhook_makes_is_validated(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["bad"] = patch(add("/data", {"not a key!": "x"}))
    await cluster.configure("mutating", hooks.hook("bad"))
    answer = await cluster.create()
    assert (answer.status, answer.json["reason"]) == (422, "Invalid")


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ([{"op": "replace", "path": "/nope/x", "value": 1}], "Internal error occurred: "),
        ([add("/data", 5)], "Internal error occurred: "),
        ([{"op": "test", "path": "/metadata/name", "value": "b"}], "Internal error occurred: "),
    ],
)
async def test_a_patch_that_does_not_apply_is_an_internal_error(
    cluster: Cluster, hooks: Hooks, operations: list[Object], message: str
) -> None:
    hooks.behaviours["bad"] = patch(*operations)
    await cluster.configure("mutating", hooks.hook("bad", failurePolicy="Ignore"))
    answer = await cluster.create()
    assert (answer.status, answer.json["reason"]) == (500, "InternalError")
    assert answer.message.startswith(message)


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ({"patch": "W10="}, "webhook returned response.patch but not response.patchType"),
        ({"patchType": "JSONPatch"}, "webhook returned response.patchType but not response.patch"),
        ({"patch": "W10=", "patchType": ""}, 'webhook returned invalid response.patchType of ""'),
        ({"patch": "e30=", "patchType": "JSONPatch"}, "received undecodable patch in webhook response"),
        ({"patch": "ew==", "patchType": "JSONPatch"}, "in webhook response: unexpected end of JSON input"),
        ({"patch": "!", "patchType": "JSONPatch"}, "illegal base64 data at input byte 0"),
        ({"patch": "W3t9XQ==", "patchType": "Strategic"}, 'unsupported patch type "Strategic"'),
    ],
)
async def test_answers_that_are_none(cluster: Cluster, hooks: Hooks, response: Object, problem: str) -> None:
    hooks.behaviours["m"] = lambda request: {"allowed": True, **response}
    await cluster.configure("mutating", hooks.hook("m"))
    answer = await cluster.create()
    assert answer.status == 500
    assert problem in answer.message


async def test_a_refusal_ends_the_request(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["no"] = deny("no", code=403, reason="Forbidden")
    await cluster.configure("mutating", hooks.hook("no"), hooks.hook("later"))
    answer = await cluster.create()
    assert (answer.status, answer.message) == (403, 'admission webhook "no.example.com" denied the request: no')
    assert hooks.names == ["no"]


async def test_an_earlier_webhook_is_asked_again_if_a_later_one_changed_something(
    cluster: Cluster, hooks: Hooks
) -> None:
    hooks.behaviours["later"] = patch(label("later"))
    await cluster.configure(
        "mutating",
        hooks.hook("again", reinvocationPolicy="IfNeeded"),
        hooks.hook("once"),
        hooks.hook("later", reinvocationPolicy="IfNeeded"),
    )
    await create(cluster)
    assert hooks.names == ["again", "once", "later", "again"]
    assert "later" in hooks.asked[-1][1]["object"]["metadata"]["labels"]


async def test_nobody_is_asked_again_if_nothing_changed(cluster: Cluster, hooks: Hooks) -> None:
    await cluster.configure("mutating", *(hooks.hook(name, reinvocationPolicy="IfNeeded") for name in ("one", "two")))
    await create(cluster)
    assert hooks.names == ["one", "two"]


async def test_a_webhook_whose_patch_changes_nothing_has_changed_nothing(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["two"] = patch(add("/metadata/labels/given", "x"))
    await cluster.configure("mutating", *(hooks.hook(name, reinvocationPolicy="IfNeeded") for name in ("one", "two")))
    await create(cluster)
    assert hooks.names == ["one", "two"]


async def test_plugins_of_the_server_run_again_over_what_a_webhook_made(cluster: Cluster, hooks: Hooks) -> None:
    """A container that a webhook adds gets the service account's token like the others."""
    hooks.behaviours["pods"] = patch(add("/spec/containers/-", {"name": "extra", "image": "busybox"}))
    await cluster.configure("mutating", hooks.hook("pods", rules=[rule("pods")]))
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    created = await cluster.web.ok("POST", "/api/v1/namespaces/default/pods", pod)
    mounts = [container["volumeMounts"][0]["mountPath"] for container in created["spec"]["containers"]]
    assert mounts == ["/var/run/secrets/kubernetes.io/serviceaccount"] * 2
    assert len(created["spec"]["volumes"]) == 1
    assert hooks.names == ["pods"]


async def test_nothing_can_be_patched_where_there_is_no_object(cluster: Cluster, hooks: Hooks) -> None:
    await cluster.create()
    hooks.behaviours["m"] = patch(label("x"))
    await cluster.configure("mutating", hooks.hook("m", rules=[rule("configmaps", operations=("DELETE",))]))
    answer = await cluster.web("DELETE", f"{CONFIG_MAPS}/a")
    assert answer.message == (
        'Internal error occurred: admission webhook "m.example.com" attempted to modify the object, which is not '
        "supported for this operation"
    )


async def test_validating_webhooks_see_what_mutating_ones_made(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["m"] = patch(label("m"))
    await cluster.configure("mutating", hooks.hook("m"))
    await cluster.configure("validating", hooks.hook("v"))
    await create(cluster)
    assert hooks.names == ["m", "v"]
    assert "m" in hooks.asked[1][1]["object"]["metadata"]["labels"]


async def test_a_change_in_another_version_is_stored_in_the_servers_own(cluster: Cluster, hooks: Hooks) -> None:
    hooks.behaviours["hpa"] = patch(add("/spec/targetCPUUtilizationPercentage", 70))
    rules = [rule("horizontalpodautoscalers", group="autoscaling")]
    await cluster.configure("mutating", hooks.hook("hpa", rules=rules))
    body = {
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}},
    }
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    created = await cluster.web.ok("POST", path, body)
    assert hooks.asked[0][1]["object"]["apiVersion"] == "autoscaling/v1"
    assert created["apiVersion"] == "autoscaling/v2"
    (metric,) = created["spec"]["metrics"]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}


async def test_kubectl_shows_denials_and_warnings(cluster: Cluster, hooks: Hooks, kubectl: Any) -> None:
    hooks.behaviours["w"] = lambda request: {"allowed": request["name"] == "good", "warnings": ["careful"]}
    await cluster.configure("validating", hooks.hook("w"))
    code, out = await kubectl("create", "configmap", "bad", "--from-literal=a=b")
    assert code == 1
    assert 'admission webhook "w.example.com" denied the request without explanation' in out
    code, out = await kubectl("create", "configmap", "good", "--from-literal=a=b")
    assert code == 0
    assert "Warning: careful" in out
