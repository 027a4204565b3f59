"""The chain of authorizers as configured: flags and files, and what is wrong with them."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pynetes.apiserver.authorization.config import (
    AuthorizationConfigError,
    Webhook,
    configured,
    from_flags,
    load,
    parse,
)
from pynetes.apiserver.config import APIServerConfig

Object = dict[str, Any]


@pytest.fixture
def webhook(tmp_path: Path) -> Object:
    file = tmp_path / "kubeconfig"
    file.write_text("")
    return {
        "type": "Webhook",
        "name": "first",
        "webhook": {
            "timeout": "3s",
            "subjectAccessReviewVersion": "v1",
            "matchConditionSubjectAccessReviewVersion": "v1",
            "failurePolicy": "Deny",
            "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(file)},
            "matchConditions": [{"expression": "request.user != 'bob'"}],
        },
    }


def written(path: Path, *authorizers: Object, **more: Any) -> Path:
    document = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    path.write_text(yaml.safe_dump({**document, "authorizers": list(authorizers), **more}))
    return path


def test_a_file_gives_the_chain_in_its_order(tmp_path: Path, webhook: Object) -> None:
    second = copy.deepcopy(webhook)
    second["name"] = "second"
    second["webhook"] |= {"cacheAuthorizedRequests": False, "unauthorizedTTL": "1m", "failurePolicy": "NoOpinion"}
    node, rbac = {"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}
    found = load(written(tmp_path / "config", webhook, node, second, rbac))
    assert [each if isinstance(each, str) else each.name for each in found] == ["first", "Node", "second", "RBAC"]
    first, other = found[0], found[2]
    assert isinstance(first, Webhook)
    assert isinstance(other, Webhook)
    assert (first.timeout, first.settings.authorized_seconds, first.settings.unauthorized_seconds) == (3.0, 300.0, 30.0)
    assert first.settings.denies_on_error
    assert len(first.settings.conditions) == 1
    assert (other.settings.authorized_seconds, other.settings.unauthorized_seconds) == (0.0, 60.0)
    assert not other.settings.denies_on_error


def changes(**values: Any) -> Callable[[Object], Any]:
    def change(authorizer: Object) -> None:
        authorizer["webhook"] |= values

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(type=""), "authorizers[0].type: Required value"),
        (lambda a: a.update(type="Odd"), 'authorizers[0].type: Unsupported value: "Odd": supported values: '),
        (lambda a: a.update(name=""), "authorizers[0].name: Required value"),
        (lambda a: a.update(name="A"), 'authorizers[0].name: Invalid value: "A": authorizer name is invalid: '),
        (lambda a: a.update(type="RBAC"), 'Invalid value: "non-null": may only be specified when type=Webhook'),
        (lambda a: a.pop("webhook"), "authorizers[0].webhook: Required value: required when type=Webhook"),
        (changes(timeout=None), "authorizers[0].timeout: Required value"),
        (changes(timeout="31s"), 'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s'),
        (changes(authorizedTTL="-1s"), 'authorizers[0].authorizedTTL: Invalid value: "-1s": must be > 0s'),
        (changes(unauthorizedTTL="0s"), "authorizers[0].unauthorizedTTL: Required value"),
        (changes(subjectAccessReviewVersion="v2"), 'Unsupported value: "v2": supported values: "v1", "v1beta1"'),
        (
            changes(matchConditionSubjectAccessReviewVersion=""),
            "matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified",
        ),
        (changes(failurePolicy=""), "authorizers[0].failurePolicy: Required value"),
        (changes(failurePolicy="Ignore"), 'Unsupported value: "Ignore": supported values: "NoOpinion", "Deny"'),
        (changes(connectionInfo={}), "authorizers[0].connectionInfo.type: Required value"),
        (changes(connectionInfo={"type": "KubeConfigFile", "kubeConfigFile": "a"}), '"a": must be an absolute path'),
        (changes(connectionInfo={"type": "KubeConfigFile", "kubeConfigFile": "/"}), '"/": must be a regular file'),
        (changes(matchConditions=[{"expression": " "}]), "matchConditions[0].expression: Required value"),
        (changes(matchConditions=[{"expression": "true"}] * 2), '[1].expression: Duplicate value: "true"'),
        (changes(matchConditions=[{"expression": "1"}]), 'Invalid value: "1": must evaluate to bool but got int'),
        (changes(matchConditions=[{"expression": "request.x"}]), "compilation failed: ERROR: <input>:1:8: "),
        (changes(matchConditions=[{"expression": "true"}] * 65), "65: must have at most 64 items"),
    ],
)  # fmt: skip
def test_a_file_with_a_mistake_is_refused(
    tmp_path: Path, webhook: Object, change: Callable[[Object], Any], message: str
) -> None:
    change(webhook)
    with pytest.raises(AuthorizationConfigError) as caught:
        load(written(tmp_path / "config", webhook))
    assert message in str(caught.value)


def test_files_of_other_kinds_without_authorizers_or_with_twins_are_refused(tmp_path: Path, webhook: Object) -> None:
    node = {"type": "Node", "name": "node"}
    for authorizers, more, message in (
        ((), {}, "authorizers: Required value: at least one authorization mode must be defined"),
        ((node, node), {}, 'authorizers[1].type: Duplicate value: "Node"'),
        ((webhook, webhook), {}, 'authorizers[1].name: Duplicate value: "first"'),
        (({**node, "name": "n"},), {}, "expected name node for authorizer Node instead of n"),
        ((node,), {"kind": "Odd"}, 'no kind "Odd" is registered for version'),
        ((node,), {"authorizer": []}, 'strict decoding error: unknown field "authorizer"'),
        ((node,), {"apiVersion": "v1"}, "failed to load AuthorizationConfiguration from file"),
    ):
        with pytest.raises(AuthorizationConfigError) as caught:
            load(written(tmp_path / "config", *authorizers, **more))
        assert message in str(caught.value)
    with pytest.raises(AuthorizationConfigError, match="No such file"):
        load(tmp_path / "missing")


@pytest.mark.parametrize(
    ("modes", "file", "message"),
    [
        (("Odd",), None, 'authorization-mode "Odd" is not a valid mode'),
        (("ABAC",), None, "authorization-mode ABAC's authorization policy file not passed"),
        (("Webhook",), None, "authorization-mode Webhook's authorization config file not passed"),
        (("RBAC",), Path("f"), "cannot specify --authorization-webhook-config-file without mode Webhook"),
        (("RBAC", "RBAC"), None, 'authorization-mode ["RBAC" "RBAC"] has mode specified more than once'),
    ],
)
def test_flags_that_do_not_fit_are_refused(modes: tuple[str, ...], file: Path | None, message: str) -> None:
    with pytest.raises(AuthorizationConfigError) as caught:
        from_flags(modes, file)
    assert str(caught.value) == message


def test_a_policy_file_needs_its_mode_and_no_mode_is_always_allow() -> None:
    with pytest.raises(AuthorizationConfigError, match="--authorization-policy-file without mode ABAC"):
        from_flags(("AlwaysDeny",), policy_file=Path("f"))
    assert from_flags(("ABAC", "RBAC"), policy_file=Path("f")) == ("ABAC", "RBAC")
    assert from_flags(()) == ("AlwaysAllow",)


def test_a_file_that_is_read_again_must_have_the_modes_of_the_first(tmp_path: Path) -> None:
    data = written(tmp_path / "config", {"type": "RBAC", "name": "rbac"}).read_bytes()
    assert parse(data, needed=("RBAC",)) == ("RBAC",)
    with pytest.raises(AuthorizationConfigError, match=r"^missing required types: \[ABAC Node\]$"):
        parse(data, needed=("RBAC", "Node", "ABAC"))


def test_flags_and_a_file_exclude_each_other(tmp_path: Path) -> None:
    file = written(tmp_path / "config", {"type": "RBAC", "name": "rbac"})
    assert configured(APIServerConfig(authorization_config=file)) == ("RBAC",)
    with pytest.raises(AuthorizationConfigError, match="--authorization-config can not be specified when"):
        configured(APIServerConfig(authorization_config=file, authorization_modes=("RBAC",)))
