"""Expressions of policies and webhooks that do not compile, and where the errors are."""

from typing import Any

import pytest

from pynetes.apis.admissionregistration.policies import (
    MutatingAdmissionPolicyStrategy,
    ValidatingAdmissionPolicyStrategy,
)
from pynetes.apis.admissionregistration.webhooks import WebhookConfigurationStrategy
from tests.apis.objects import Object, create_errors, created, update_errors, updated

RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


def policy(**spec: Any) -> Object:
    validations = [{"expression": "true"}]
    spec = {"matchConstraints": {"resourceRules": [RULE]}, "validations": validations, **spec}
    return created(ValidatingAdmissionPolicyStrategy(), {"metadata": {"name": "p"}, "spec": spec})


def errors(**spec: Any) -> list[str]:
    return create_errors(ValidatingAdmissionPolicyStrategy(), policy(**spec))


def undeclared(name: str, column: int = 1, text: str = "") -> str:
    text = text or name
    pointer = "." * (column - 1) + "^"
    return (
        f"compilation failed: ERROR: <input>:1:{column}: undeclared reference to '{name}' (in container '')\n"
        f" | {text}\n | {pointer}"
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        (
            {"validations": [{"expression": "nothing"}]},
            ['spec.validations[0].expression: Invalid value: "nothing": ' + undeclared("nothing")],
        ),
        (
            {"validations": [{"expression": "'a'"}]},
            ["spec.validations[0].expression: Invalid value: \"'a'\": must evaluate to bool but got string"],
        ),
        (
            {"validations": [{"expression": " "}]},
            ["spec.validations[0].expression: Required value: expression is not specified"],
        ),
        (
            {"validations": [{"expression": "params == null"}]},
            [
                'spec.validations[0].expression: Invalid value: "params == null": '
                + undeclared("params", 1, "params == null")
            ],
        ),
        ({"validations": [{"expression": "params == null"}], "paramKind": {"apiVersion": "v1", "kind": "Pod"}}, []),
        (
            {"validations": [{"expression": "true", "messageExpression": "1"}]},
            ['spec.validations[0].messageExpression: Invalid value: "1": must evaluate to string but got int'],
        ),
        (
            {"validations": [{"expression": "authorizer != null", "messageExpression": "string(authorizer)"}]},
            [
                'spec.validations[0].messageExpression: Invalid value: "string(authorizer)": '
                + undeclared("authorizer", 8, "string(authorizer)")
            ],
        ),
        (
            {"validations": [{"expression": "variables.a"}]},
            [
                'spec.validations[0].expression: Invalid value: "variables.a": '
                + undeclared("variables", 1, "variables.a")
            ],
        ),
        (
            {"variables": [{"name": "a", "expression": "1"}], "validations": [{"expression": "variables.a == 'x'"}]},
            [
                "spec.validations[0].expression: Invalid value: \"variables.a == 'x'\": compilation failed: ERROR: "
                "<input>:1:13: found no matching overload for '_==_' applied to '(int, string)'\n"
                " | variables.a == 'x'\n | ............^"
            ],
        ),
        (
            {"variables": [{"name": "a-b", "expression": ""}, {"name": "", "expression": "1"}]},
            [
                'spec.variables[0].name: Invalid value: "a-b": must be a valid CEL identifier',
                "spec.variables[0].expression: Required value: expression is not specified",
                "spec.variables[1].name: Required value: name is not specified",
            ],
        ),
        (
            {"auditAnnotations": [{"key": "k", "valueExpression": "1"}, {"key": "k", "valueExpression": "null"}]},
            [
                'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string '
                "null_type] but got int",
                'spec.auditAnnotations[1].key: Duplicate value: "k"',
            ],
        ),
        (
            {"matchConditions": [{"name": "c", "expression": "variables.x"}]},
            [
                'spec.matchConditions[0].expression: Invalid value: "variables.x": '
                + undeclared("variables", 1, "variables.x")
            ],
        ),
    ],
)
def test_expressions_must_compile(spec: Object, expected: list[str]) -> None:
    assert errors(**spec) == expected


APPLY = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        (
            {"mutations": [], "reinvocationPolicy": None},
            [
                "spec.mutations: Required value: mutations must contain at least one item",
                "spec.reinvocationPolicy: Required value",
            ],
        ),
        (
            {"mutations": [{"patchType": "Merge"}, {"patchType": "JSONPatch"}, {**APPLY, "jsonPatch": {}}]},
            [
                'spec.mutations[0].patchType: Unsupported value: "Merge": supported values: "ApplyConfiguration", '
                '"JSONPatch"',
                "spec.mutations[1].jsonPatch: Required value: must be specified when patchType is JSONPatch",
                'spec.mutations[2].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is '
                "ApplyConfiguration",
            ],
        ),
        (
            {"mutations": [{**APPLY, "applyConfiguration": {"expression": "{'a': 1}"}}]},
            [
                "spec.mutations[0].applyConfiguration.expression: Invalid value: \"{'a': 1}\": must evaluate to Object "
                "but got map(string, int)"
            ],
        ),
        (
            {"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "JSONPatch{op: 'add'}"}}]},
            [
                "spec.mutations[0].jsonPatch.expression: Invalid value: \"JSONPatch{op: 'add'}\": must evaluate to "
                "list(JSONPatch) but got JSONPatch"
            ],
        ),
        (
            {"matchConstraints": {"resourceRules": [{**RULE, "operations": ["DELETE"]}]}},
            [
                'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", '
                '"CONNECT", "CREATE", "UPDATE"'
            ],
        ),
    ],
)
def test_mutations_must_make_patches(spec: Object, expected: list[str]) -> None:
    constraints = {"resourceRules": [RULE]}
    spec = {"matchConstraints": constraints, "mutations": [APPLY], "reinvocationPolicy": "Never", **spec}
    assert create_errors(MutatingAdmissionPolicyStrategy(), {"metadata": {"name": "p"}, "spec": spec}) == expected


def test_names_of_resources_are_names() -> None:
    rules = [{**RULE, "resourceNames": ["a", "b/c", "a"]}]
    assert errors(matchConstraints={"resourceRules": rules}) == [
        "spec.matchConstraints.resourceRules[0].resourceNames[1]: Invalid value: \"b/c\": may not contain '/'",
        'spec.matchConstraints.resourceRules[0].resourceNames[2]: Duplicate value: "a"',
    ]


def test_too_many_annotations() -> None:
    annotations = [{"key": f"k{i}", "valueExpression": "''"} for i in range(21)]
    (error,) = errors(auditAnnotations=annotations)
    assert error.startswith("spec.auditAnnotations: Invalid value: ")
    assert error.endswith("must not have more than 20 auditAnnotations")


def test_a_match_condition_that_was_accepted_once_may_stay() -> None:
    strategy = ValidatingAdmissionPolicyStrategy()
    old = policy(matchConditions=[{"name": "c", "expression": "removed()"}])
    assert len(create_errors(strategy, old)) == 1
    new = updated(strategy, old, {**old, "spec": {**old["spec"], "failurePolicy": "Ignore"}})
    assert update_errors(strategy, new, old) == []


def test_match_conditions_of_webhooks() -> None:
    hook = {
        "name": "a.example.com",
        "clientConfig": {"url": "https://127.0.0.1/"},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "matchConditions": [{"name": "c", "expression": "1"}],
    }
    obj = created(WebhookConfigurationStrategy(), {"metadata": {"name": "w"}, "webhooks": [hook]})
    assert create_errors(WebhookConfigurationStrategy(), obj) == [
        'webhooks[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int'
    ]
