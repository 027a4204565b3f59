"""The audit policy: what is noted of which request, and files that are none."""

from pathlib import Path
from typing import Any

import pytest

from pynetes.apiserver.audit.policy import Policy, PolicyError, load, validate
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.requestinfo import request_info

ALICE = UserInfo("alice", groups=("dev", "system:authenticated"))
PODS = "/api/v1/namespaces/default/pods"


@pytest.mark.parametrize(
    ("rule", "method", "path", "matches"),
    [
        ({}, "GET", "/healthz", True),
        ({"users": ["alice"]}, "GET", PODS, True),
        ({"users": ["bob"]}, "GET", PODS, False),
        ({"userGroups": ["ops", "dev"]}, "GET", PODS, True),
        ({"userGroups": ["ops"]}, "GET", PODS, False),
        ({"verbs": ["list"]}, "GET", PODS, True),
        ({"verbs": ["get"]}, "GET", PODS, False),
        ({"verbs": ["get"]}, "GET", "/healthz", True),
        ({"namespaces": ["default"]}, "GET", PODS, True),
        ({"namespaces": [""]}, "GET", PODS, False),
        ({"namespaces": [""]}, "GET", "/api/v1/nodes", True),
        ({"namespaces": ["default"]}, "GET", "/healthz", False),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, "GET", PODS, True),
        ({"resources": [{"group": "apps", "resources": ["pods"]}]}, "GET", PODS, False),
        ({"resources": [{"group": "*"}]}, "GET", PODS, True),
        ({"resources": [{"group": ""}]}, "GET", f"{PODS}/p/log", True),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, "GET", f"{PODS}/p/log", False),
        ({"resources": [{"group": "", "resources": ["pods/log"]}]}, "GET", f"{PODS}/p/log", True),
        ({"resources": [{"group": "", "resources": ["pods/*"]}]}, "GET", f"{PODS}/p/log", True),
        ({"resources": [{"group": "", "resources": ["*/log"]}]}, "GET", f"{PODS}/p/log", True),
        ({"resources": [{"group": "", "resources": ["*/log"]}]}, "GET", f"{PODS}/p", False),
        ({"resources": [{"group": "", "resources": ["pods"], "resourceNames": ["p"]}]}, "GET", f"{PODS}/p", True),
        ({"resources": [{"group": "", "resources": ["pods"], "resourceNames": ["q"]}]}, "GET", f"{PODS}/p", False),
        ({"nonResourceURLs": ["/healthz*"]}, "GET", "/healthz/ping", True),
        ({"nonResourceURLs": ["/healthz"]}, "GET", "/healthz/ping", False),
        ({"nonResourceURLs": ["*"]}, "GET", "/version", True),
        ({"nonResourceURLs": ["*"]}, "GET", PODS, False),
    ],
)
def test_rules(rule: dict[str, Any], method: str, path: str, matches: bool) -> None:
    noted = Policy({"rules": [{"level": "Metadata", **rule}]}).of(ALICE, request_info(method, path, {}))
    assert noted.level == ("Metadata" if matches else "None")


def test_the_first_rule_that_matches_counts_and_stages_add_up() -> None:
    rules = [
        {"level": "Request", "verbs": ["create"], "omitStages": ["Panic"], "omitManagedFields": False},
        {"level": "Metadata"},
    ]
    policy = Policy({"omitStages": ["RequestReceived"], "omitManagedFields": True, "rules": rules})
    created = policy.of(ALICE, request_info("POST", PODS, {}))
    assert (created.level, created.omitted, created.omit_managed_fields) == (
        "Request",
        {"Panic", "RequestReceived"},
        False,
    )
    listed = policy.of(ALICE, request_info("GET", PODS, {}))
    assert (listed.level, listed.omit_managed_fields) == ("Metadata", True)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"rules": [{}]}, "rules[0].level: Required value"),
        (
            {"rules": [{"level": "All"}]},
            'rules[0].level: Unsupported value: "All": '
            'supported values: "None", "Metadata", "Request", "RequestResponse"',
        ),
        (
            {"rules": [{"level": "None", "nonResourceURLs": ["/a"], "namespaces": ["b"]}]},
            "rules cannot apply to both regular resources and non-resource URLs",
        ),
        ({"rules": [{"level": "None", "nonResourceURLs": ["a"]}]}, "must begin with a '/' character"),
        ({"rules": [{"level": "None", "nonResourceURLs": ["/*/a"]}]}, "must be the final character of the rule"),
        (
            {"rules": [{"level": "None", "resources": [{"group": "", "resourceNames": ["a"]}]}]},
            "using resourceNames requires at least one resource",
        ),
        (
            {"omitStages": ["Never"], "rules": [{"level": "None"}]},
            'omitStages[0]: Invalid value: "Never": allowed stages',
        ),
    ],
)
def test_policies_that_are_wrong(document: dict[str, Any], message: str) -> None:
    (error,) = validate(document)
    assert message in str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "failed to read audit policy file"),
        ("apiVersion: v1\nkind: Policy", "an audit policy has apiVersion: audit.k8s.io/v1"),
        ("apiVersion: audit.k8s.io/v1\nkind: Event", "kind must be Policy"),
        ("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []", "illegal policy with 0 rules"),
        ("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: x}]", "Unsupported value"),
    ],
)
def test_files_that_are_no_policy(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(text)
    with pytest.raises(PolicyError, match=message.replace("[", r"\[")):
        load(file)
