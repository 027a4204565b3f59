"""ValidatingAdmissionPolicy over HTTPS: what is refused, in which words, and who hears of it."""

from typing import Any

import pytest

from pynetes.component import metrics
from tests.apiserver.admission.policies.conftest import CONFIG_MAPS, REGISTRATION, Cluster, matching

Object = dict[str, Any]

DENIED = "configmaps \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: "


def rule(expression: str, **more: Any) -> list[Object]:
    return [{"expression": expression, **more}]


async def test_a_violated_rule_is_refused(cluster: Cluster) -> None:
    await cluster.validating(validations=rule("size(object.data) < 2"))
    assert (await cluster.create("good", data={"a": "1"})).status == 201
    answer = await cluster.create("a", data={"a": "1", "b": "2"})
    message = (
        "ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: failed expression: size(object.data) < 2"
    )
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'configmaps "a" is forbidden: {message}',
        "reason": "Invalid",
        "details": {"name": "a", "kind": "configmaps", "causes": [{"message": message}]},
        "code": 422,
    }


async def test_a_policy_without_a_binding_does_nothing(cluster: Cluster) -> None:
    assert (await cluster.policy("Validating", validations=rule("false"))).status == 201
    await cluster.settled()
    assert (await cluster.create()).status == 201
    await cluster.binding("Validating", validationActions=["Deny"])
    await cluster.settled()
    assert (await cluster.create("b")).status == 422
    await cluster.web.ok("DELETE", f"{REGISTRATION}validatingadmissionpolicybindings/b")
    await cluster.settled()
    assert (await cluster.create("b")).status == 201


@pytest.mark.parametrize(
    ("reason", "code"),
    [("Forbidden", 403), ("RequestEntityTooLarge", 413), ("Invalid", 422)],
)
async def test_a_rule_chooses_the_reason(cluster: Cluster, reason: str, code: int) -> None:
    await cluster.validating(validations=rule("false", message=" no way ", reason=reason))
    answer = await cluster.create()
    assert (answer.status, answer.json["reason"], answer.message) == (code, reason, DENIED + "no way")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("'only ' + string(size(object.data))", "only 1"),
        ("'  '", "plain"),
        ("'two\\nlines'", "plain"),
        ("'x' + object.data['none']", "plain"),
        ("object.data['k'].replace('v', '" + "long" * 2000 + "')", "plain"),
    ],
)
async def test_message_expressions_fall_back_to_the_message(cluster: Cluster, said: str, shown: str) -> None:
    await cluster.validating(validations=rule("false", message="plain", messageExpression=said))
    assert (await cluster.create(data={"k": "v"})).message == DENIED + shown


async def test_expressions_that_fail_deny_or_not(cluster: Cluster) -> None:
    await cluster.validating(validations=rule("object.data.missing == 'x'"))
    await cluster.validating(name="q", failurePolicy="Ignore", validations=rule("object.data.missing == 'x'"))
    answer = await cluster.create(data={"a": "b"})
    assert answer.message == DENIED + "expression 'object.data.missing == 'x'' resulted in error: no such key: missing"
    await cluster.web.ok("DELETE", f"{REGISTRATION}validatingadmissionpolicies/p")
    await cluster.settled()
    assert (await cluster.create(data={"a": "b"})).status == 201


async def test_warnings_and_audit(cluster: Cluster) -> None:
    await cluster.validating(
        validations=rule("false", message="mind"), binding={"validationActions": ["Warn", "Audit"]}
    )
    answer = await cluster.create()
    assert answer.status == 201
    warning = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': mind"
    assert answer.headers.getall("Warning") == [f'299 - "{warning}"']


async def test_variables_are_typed_and_lazy(cluster: Cluster) -> None:
    guarded = "size(variables.long) == 0 || variables.broken"
    too_long = "'too long: ' + variables.long.join(', ')"
    await cluster.validating(
        variables=[
            {"name": "names", "expression": "object.data.map(k, k)"},
            {"name": "long", "expression": "variables.names.filter(n, size(n) > 3)"},
            {"name": "broken", "expression": "object.nothing.at.all"},
        ],
        validations=rule(guarded, messageExpression=too_long) + rule("size(variables.long) == 0"),
    )
    assert (await cluster.create("short", data={"abc": "1"})).status == 201
    answer = await cluster.create(data={"abcd": "1"})
    fails = 'composited variable "broken" fails to evaluate: no such key: nothing'
    assert answer.message == DENIED + f"expression '{guarded}' resulted in error: {fails}"


