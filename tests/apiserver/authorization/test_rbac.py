"""RBAC: lookups, messages, aggregation, escalation, reviews."""

from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization import escalation, reviews
from pynetes.apiserver.authorization.attributes import Attributes, forbidden
from pynetes.apiserver.authorization.bootstrap import policy
from pynetes.apiserver.authorization.union import ClusterAuthorizer
from pynetes.apiserver.authorization.webhook import Settings, WebhookAuthorizer

GROUP = "rbac.authorization.k8s.io"
ALICE = UserInfo("alice", groups=("devs", "system:authenticated"))


def role(name: str, *texts: str, namespace: str = "", labels: dict[str, str] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": labels or {}}
    if namespace:
        metadata["namespace"] = namespace
    kind = "Role" if namespace else "ClusterRole"
    return {"kind": kind, "metadata": metadata, "rules": [policy.rule(text) for text in texts]}


def binding(name: str, of: str, *subjects: dict[str, str], namespace: str = "", kind: str = "") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "subjects": list(subjects),
        "roleRef": {"apiGroup": GROUP, "kind": kind or ("Role" if namespace else "ClusterRole"), "name": of},
    }


def user(name: str) -> dict[str, str]:
    return {"kind": "User", "name": name, "apiGroup": GROUP}


def group(name: str) -> dict[str, str]:
    return {"kind": "Group", "name": name, "apiGroup": GROUP}


def authorizer(*objects: dict[str, Any]) -> ClusterAuthorizer:
    made = ClusterAuthorizer()
    for obj in objects:
        made.observe("ADDED", obj)
    return made


def asks(verb: str, resource: str, namespace: str = "", name: str = "", who: UserInfo = ALICE) -> Attributes:
    resource, _, subresource = resource.partition("/")
    plural, _, api_group = resource.partition(".")
    return Attributes(who, verb, api_group, "v1", plural, subresource, namespace, name)


def test_a_role_binding_allows_in_its_namespace_only() -> None:
    found = authorizer(role("r", "read core pods", namespace="a"), binding("b", "r", user("alice"), namespace="a"))
    decision = found.authorize(asks("list", "pods", "a"))
    assert decision.allowed
    assert decision.reason == 'RBAC: allowed by RoleBinding "b/a" of Role "r" to User "alice"'
    assert not found.authorize(asks("list", "pods", "b")).allowed
    assert not found.authorize(asks("list", "pods")).allowed
    assert not found.authorize(asks("delete", "pods", "a")).allowed


@pytest.mark.parametrize(
    ("rule", "question", "allowed"),
    [
        ("get core pods", asks("get", "pods/log", "a", "p"), False),
        ("get core pods/log", asks("get", "pods/log", "a", "p"), True),
        ("get core */log", asks("get", "pods/log", "a", "p"), True),
        ("get core *", asks("get", "pods/log", "a", "p"), True),
        ("* * *", asks("watch", "deployments.apps", "a"), True),
        ("get apps deployments one", asks("get", "deployments.apps", "a", "one"), True),
        ("get apps deployments one", asks("get", "deployments.apps", "a", "two"), False),
        ("list apps deployments one", asks("list", "deployments.apps", "a"), False),
        ("get url /healthz/*", Attributes(ALICE, "get", path="/healthz/etcd", is_resource=False), True),
        ("get url /healthz", Attributes(ALICE, "get", path="/healthz/etcd", is_resource=False), False),
        ("get url *", Attributes(ALICE, "get", path="/metrics", is_resource=False), True),
        ("get url *", asks("get", "pods", "a", "p"), False),
    ],
)
def test_rules_match_as_upstreams_do(rule: str, question: Attributes, allowed: bool) -> None:
    found = authorizer(role("r", rule), binding("b", "r", group("devs")))
    assert found.authorize(question).allowed is allowed


def test_answers_change_with_the_objects() -> None:
    found = authorizer()
    question = asks("get", "pods", "a", "p")
    given = binding("b", "r", user("alice"))
    assert not found.authorize(question).allowed
    found.observe("ADDED", given)
    assert found.authorize(question).reason == f'RBAC: clusterrole.{GROUP} "r" not found'
    found.observe("ADDED", role("r", "read core pods"))
    assert found.authorize(question).allowed
    found.observe("MODIFIED", {**given, "subjects": [user("bob")]})
    assert not found.authorize(question).allowed
    found.observe("MODIFIED", given)
    found.observe("DELETED", given)
    assert not found.authorize(question).allowed


