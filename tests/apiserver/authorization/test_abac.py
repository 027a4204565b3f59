"""ABAC: what the lines of a policy file allow, and which lines are none."""

from pathlib import Path

import pytest

from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.abac import ABAC, PolicyFileError, load
from pynetes.apiserver.authorization.attributes import Attributes, Decision
from pynetes.apiserver.authorization.rules import EVERYTHING

POLICIES = """
# who may do what
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"alice","namespace":"*","resource":"*","apiGroup":"*"}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"bob","namespace":"a","resource":"pods","readonly":true,"odd":1}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"*","nonResourcePath":"/healthz*","readonly":true}}
  {"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"carol","group":"ops","namespace":"b","resource":"jobs","apiGroup":"batch"}}
{"user":"old","readonly":true}
{"namespace":"shared","resource":"events"}
"""


def user(name: str, *groups: str) -> UserInfo:
    return UserInfo(name, groups=(*groups, "system:authenticated"))


def asked(who: UserInfo, verb: str, resource: str, namespace: str = "", group: str = "") -> Attributes:
    if resource.startswith("/"):
        return Attributes(who, verb, path=resource, is_resource=False)
    return Attributes(who, verb, group, "v1", resource, namespace=namespace)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policies"
    path.write_text(POLICIES)
    return path


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        (asked(user("alice"), "delete", "jobs", "x", "batch"), True),
        (asked(user("alice"), "create", "nodes"), True),
        (asked(user("alice"), "get", "/metrics"), False),
        (asked(user("bob"), "list", "pods", "a"), True),
        (asked(user("bob"), "create", "pods", "a"), False),
        (asked(user("bob"), "get", "pods", "b"), False),
        (asked(user("bob"), "get", "pods", "a", "other"), False),
        (asked(user("bob"), "get", "/healthz/ping"), True),
        (asked(user("bob"), "post", "/healthz"), False),
        (asked(UserInfo("system:anonymous", groups=("system:unauthenticated",)), "get", "/healthz"), False),
        (asked(user("carol", "ops"), "create", "jobs", "b", "batch"), True),
        (asked(user("carol"), "create", "jobs", "b", "batch"), False),
        (asked(user("dan", "ops"), "create", "jobs", "b", "batch"), False),
        (asked(user("old"), "watch", "secrets", "x", "any"), True),
        (asked(user("old"), "get", "/metrics"), True),
        (asked(user("old"), "update", "secrets", "x"), False),
        (asked(user("dan"), "create", "events", "shared", "events.k8s.io"), True),
        (asked(user("dan"), "get", "/metrics"), False),
    ],
)  # fmt: skip
def test_a_request_is_allowed_if_one_line_matches(file: Path, question: Attributes, allowed: bool) -> None:
    wanted = Decision(True) if allowed else Decision(False, reason="No policy matched.")
    assert ABAC(load(file)).authorize(question) == wanted


def test_rules_are_those_of_the_lines_that_speak_of_the_user(file: Path) -> None:
    read = ["get", "list", "watch"]
    assert ABAC(load(file)).held(user("bob"), "a").rules == [{"verbs": read, "apiGroups": [""], "resources": ["pods"]}]
    held = ABAC(load(file)).held(user("old"), "b")
    rules = [*EVERYTHING]
    assert held.rules == [{**rules[0], "verbs": read}, {**rules[1], "verbs": read}]
    assert not held.incomplete


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: {: couldn't get version/kind; json parse error: "),
        ('{"user":1}', 'line 2: {"user":1}: json: cannot unmarshal number into Go struct field user'),
        ('{"apiVersion":"v2","kind":"Policy"}', ': no kind "Policy" is registered for version "v2"'),
        (
            '{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Role"}',
            ': no kind "Role" is registered for version "abac.authorization.kubernetes.io/v1beta1"',
        ),
        ("#" * 65536, "policies: bufio.Scanner: token too long"),
    ],
)
def test_a_line_that_is_no_policy_ends_the_start(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "policies"
    path.write_text(f"\n{line}\n")
    with pytest.raises(PolicyFileError, match="error reading policy file ") as caught:
        load(path)
    assert message in str(caught.value)


def test_a_file_that_is_missing_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError) as caught:
        load(tmp_path / "missing")
    assert str(caught.value) == f"open {tmp_path / 'missing'}: no such file or directory"
    with pytest.raises(PolicyFileError, match="open : no such file or directory"):
        load(None)