async def test_messages_can_use_variables(cluster: Cluster) -> None:
    await cluster.validating(
        variables=[{"name": "names", "expression": "object.data.map(k, k)"}],
        validations=rule("variables.names == []", messageExpression="'found ' + variables.names.join(', ')"),
    )
    assert (await cluster.create(data={"abcd": "1"})).message == DENIED + "found abcd"


async def test_conditions_keep_requests_away(cluster: Cluster) -> None:
    conditions = [
        {"name": "not-me", "expression": "request.userInfo.username != 'kubernetes-admin'"},
        {"name": "fails", "expression": "object.data.missing == 'x'"},
    ]
    await cluster.validating(matchConditions=conditions, validations=rule("false"))
    assert (await cluster.create()).status == 201
    await cluster.validating(name="q", matchConditions=conditions[1:], validations=rule("false"))
    answer = await cluster.create("b", data={"k": "v"})
    assert answer.status == 422
    assert answer.message.endswith("expression 'object.data.missing == 'x'' resulted in error: no such key: missing")


async def test_rules_see_the_request(cluster: Cluster) -> None:
    seen = (
        "request.operation == 'UPDATE' && oldObject.data.k == '1' && object.data.k == '2' && "
        "namespaceObject.metadata.name == 'default' && request.userInfo.groups.exists(g, g == 'system:masters') && "
        "authorizer.requestResource.check('update').allowed() && "
        "!authorizer.serviceAccount('default', 'default').group('').resource('pods').check('get').allowed()"
    )
    await cluster.validating(validations=rule(seen), matchConstraints=matching("configmaps", operations=("UPDATE",)))
    assert (await cluster.create(data={"k": "1"})).status == 201
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "2"}}
    await cluster.web.ok("PUT", f"{CONFIG_MAPS}/a", body)
    assert (await cluster.web("PUT", f"{CONFIG_MAPS}/a", body)).status == 422


async def test_a_namespace_has_no_namespace_object(cluster: Cluster) -> None:
    await cluster.validating(
        matchConstraints=matching("namespaces"),
        validations=rule("namespaceObject == null && object.metadata.name != 'bad'"),
    )
    space = {"apiVersion": "v1", "kind": "Namespace"}
    await cluster.web.ok("POST", "/api/v1/namespaces", {**space, "metadata": {"name": "good"}})
    assert (await cluster.web("POST", "/api/v1/namespaces", {**space, "metadata": {"name": "bad"}})).status == 422


async def test_selectors_and_exclusions(cluster: Cluster) -> None:
    constraints = {
        **matching("*"),
        "objectSelector": {"matchLabels": {"checked": "yes"}},
        "excludeResourceRules": [
            {
                "operations": ["*"],
                "apiGroups": [""],
                "apiVersions": ["*"],
                "resources": ["configmaps"],
                "resourceNames": ["spared"],
            }
        ],
    }
    binding = {"matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}}
    await cluster.validating(
        matchConstraints=constraints, validations=rule("false"), binding={**binding, "validationActions": ["Deny"]}
    )
    checked = {"metadata": {"labels": {"checked": "yes"}}}
    assert (await cluster.create("unlabelled")).status == 201
    assert (await cluster.create("spared", **checked)).status == 201
    assert (await cluster.create("a", metadata={"labels": {"checked": "yes"}})).status == 422
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"checked": "yes"}}}
    await cluster.web.ok("POST", "/api/v1/namespaces/kube-public/configmaps", body)