def test_service_accounts_without_namespace_are_those_of_the_binding() -> None:
    account = {"kind": "ServiceAccount", "name": "builder"}
    found = authorizer(role("r", "read core pods"), binding("b", "r", account, namespace="a", kind="ClusterRole"))
    who = UserInfo("system:serviceaccount:a:builder")
    decision = found.authorize(asks("get", "pods", "a", "p", who))
    assert decision.reason.endswith('of ClusterRole "r" to ServiceAccount "builder/a"')
    assert not found.authorize(asks("get", "pods", "b", "p", UserInfo("system:serviceaccount:b:builder"))).allowed


def test_aggregated_roles_hold_the_rules_of_what_they_select_however_deep() -> None:
    found = authorizer(*policy.cluster_roles(), binding("b", "admin", user("alice"), namespace="a", kind="ClusterRole"))
    assert found.authorize(asks("list", "pods", "a")).allowed
    assert found.authorize(asks("create", "rolebindings.rbac.authorization.k8s.io", "a")).allowed
    assert not found.authorize(asks("list", "widgets.example.com", "a")).allowed
    extension = role("widgets", "read example.com widgets", labels={f"{GROUP}/aggregate-to-view": "true"})
    found.observe("ADDED", extension)
    assert found.authorize(asks("list", "widgets.example.com", "a")).allowed
    found.observe("DELETED", extension)
    assert not found.authorize(asks("list", "widgets.example.com", "a")).allowed


def test_the_privileged_group_needs_no_role() -> None:
    root = UserInfo("root", groups=("system:masters",))
    assert authorizer().authorize(asks("delete", "nodes", who=root)).allowed


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (
            asks("get", "pods", "default", "x"),
            'pods "x" is forbidden: User "alice" cannot get resource "pods" in API group "" in the namespace "default"',
        ),
        (
            asks("list", "deployments.apps"),
            'deployments.apps is forbidden: User "alice" cannot list resource "deployments" in API group "apps" '
            "at the cluster scope",
        ),
        (
            asks("create", "pods/exec", "a", "p"),
            'pods "p" is forbidden: User "alice" cannot create resource "pods/exec" in API group "" '
            'in the namespace "a"',
        ),
        (
            Attributes(ALICE, "get", path="/metrics", is_resource=False),
            'forbidden: User "alice" cannot get path "/metrics"',
        ),
    ],
)
def test_refusals_are_worded_as_clients_expect(question: Attributes, message: str) -> None:
    assert forbidden(question).message == message


async def test_granting_more_than_one_holds_is_refused_with_what_is_missing() -> None:
    found = authorizer(role("r", "read core pods", "* rbac.authorization.k8s.io *"), binding("b", "r", user("alice")))
    with_more = role("new", "get,delete core pods", "get core secrets", "get url /metrics")
    # `*` on the RBAC group covers `escalate`: take it away to be checked.
    found.observe("MODIFIED", role("r", "read core pods", "readwrite rbac.authorization.k8s.io *"))
    with pytest.raises(StatusError) as caught:
        await escalation.check(found, ALICE, with_more)
    assert caught.value.code == 403
    assert caught.value.message == (
        f'clusterroles.{GROUP} "new" is forbidden: user "alice" (groups=["devs" "system:authenticated"]) is attempting '
        "to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}\n'
        '{NonResourceURLs:["/metrics"], Verbs:["get"]}'
    )
    await escalation.check(found, ALICE, role("fine", "list core pods"))
    await escalation.check(found, UserInfo("root", groups=("system:masters",)), with_more)


async def test_the_verbs_escalate_and_bind_lift_the_check() -> None:
    found = authorizer(
        role("r", "escalate rbac.authorization.k8s.io clusterroles", "bind rbac.authorization.k8s.io clusterroles big"),
        role("big", "* * *"),
        role("other", "* * *"),
        binding("b", "r", user("alice")),
    )
    await escalation.check(found, ALICE, role("new", "* * *"))
    await escalation.check(found, ALICE, binding("mine", "big", user("bob")))
    with pytest.raises(StatusError, match="not currently held"):
        await escalation.check(found, ALICE, binding("mine", "other", user("bob")))
    with pytest.raises(StatusError, match="not found"):
        await escalation.check(found, ALICE, binding("mine", "missing", user("bob")))


async def test_escalation_by_name_is_no_right_to_make_the_role() -> None:
    found = authorizer(
        role("r", "escalate rbac.authorization.k8s.io clusterroles new"), binding("b", "r", user("alice"))
    )
    await escalation.check(found, ALICE, role("new", "* * *"))
    with pytest.raises(StatusError, match="not currently held"):
        await escalation.check(found, ALICE, role("new", "* * *"), named=False)


