"""Match conditions: expressions that must all be true for a webhook or a policy to be meant."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.cel.environment import MATCH_CONDITIONS_BUDGET, Environment
from pynetes.apis.admissionregistration.variables import variables
from pynetes.apiserver.admission.expressions.activation import Activation
from pynetes.apiserver.admission.expressions.compiled import (
    Budget,
    EvaluationError,
    Expression,
    OutOfBudgetError,
)
from pynetes.apiserver.admission.measures import Measured

Object = dict[str, Any]


@cache
def condition_environment() -> Environment:
    """That of webhooks."""
    return Environment(variables(params=False))


class Matched(Struct, frozen=True):
    """Whether all hold; `problem` is why nobody knows, where that must end the request."""

    matches: bool
    problem: str = ""


class MatchConditions:
    """Of one webhook or policy: `owner` and `kind` name it in metrics."""

    def __init__(
        self,
        conditions: Sequence[Object],
        *,
        ignore_failures: bool,
        measured: Measured,
        environment: Environment | None = None,
    ) -> None:
        """`environment` is a policy's own."""
        self._names = [condition.get("name") or "" for condition in conditions]
        self._texts = [condition.get("expression") or "" for condition in conditions]
        self._ignore = ignore_failures
        self._measured = measured
        self._environment = environment
        self._compiled: list[Expression] | None = None

    def __bool__(self) -> bool:
        return bool(self._texts)

    def match(self, activation: Activation) -> Matched:
        """A condition that is false decides, even where others fail; of failures alone, the failure policy does."""
        if self._compiled is None:
            environment = self._environment or condition_environment()
            self._compiled = [Expression(environment, text) for text in self._texts]
        self._measured.operation = activation.attrs.operation
        with self._measured.time():
            return self._match(self._compiled, activation)

    def _match(self, expressions: Sequence[Expression], activation: Activation) -> Matched:
        budget, problems, matches = Budget(MATCH_CONDITIONS_BUDGET), [], True
        try:
            for expression in expressions:
                try:
                    matches = expression.evaluate(activation, budget) is not False and matches
                except EvaluationError as error:
                    self._measured.error()
                    problems.append(str(error))
        except OutOfBudgetError as error:
            return Matched(False, "" if self._ignore else str(error))
        if not matches:
            self._measured.exclusion()
            return Matched(False)
        if problems:
            return Matched(False, "" if self._ignore else _aggregate(problems))
        return Matched(True)


def _aggregate(problems: Sequence[str]) -> str:
    """Several errors as Go's aggregate prints them: each once."""
    different = list(dict.fromkeys(problems))
    return different[0] if len(different) == 1 else f"[{', '.join(different)}]"
