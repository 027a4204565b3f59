"""FlowSchemas: whose requests are taken, which flow they are of, and who takes the rest."""

from typing import Any

import pytest

from pynetes.apis.flowcontrol import mandatory
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.flowcontrol.matching import Classifier, CompiledSchema
from pynetes.apiserver.requestinfo import request_info

Object = dict[str, Any]

EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}


def schema(name: str = "s", precedence: int = 100, distinguisher: str = "", **rule: Any) -> Object:
    spec: Object = {"priorityLevelConfiguration": {"name": "l"}, "matchingPrecedence": precedence, "rules": [rule]}
    if distinguisher:
        spec["distinguisherMethod"] = {"type": distinguisher}
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec}


ALICE = UserInfo("alice", groups=("dev", "system:authenticated"))
ROBOT = UserInfo("system:serviceaccount:ns:robot", groups=("system:serviceaccounts", "system:authenticated"))
PODS = "/api/v1/namespaces/default/pods"


@pytest.mark.parametrize(
    ("user", "subject", "expected"),
    [
        (ALICE, {"kind": "User", "user": {"name": "alice"}}, True),
        (ALICE, {"kind": "User", "user": {"name": "bob"}}, False),
        (ALICE, {"kind": "User", "user": {"name": "*"}}, True),
        (ALICE, {"kind": "Group", "group": {"name": "dev"}}, True),
        (ALICE, {"kind": "Group", "group": {"name": "ops"}}, False),
        (ROBOT, {"kind": "ServiceAccount", "serviceAccount": {"namespace": "ns", "name": "robot"}}, True),
        (ROBOT, {"kind": "ServiceAccount", "serviceAccount": {"namespace": "ns", "name": "*"}}, True),
        (ROBOT, {"kind": "ServiceAccount", "serviceAccount": {"namespace": "n", "name": "*"}}, False),
        (ALICE, {"kind": "ServiceAccount", "serviceAccount": {"namespace": "ns", "name": "*"}}, False),
    ],
)
def test_subjects(user: UserInfo, subject: Object, expected: bool) -> None:
    compiled = CompiledSchema(schema(subjects=[subject], resourceRules=[EVERYTHING]))
    assert compiled.matches(user, request_info("GET", PODS, {})) == expected


_ALICE = [{"kind": "User", "user": {"name": "alice"}}]


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ({}, PODS, True),
        ({"verbs": ["list"]}, PODS, True),
        ({"verbs": ["get"]}, PODS, False),
        ({"apiGroups": [""]}, PODS, True),
        ({"apiGroups": ["apps"]}, PODS, False),
        ({"resources": ["pods"]}, f"{PODS}/p/log", False),
        ({"resources": ["pods/log"]}, f"{PODS}/p/log", True),
        ({"namespaces": ["other"]}, PODS, False),
        ({"namespaces": ["default"], "clusterScope": False}, PODS, True),
        ({"clusterScope": False}, "/api/v1/nodes", False),
        ({"namespaces": [], "clusterScope": True}, "/api/v1/nodes", True),
        ({}, "/healthz", False),
    ],
)
def test_resource_rules(rule: Object, path: str, expected: bool) -> None:
    compiled = CompiledSchema(schema(subjects=_ALICE, resourceRules=[{**EVERYTHING, **rule}]))
    assert compiled.matches(ALICE, request_info("GET", path, {})) == expected


@pytest.mark.parametrize(
    ("urls", "path", "expected"),
    [
        (["/healthz"], "/healthz", True),
        (["/healthz"], "/healthz/ping", False),
        (["/healthz/*"], "/healthz/ping", True),
        (["*"], "/version", True),
        (["*"], PODS, False),
    ],
)
def test_path_rules(urls: list[str], path: str, expected: bool) -> None:
    compiled = CompiledSchema(schema(subjects=_ALICE, nonResourceRules=[{"verbs": ["get"], "nonResourceURLs": urls}]))
    assert compiled.matches(ALICE, request_info("GET", path, {})) == expected


@pytest.mark.parametrize(("distinguisher", "flow"), [("ByUser", "alice"), ("ByNamespace", "default"), ("", "")])
def test_flows(distinguisher: str, flow: str) -> None:
    compiled = CompiledSchema(schema(distinguisher=distinguisher))
    assert compiled.flow(ALICE, request_info("GET", PODS, {})) == flow


def test_the_lowest_precedence_wins_then_the_name_and_the_last_takes_the_rest() -> None:
    def made(name: str, precedence: int, resource: str) -> Object:
        return schema(name, precedence, subjects=_ALICE, resourceRules=[{**EVERYTHING, "resources": [resource]}])

    found = Classifier(
        [made("late", 9, "*"), made("b", 1, "pods"), made("a", 1, "pods")], mandatory.MANDATORY_SCHEMAS[1]
    )
    assert found.schema_of(ALICE, request_info("GET", PODS, {})).name == "a"
    assert found.schema_of(ALICE, request_info("GET", "/api/v1/nodes", {})).name == "late"
    assert found.schema_of(ROBOT, request_info("GET", PODS, {})).name == "catch-all"


@pytest.mark.parametrize(
    ("user", "method", "path", "expected"),
    [
        (UserInfo("root", groups=("system:masters",)), "GET", PODS, "exempt"),
        (UserInfo("system:anonymous", groups=("system:unauthenticated",)), "GET", "/livez", "probes"),
        (
            UserInfo("system:kube-scheduler", groups=("system:authenticated",)),
            "PUT",
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler",
            "system-leader-election",
        ),
        (UserInfo("system:kube-scheduler", groups=("system:authenticated",)), "GET", PODS, "kube-scheduler"),
        (UserInfo("system:node:n", groups=("system:nodes",)), "PATCH", "/api/v1/nodes/n/status", "system-node-high"),
        (UserInfo("system:node:n", groups=("system:nodes",)), "GET", PODS, "system-nodes"),
        (ROBOT, "GET", PODS, "service-accounts"),
        (ALICE, "GET", PODS, "global-default"),
    ],
)
def test_who_is_taken_by_the_suggested_schemas(user: UserInfo, method: str, path: str, expected: str) -> None:
    every = (*mandatory.MANDATORY_SCHEMAS, *mandatory.SUGGESTED_SCHEMAS)
    found = Classifier(every, mandatory.MANDATORY_SCHEMAS[1])
    assert found.schema_of(user, request_info(method, path, {})).name == expected
