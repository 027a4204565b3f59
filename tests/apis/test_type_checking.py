"""Warnings of type checking: what expressions ask of kinds that these do not have."""

from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis.admissionregistration.typechecking import built_in_schema, check, kinds_of
from pynetes.apis.registry import by_gvr
from tests.apis.objects import Object

LIMIT = {"type": "object", "properties": {"most": {"type": "integer"}}}


class Kinds:
    def kind_of(self, resource: GroupVersionResource) -> GroupVersionKind | None:
        found = by_gvr(resource)
        return found.gvk if found is not None else None

    def schema_of(self, kind: GroupVersionKind) -> Object | None:
        return LIMIT if kind.group == "example.com" else built_in_schema(kind)


def rule(*resources: str, group: str = "apps", version: str = "v1") -> Object:
    return {"operations": ["*"], "apiGroups": [group], "apiVersions": [version], "resources": list(resources)}


def warnings(expression: str, *rules: Object, message: str = "", **spec: Any) -> list[Object]:
    validation = {"expression": expression, **({"messageExpression": message} if message else {})}
    constraints = {"resourceRules": list(rules or (rule("deployments"),))}
    return check({"spec": {"matchConstraints": constraints, "validations": [validation], **spec}}, Kinds())


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.replicas > 1 && object.metadata.name.startsWith('a') && object.kind == 'x'",
        "object.spec.template.spec.containers.all(c, has(c.image) && c.image.contains('/'))",
        "object.spec.strategy.rollingUpdate.maxSurge == 1 || object.spec.strategy.rollingUpdate.maxSurge == '1'",
        "object.metadata.creationTimestamp < timestamp('2024-01-01T00:00:00Z')",
        "oldObject == null || object.metadata.labels['a'] == oldObject.metadata.labels['a']",
        "authorizer.group('').resource('pods').check('get').allowed() && request.operation == 'CREATE'",
    ],
)
def test_what_kinds_have(expression: str) -> None:
    assert warnings(expression) == []


def test_what_kinds_do_not_have() -> None:
    text = "object.spec.replicas > '1' || object.foo == 1"
    assert warnings(text, message="object.bar") == [
        {
            "fieldRef": "spec.validations[0].expression",
            "warning": (
                "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to "
                "'(int, string)'\n"
                f" | {text}\n"
                " | .....................^\n"
                "ERROR: <input>:1:37: undefined field 'foo'\n"
                f" | {text}\n"
                " | ....................................^\n"
            ),
        },
        {
            "fieldRef": "spec.validations[0].messageExpression",
            "warning": (
                "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'bar'\n | object.bar\n | ......^\n"
            ),
        },
    ]


def test_every_kind_is_checked() -> None:
    (warning,) = warnings("object.spec.replicas == 1", rule("deployments", "daemonsets", "statefulsets"))
    assert warning["warning"] == (
        "apps/v1, Kind=DaemonSet: ERROR: <input>:1:12: undefined field 'replicas'\n"
        " | object.spec.replicas == 1\n | ...........^\n"
    )


@pytest.mark.parametrize(
    ("rules", "kinds"),
    [
        ((rule("*"),), []),
        ((rule("deployments", group="*"),), []),
        ((rule("deployments", version="*"),), []),
        ((rule("deployments/scale", "deployments", "nothing"),), ["Deployment"]),
        ((rule("statefulsets"), rule("pods", group=""), rule("deployments")), ["Pod", "Deployment", "StatefulSet"]),
    ],
)
def test_kinds_that_rules_name(rules: tuple[Object, ...], kinds: list[str]) -> None:
    found = kinds_of({"matchConstraints": {"resourceRules": list(rules)}}, Kinds())
    assert [kind.kind for kind in found] == kinds


def test_variables_and_parameters_have_types() -> None:
    kind = {"apiVersion": "example.com/v1", "kind": "Limit"}
    variables = [{"name": "n", "expression": "object.spec.replicas"}]
    assert warnings("variables.n <= params.most", paramKind=kind, variables=variables) == []
    (warning,) = warnings("variables.n == 'x' || params.least == 1", paramKind=kind, variables=variables)
    assert "found no matching overload for '_==_' applied to '(int, string)'" in warning["warning"]
    assert "undefined field 'least'" in warning["warning"]
