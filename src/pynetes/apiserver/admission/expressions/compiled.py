"""One expression of a configuration: compiled once, evaluated for every request that it is meant for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pynetes.apimachinery.cel.environment import Environment, Program
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.types import BOOL, Type
from pynetes.apiserver.admission.expressions.activation import Activation

_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


class OutOfBudgetError(Exception):
    """All that may be spent on a policy or webhook is spent."""

    def __init__(self) -> None:
        super().__init__(_OUT_OF_BUDGET)


class EvaluationError(Exception):
    """An expression that did not give a value; the text is upstream's."""


def compile_problem(environment: Environment, text: str, wanted: Sequence[Type]) -> str:
    """What is wrong with an expression that must give one of the types; empty if nothing is."""
    return Expression(environment, text, wanted).problem


@dataclass(slots=True)
class Budget:
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
        self.problem = ""
        self.type: Type | None = None
        self._program: Program | None = None
        self._names = tuple(environment.variables)
        self._used: frozenset[str] = frozenset()
        try:
            compiled = environment.compile(text)
        except CompileError as error:
            self.problem = f"compilation failed: {error}"
            return
        if compiled.type not in wanted and not any(t.kind == "any" for t in wanted):
            self.problem = _wrong_type(wanted, compiled.type)
            return
        self.type = compiled.type
        self._used = frozenset(name for name in self._names if compiled.uses(name))
        try:
            self._program = compiled.program()
        except PlanError as error:
            self.problem = f"program instantiation failed: {error}"

    def uses(self, name: str) -> bool:
        return name in self._used

    def evaluate(self, activation: Activation, budget: Budget) -> Any:
        """The value. EvaluationError says why there is none, OutOfBudgetError that no more may be evaluated."""
        if self._program is None:
            raise EvaluationError(f"compilation error: {self.problem}")
        outcome = self._program.evaluate(activation.values(self._names, self._used))
        budget.spend(outcome.cost)
        if outcome.error is not None:
            raise EvaluationError(f"expression '{self.text}' resulted in error: {outcome.error}")
        return outcome.value


def go_type(t: Type) -> str:
    """A type as Go prints it, which is by its full name."""
    if not t.params:
        return t.name
    return f"{t.name}({', '.join(map(go_type, t.params))})"


def _wrong_type(wanted: Sequence[Type], found: Type) -> str:
    if len(wanted) == 1:
        return f"must evaluate to {go_type(wanted[0])} but got {go_type(found)}"
    return f"must evaluate to one of [{' '.join(map(go_type, wanted))}] but got {go_type(found)}"
