"""Expressions that ask an authorizer which must be waited for."""

from typing import Any

import pytest
from admission_write import pod, write

from pynetes.apimachinery.selectors import Requirement
from pynetes.apis.names import PODS
from pynetes.apiserver.admission.expressions.activation import Activation, settled
from pynetes.apiserver.admission.expressions.matchconditions import MatchConditions
from pynetes.apiserver.admission.measures import Measured
from pynetes.apiserver.admission.policies.validator import Validator
from pynetes.apiserver.authorization.attributes import Attributes, Decision


class Remote:
    """Decides by verb, over a network so to say."""

    def __init__(self) -> None:
        self.asked: list[Attributes] = []

    def authorize(self, attrs: Attributes) -> Decision:
        async def ask() -> Decision:
            self.asked.append(attrs)
            return Decision(attrs.verb == "get", reason="so", error="down" if attrs.verb == "list" else "")

        return Decision(False, ask=ask)


def activation(authorizer: Remote) -> Activation:
    attrs = write(pod())
    return Activation(attrs, attrs.kind, PODS, attrs.obj, None, authorizer)


PODS_OF_A = "authorizer.group('').resource('pods').namespace('a')"


@pytest.mark.parametrize(
    ("text", "matches", "verbs"),
    [
        (f"{PODS_OF_A}.check('get').allowed()", True, ["get"]),
        (f"{PODS_OF_A}.check('update').allowed()", False, ["update"]),
        (f"{PODS_OF_A}.check('update').allowed() || {PODS_OF_A}.check('get').allowed()", True, ["update", "get"]),
        (f"{PODS_OF_A}.check('get').allowed() && {PODS_OF_A}.check('get').reason() == 'so'", True, ["get"]),
        (f"{PODS_OF_A}.check('list').errored()", True, ["list"]),
    ],
)
async def test_conditions_wait_and_ask_each_question_once(text: str, matches: bool, verbs: list[str]) -> None:
    authorizer = Remote()
    conditions = MatchConditions(
        [{"name": "c", "expression": text}], ignore_failures=False, measured=Measured("w", "webhook", "validating")
    )
    seen = activation(authorizer)
    found = await settled(seen, lambda: conditions.match(seen))
    assert (found.matches, found.problem) == (matches, "")
    assert [attrs.verb for attrs in authorizer.asked] == verbs


async def test_policies_wait_and_pass_on_selectors() -> None:
    check = f"{PODS_OF_A}.fieldSelector('spec.nodeName=n').labelSelector('app in (x)').check('get').allowed()"
    spec: dict[str, Any] = {
        "variables": [{"name": "may", "expression": check}],
        "validations": [{"expression": "variables.may"}, {"expression": f"!{PODS_OF_A}.check('patch').allowed()"}],
    }
    authorizer = Remote()
    seen, validator = activation(authorizer), Validator("p", spec)
    verdict = await settled(seen, lambda: validator.validate(seen))
    assert [decision.denied for decision in verdict.decisions] == [False, False]
    first = authorizer.asked[0]
    assert first.field_selector == (("spec.nodeName", "=", "n"),)
    assert first.label_selector == (Requirement("app", "in", ("x",)),)
