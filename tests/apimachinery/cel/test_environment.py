"""Expressions in the environment of Kubernetes: what they give, what they cost, what is said of wrong ones.

The tables hold expression, result, cost and estimate, which are the original's. A result is JSON; of values that JSON
has not, the type in `{"?": …}`; bytes are base64, times and durations text. A cost of `-`: the evaluation failed.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from pynetes.apimachinery.cel.environment import PER_CALL_LIMIT, Environment, Outcome
from pynetes.apimachinery.cel.library.authz import AUTHORIZER_TYPE, Answer, AuthorizerValue, Question
from pynetes.apimachinery.cel.library.conversions import timestamp_text
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.types import BOOL, DYN, INT, STRING, list_of, map_of, optional_of
from pynetes.apimachinery.cel.values import (
    BudgetExceededError,
    CelError,
    Duration,
    Optional,
    Timestamp,
    TypeValue,
)

HERE = Path(__file__).parent
OBJECT = {
    "metadata": {
        "name": "web",
        "namespace": "default",
        "labels": {"app": "web", "tier": "front"},
        "annotations": {},
    },
    "spec": {
        "replicas": 3,
        "ratio": 0.5,
        "big": 2.0,
        "containers": [
            {"name": "a", "image": "nginx:1.2", "ports": [{"containerPort": 80}]},
            {"name": "b", "image": "busybox"},
        ],
        "flag": True,
        "none": None,
        "empty": "",
        "list": [1, 2, 3],
    },
}
VALUES: dict[str, Any] = {
    "object": OBJECT,
    "x": 7,
    "s": "hello wörld",
    "l": [3, 1, 2],
    "ls": ["b", "a", "c"],
    "m": {"one": 1, "two": 2},
}
ENVIRONMENT = Environment(
    {"object": DYN, "x": INT, "s": STRING, "l": list_of(INT), "ls": list_of(STRING), "m": map_of(STRING, INT)}
)


def rows(name: str) -> list[list[str]]:
    lines = (HERE / name).read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def shown(value: Any) -> Any:
    match value:
        case bool() | None | str():
            return value
        case bytes():
            return base64.b64encode(value).decode()
        case int():
            return str(int(value)) if abs(value) > 2**53 else int(value)
        case float():
            return value if abs(value) < float("inf") else str(value)
        case Duration():
            return str(value)
        case Timestamp():
            return timestamp_text(value)
        case TypeValue():
            return {"?": "type"}
        case Optional():
            return {"?": "optional_type"}
        case list():
            return [shown(each) for each in value]
        case dict():
            return {key if isinstance(key, str) else str(key).lower(): shown(each) for key, each in value.items()}
    return {"?": value.cel_type.name}


def evaluate(text: str, limit: int = PER_CALL_LIMIT, **values: Any) -> Outcome:
    return ENVIRONMENT.compile(text).program().evaluate({**VALUES, **values}, limit)


@pytest.mark.parametrize(
    ("text", "result", "cost", "estimated"), rows("core.tsv") + rows("libraries.tsv"), ids=lambda value: None
)
def test_an_expression_gives_and_costs_what_it_does_upstream(text: str, result: str, cost: str, estimated: str) -> None:
    compiled = ENVIRONMENT.compile(text)
    outcome = compiled.program().evaluate(VALUES)
    found = (
        f"error: {outcome.error}"
        if outcome.error is not None
        else json.dumps(shown(outcome.value), ensure_ascii=False, sort_keys=True)
    )
    least, most = compiled.estimate()
    assert (text, found, f"{least}..{most}") == (text, result, estimated)
    if cost != "-":
        assert outcome.cost == int(cost)


@pytest.mark.parametrize(("text", "problem"), rows("refused.tsv"), ids=lambda value: None)
def test_a_wrong_expression_is_refused_in_upstreams_words(text: str, problem: str) -> None:
    with pytest.raises((CompileError, PlanError)) as raised:
        ENVIRONMENT.compile(text).program()
    assert str(raised.value) == problem.replace("\\n", "\n")


@pytest.mark.parametrize(
    "text",
    [
        "lists.range(2000).all(i, lists.range(2000).all(j, i + j >= 0))",
        "lists.range(3000).map(i, lists.range(3000).map(j, i * j)).size() > 0",
        "lists.range(99999).filter(i, s.matches('^h.*d$')).size() == 0",
        "lists.range(9999999999).size() > 0 || true",
        "lists.range(999999).all(i, true) || true",
    ],
)
def test_what_costs_more_than_the_limit_is_cancelled_and_no_operator_swallows_it(text: str) -> None:
    outcome = evaluate(text)
    assert isinstance(outcome.error, BudgetExceededError)
    assert str(outcome.error) == "operation cancelled: actual cost limit exceeded"
    assert outcome.cost > PER_CALL_LIMIT


def test_the_limit_is_exact() -> None:
    cost = evaluate("l.all(i, i > 0) && s.startsWith('hello')").cost
    assert evaluate("l.all(i, i > 0) && s.startsWith('hello')", cost).value is True
    assert isinstance(evaluate("l.all(i, i > 0) && s.startsWith('hello')", cost - 1).error, BudgetExceededError)


def test_a_program_keeps_nothing_between_evaluations() -> None:
    program = ENVIRONMENT.compile("[1, 2].map(i, i + x)").program()
    first = program.evaluate(VALUES).value
    assert program.evaluate({**VALUES, "x": 1}).value == [2, 3]
    assert first == [8, 9]


def test_evaluation_changes_no_value() -> None:
    before = json.dumps(OBJECT)
    evaluate("object.spec.list + [4] == [] || object.metadata.labels.transformMap(k, v, v + 'x') == {}")
    assert json.dumps(OBJECT) == before


def test_the_authorizer_is_asked_what_the_expression_says() -> None:
    asked: list[Question] = []

    def ask(question: Question) -> Answer:
        asked.append(question)
        return Answer(question.verb == "get", reason="because")

    environment = Environment({"authorizer": AUTHORIZER_TYPE})
    text = (
        "authorizer.serviceAccount('ns', 'sa').group('apps').resource('deployments').subresource('scale')"
        ".namespace('x').name('y').fieldSelector('a=b').labelSelector('c=d').check('{}').allowed()"
    )
    for verb in ("get", "list"):
        outcome = environment.compile(text.format(verb)).program().evaluate({"authorizer": AuthorizerValue(ask)})
        assert (outcome.value, outcome.error) == (verb == "get", None)
        assert outcome.cost > 350_000
    assert asked[0] == Question(
        "get", "", "apps", "deployments", "scale", "x", "y", "a=b", "c=d", service_account=("ns", "sa")
    )
    path = environment.compile("authorizer.path('/healthz').check('get').reason()").program()
    assert path.evaluate({"authorizer": AuthorizerValue(ask)}).value == "because"
    assert asked[-1].path == "/healthz"


def test_two_checks_fit_into_one_call_and_three_do_not() -> None:
    environment = Environment({"authorizer": AUTHORIZER_TYPE})
    check = "authorizer.path('/a').check('get').allowed()"
    value = {"authorizer": AuthorizerValue(lambda question: Answer(True))}
    assert environment.compile(f"{check} && {check}").program().evaluate(value).value is True
    over = environment.compile(f"{check} && {check} && {check}").program().evaluate(value)
    assert isinstance(over.error, BudgetExceededError)


def test_the_variables_that_an_expression_uses_are_known() -> None:
    compiled = ENVIRONMENT.compile("l.all(i, i < x)")
    assert (compiled.uses("x"), compiled.uses("l"), compiled.uses("s")) == (True, True, False)
    assert compiled.type == BOOL


def test_optional_variables_are_used_like_those_that_expressions_make() -> None:
    environment = Environment({"old": optional_of(map_of(STRING, INT))})
    program = environment.compile("old.a.orValue(3)").program()
    assert program.evaluate({"old": Optional({"a": 1})}).value == 1
    assert program.evaluate({"old": Optional(has=False)}).value == 3


def test_an_error_is_kept_apart_from_a_value() -> None:
    outcome = evaluate("1 / 0")
    assert isinstance(outcome.error, CelError)
    assert (outcome.value, str(outcome.error)) == (None, "division by zero")