async def test_another_version_of_the_kind_matches_too(cluster: Cluster) -> None:
    constraints = matching("horizontalpodautoscalers", apiGroups=["autoscaling"])
    await cluster.validating(
        matchConstraints=constraints,
        validations=rule("!has(object.spec.targetCPUUtilizationPercentage) || request.kind.version != 'v1'"),
    )
    spec = {
        "maxReplicas": 2,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}},
            }
        ],
    }
    body = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}, "spec": spec}
    answer = await cluster.web("POST", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", body)
    assert answer.status == 422, answer.body


async def test_subresources_and_connects(cluster: Cluster) -> None:
    await cluster.validating(
        matchConstraints=matching("pods/exec", "pods/eviction", operations=("CONNECT", "CREATE")),
        validations=rule("request.subResource != 'eviction'", message="stay"),
    )
    pod = {"containers": [{"name": "c", "image": "i"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
    await cluster.web.ok("POST", "/api/v1/namespaces/default/pods", body)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a"}}
    answer = await cluster.web("POST", "/api/v1/namespaces/default/pods/a/eviction", eviction)
    assert (answer.status, answer.message.endswith("denied request: stay")) == (422, True)


async def test_what_a_client_wants_to_attach_to(cluster: Cluster) -> None:
    pod = {"containers": [{"name": "c", "image": "i"}]}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
    await cluster.web.ok("POST", "/api/v1/namespaces/default/pods", body)
    await cluster.validating(
        matchConstraints=matching("pods/*", operations=("CONNECT",)),
        validations=rule(
            "!object.stdin || object.container != 'c'", messageExpression="'no ' + request.subResource + object.kind"
        )
        + rule("object.command != ['sh', '-c']"),
    )
    path = "/api/v1/namespaces/default/pods/a/"
    answer = await cluster.web("POST", path + "attach?stdin=true&container=c")
    assert answer.message.endswith("denied request: no attachPodAttachOptions")
    answer = await cluster.web("POST", path + "exec?stdin=1&container=d&command=sh&command=-c")
    assert answer.message.endswith("denied request: failed expression: object.command != ['sh', '-c']")


async def test_scales_are_scales(cluster: Cluster) -> None:
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    labels = {"a": "b"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    await cluster.web.ok("POST", deployments, body)
    await cluster.validating(
        matchConstraints=matching("deployments/scale", apiGroups=["apps"]),
        validations=rule(
            "object.kind == 'Scale' && object.spec.replicas <= oldObject.spec.replicas",
            messageExpression="'no more than ' + string(oldObject.spec.replicas)",
        ),
    )
    patch = {"type": "application/merge-patch+json"}
    answer = await cluster.web("PATCH", f"{deployments}/d/scale", {"spec": {"replicas": 9}}, **patch)
    assert (answer.status, answer.message.endswith("denied request: no more than 3")) == (422, True)
    await cluster.web.ok("PATCH", f"{deployments}/d/scale", {"spec": {"replicas": 2}}, **patch)


async def test_policies_are_never_checked_by_policies(cluster: Cluster) -> None:
    everything = matching("*", "*/*", operations=("*",), apiGroups=["*"], apiVersions=["*"])
    everything["resourceRules"][0]["resources"] = ["*/*"]
    await cluster.validating(matchConstraints=everything, validations=rule("false"))
    assert (await cluster.create()).status == 422
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    await cluster.web.ok("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review)
    await cluster.web.ok("DELETE", f"{REGISTRATION}validatingadmissionpolicies/p")
    await cluster.settled()
    assert (await cluster.create()).status == 201


async def test_the_budget_ends_a_policy(cluster: Cluster) -> None:
    costly = f"!object.data.k.matches('{'y' * 80}')"
    await cluster.validating(validations=rule(costly) * 13)
    answer = await cluster.create(data={"k": "x" * 400_000})
    assert answer.message == (
        DENIED + "validation failed due to running out of cost budget, no further validation rules will be run"
    )


async def test_kubectl_shows_denials_and_warnings(cluster: Cluster, kubectl: Any) -> None:
    await cluster.validating(validations=rule("object.data.size() > 1", message="too little"))
    await cluster.validating(name="w", validations=rule("false", message="hm"), binding={"validationActions": ["Warn"]})
    code, out = await kubectl("create", "configmap", "a", "--from-literal=a=b")
    assert code == 1
    assert DENIED + "too little" in out
    code, out = await kubectl("create", "configmap", "a", "--from-literal=a=b", "--from-literal=c=d")
    assert code == 0
    assert "Warning: Validation failed for ValidatingAdmissionPolicy 'w' with binding 'w-b': hm" in out


async def test_checks_are_counted(cluster: Cluster) -> None:
    await cluster.validating(name="counted", validations=rule("false"))
    await cluster.create()
    line = (
        'apiserver_validating_admission_policy_check_total{enforcement_action="deny",error_type="invalid_error",'
        'policy="counted",policy_binding="counted-b"} 1'
    )
    assert line in metrics.render().decode()
