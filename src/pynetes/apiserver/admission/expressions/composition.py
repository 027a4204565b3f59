"""Variables that a policy defines by expressions: each evaluated when it is first needed, once an activation."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pynetes.apimachinery.cel.values import BudgetExceededError, CelError
from pynetes.apis.admissionregistration.expressions import ANYTHING, Composition
from pynetes.apiserver.admission.expressions.activation import Activation
from pynetes.apiserver.admission.expressions.compiled import Expression

Object = dict[str, Any]


class Definitions:
    """The variables of one policy, compiled, and the environments in which expressions know them."""

    def __init__(self, defined: Sequence[Object], composition: Composition) -> None:
        self.composition = composition
        self._expressions: dict[str, Expression] = {}
        for each in defined:
            name = each.get("name") or ""
            expression = Expression(composition.environment(), each.get("expression") or "", ANYTHING)
            composition.define(name, expression.type)
            self._expressions[name] = expression

    def bind(self, activation: Activation) -> None:
        """Makes `variables` known to expressions that are evaluated with the activation."""
        activation.more = {"variables": Variables(self._expressions, activation)}


class Variables(Mapping[str, Any]):
    """`variables` of one activation."""

    def __init__(self, expressions: Mapping[str, Expression], activation: Activation) -> None:
        self._expressions = expressions
        self._activation = activation
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """CelError if the variable has no value; KeyError if there is no such variable."""
        if name not in self._values:
            self._values[name] = self._evaluate(name, self._expressions[name])
        value = self._values[name]
        if isinstance(value, CelError):
            raise value
        return value

    def _evaluate(self, name: str, expression: Expression) -> Any:
        outcome = expression.run(self._activation)
        if outcome is None:
            return CelError(f'composited variable "{name}" fails to compile: {expression.problem}')
        self._activation.spent += outcome.cost
        if isinstance(outcome.error, (CelError, BudgetExceededError)):
            return CelError(f'composited variable "{name}" fails to evaluate: {outcome.error}')
        return outcome.value

    def __contains__(self, name: object) -> bool:
        return name in self._expressions

    def __iter__(self) -> Iterator[str]:
        return iter(self._expressions)

    def __len__(self) -> int:
        return len(self._expressions)
