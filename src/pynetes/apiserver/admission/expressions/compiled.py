"""One expression of a configuration: compiled once, evaluated for every request that it is meant for."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.cel.environment import Environment, Outcome
from pynetes.apimachinery.cel.types import BOOL, Type
from pynetes.apimachinery.cel.values import CelError
from pynetes.apis.admissionregistration.expressions import compile_expression
from pynetes.apiserver.admission.expressions.activation import Activation

_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


class OutOfBudgetError(Exception):
    """All that may be spent on a policy or webhook is spent."""

    def __init__(self) -> None:
        super().__init__(_OUT_OF_BUDGET)


class EvaluationError(Exception):
    """An expression that did not give a value; the text is upstream's."""


class Budget(Struct):
    """What is left to spend."""

    left: int

    def spend(self, cost: int) -> None:
        """OutOfBudgetError if there is not that much."""
        if cost > self.left:
            raise OutOfBudgetError
        self.left -= cost


class Expression:
    """`problem` says why it cannot be evaluated, if it cannot: then every evaluation fails so."""

    __slots__ = ("_names", "_program", "_used", "problem", "text", "type")

    def __init__(self, environment: Environment, text: str, wanted: Sequence[Type] = (BOOL,)) -> None:
        self.text = text
        checked = compile_expression(environment, text, wanted)
        self.problem = checked.problem
        self.type = checked.type
        self._program = checked.program
        self._names = tuple(environment.variables)
        compiled = checked.compiled
        self._used = frozenset(name for name in self._names if compiled is not None and compiled.uses(name))

    def run(self, activation: Activation) -> Outcome | None:
        """What an evaluation gives; None if the expression does not compile."""
        if self._program is None:
            return None
        try:
            values = activation.values(self._names, self._used)
        except CelError as error:
            return Outcome(None, 0, error)
        return self._program.evaluate(values)

    def evaluate(self, activation: Activation, budget: Budget) -> Any:
        """The value. EvaluationError says why there is none, OutOfBudgetError that no more may be evaluated.

        What the policy's variables cost that are evaluated for it is spent too.
        """
        outcome = self.run(activation)
        if outcome is None:
            raise EvaluationError(f"compilation error: {self.problem}")
        budget.spend(activation.take_spent())
        budget.spend(outcome.cost)
        if outcome.error is not None:
            raise EvaluationError(f"expression '{self.text}' resulted in error: {outcome.error}")
        return outcome.value