async def test_an_aggregation_rule_takes_a_cluster_admin() -> None:
    found = authorizer(role("r", "read core pods"), binding("b", "r", user("alice")))
    gathering = {**role("new"), "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}}
    with pytest.raises(StatusError, match="must have cluster-admin privileges to use the aggregationRule"):
        await escalation.check(found, ALICE, gathering)
    removing = {**gathering, "metadata": {"name": "new", "labels": {}, "finalizers": ["x"]}}
    await escalation.check(found, ALICE, gathering, removing)


async def test_access_reviews_answer_for_others_and_for_oneself() -> None:
    found = authorizer(role("r", "read core pods"), binding("b", "r", user("alice")))
    spec = {"resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "a"}}
    assert (await reviews.review_self(found, ALICE, {"spec": spec}))["status"]["allowed"] is True
    other = await reviews.review_subject(found, {"spec": {**spec, "user": "bob"}})
    assert other["status"] == {"allowed": False}
    local = {"metadata": {"namespace": "a"}, "spec": {**spec, "user": "alice"}}
    assert (await reviews.review_subject(found, local, namespace="a"))["status"]["allowed"] is True
    with pytest.raises(StatusError, match=r"must match metadata\.namespace"):
        await reviews.review_subject(found, {**local, "metadata": {"namespace": "b"}}, namespace="b")
    with pytest.raises(StatusError, match="at least one of user or group must be specified"):
        await reviews.review_subject(found, {"spec": spec})
    with pytest.raises(StatusError, match="exactly one of nonResourceAttributes or resourceAttributes"):
        await reviews.review_self(found, ALICE, {"spec": {}})


def test_rules_that_a_webhook_knows_are_not_listed() -> None:
    found = authorizer(role("r", "read core pods"), binding("b", "r", user("alice")))
    found.use(("RBAC", WebhookAuthorizer("hook", None, Settings())))  # type: ignore[arg-type]
    status = reviews.review_rules(found, ALICE, {"spec": {"namespace": "a"}})["status"]
    assert (status["incomplete"], len(status["resourceRules"])) == (True, 1)
    assert status["evaluationError"] == "webhook authorizer does not support user rule resolution"


@pytest.mark.parametrize(
    ("selectors", "problem"),
    [
        (
            {"fieldSelector": {"requirements": [{"operator": "Zonk"}]}},
            "fieldSelector.requirements[0].key: Required value",
        ),
        (
            {"labelSelector": {"requirements": [{"key": "?", "operator": "Zonk"}]}},
            'requirements[0].key: Invalid value: "?"',
        ),
        (
            {"fieldSelector": {"requirements": [{"key": "a", "operator": "In"}]}},
            "requirements[0].values: Required value",
        ),
        ({"fieldSelector": {}}, "requirements or rawSelector is required"),
    ],
)
async def test_selectors_of_reviews_are_checked_and_no_kind_is_named(selectors: dict[str, Any], problem: str) -> None:
    spec = {"user": "bob", "resourceAttributes": {"verb": "list", "resource": "pods", **selectors}}
    with pytest.raises(StatusError) as refused:
        await reviews.review_subject(authorizer(), {"spec": spec})
    assert refused.value.message.startswith('.authorization.k8s.io "" is invalid: spec.resourceAttributes.')
    assert problem in refused.value.message


def test_rules_reviews_list_what_one_holds() -> None:
    found = authorizer(
        role("r", "read core pods", "get url /healthz"),
        role("own", "get apps deployments web", namespace="a"),
        binding("b", "r", group("devs")),
        binding("b", "own", user("alice"), namespace="a"),
        binding("c", "gone", user("alice"), namespace="a"),
    )
    status = reviews.review_rules(found, ALICE, {"spec": {"namespace": "a"}})["status"]
    assert status["resourceRules"] == [
        {"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["web"]},
    ]
    assert status["nonResourceRules"] == [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]
    assert status["evaluationError"] == f'role.{GROUP} "gone" not found'


async def test_a_review_asks_with_its_selectors_and_says_which_it_does_not_understand() -> None:
    labels = {"requirements": [{"key": "a", "operator": "In", "values": ["b"]}, {"key": "c", "operator": "Exists"}]}
    fields = {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]}
    asked = {"verb": "list", "resource": "pods", "labelSelector": labels, "fieldSelector": fields}
    question, problem = reviews.attributes(ALICE, {"resourceAttributes": asked})
    assert problem == ""
    assert [str(requirement) for requirement in question.label_selector] == ["a in (b)", "c"]
    assert question.field_selector == (("spec.nodeName", "=", "n1"),)
    asked["labelSelector"] = {"requirements": [*labels["requirements"], {"key": "d", "operator": "Odd"}]}
    asked["fieldSelector"] = {"rawSelector": "a>b"}
    question, problem = reviews.attributes(ALICE, {"resourceAttributes": asked})
    assert len(question.label_selector) == 2
    assert problem == (
        "[spec.resourceAttributes.fieldSelector ignored due to parse error, "
        "spec.resourceAttributes.labelSelector partially ignored due to parse error]"
    )
