"""What one ValidatingAdmissionPolicy says of a request."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from pynetes.apimachinery.cel.environment import MAX_MESSAGE_BYTES, RUNTIME_COST_BUDGET
from pynetes.apimachinery.cel.types import NULL, STRING
from pynetes.apis.admissionregistration.expressions import Composition
from pynetes.apiserver.admission.expressions.activation import Activation
from pynetes.apiserver.admission.expressions.compiled import (
    Budget,
    EvaluationError,
    Expression,
    OutOfBudgetError,
)
from pynetes.apiserver.admission.expressions.composition import Definitions
from pynetes.apiserver.admission.expressions.matchconditions import MatchConditions
from pynetes.apiserver.admission.measures import Measured
from pynetes.component import clock

Object = dict[str, Any]


class Decision(Struct):
    """Of one validation. One that failed to evaluate denies or not, as the failure policy has it."""

    denied: bool = False
    message: str = ""
    reason: str = ""
    failed: bool = False
    seconds: float = 0.0


class Verdict(Struct):
    decisions: list[Decision] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    #: Annotations that could not be evaluated, which deny.
    annotation_failures: list[Decision] = field(default_factory=list)


class Validator:
    """A policy's expressions, compiled."""

    def __init__(self, name: str, spec: Object) -> None:
        self._ignores = spec.get("failurePolicy") == "Ignore"
        composition = Composition(params=spec.get("paramKind") is not None)
        self._definitions = Definitions(spec.get("variables") or (), composition)
        environment, plain = composition.environment(), composition.environment(authorizer=False)
        self._conditions = MatchConditions(
            spec.get("matchConditions") or (),
            ignore_failures=self._ignores,
            measured=Measured(name, "policy", "validate"),
            environment=environment,
        )
        self._validations: Sequence[Object] = spec.get("validations") or ()
        self._expressions = [Expression(environment, each.get("expression") or "") for each in self._validations]
        self._messages = [
            Expression(plain, each["messageExpression"], (STRING,)) if each.get("messageExpression") else None
            for each in self._validations
        ]
        self._annotations = [
            (each.get("key") or "", Expression(environment, each.get("valueExpression") or "", (STRING, NULL)))
            for each in spec.get("auditAnnotations") or ()
        ]

    def validate(self, activation: Activation) -> Verdict:
        self._definitions.bind(activation)
        if self._conditions:
            matched = self._conditions.match(activation)
            if matched.problem:
                return Verdict([self._failure(matched.problem)])
            if not matched.matches:
                return Verdict()
            self._definitions.bind(activation)
        budget = Budget(RUNTIME_COST_BUDGET)
        try:
            results = [self._evaluated(expression, activation, budget) for expression in self._expressions]
        except OutOfBudgetError as error:
            return Verdict([self._failure(str(error))])
        messages, problem = self._evaluated_messages(activation, budget)
        verdict = Verdict(
            [
                self._decided(i, *result, messages[i] if i < len(messages) else None, problem)
                for i, result in enumerate(results)
            ]
        )
        if self._annotations:
            self._annotate(self._blind(activation), verdict)
        return verdict

    def _blind(self, activation: Activation) -> Activation:
        """Without anybody to ask, and with variables of its own."""
        blind = replace(activation, authorizer=None, more={}, _made={})
        self._definitions.bind(blind)
        return blind

    def _failure(self, message: str) -> Decision:
        return Decision(not self._ignores, message, failed=True)

    def _evaluated(
        self, expression: Expression, activation: Activation, budget: Budget
    ) -> tuple[Any, EvaluationError | None, float]:
        started = clock.monotonic()
        value, problem = None, None
        try:
            value = expression.evaluate(activation, budget)
        except EvaluationError as error:
            problem = error
        return value, problem, clock.monotonic() - started

    def _evaluated_messages(self, activation: Activation, budget: Budget) -> tuple[list[Any], str]:
        """What the message expressions give (None if nothing), and why they could not all be evaluated."""
        if not any(self._messages):
            return [], ""
        blind = self._blind(activation)
        found: list[Any] = []
        try:
            for message in self._messages:
                found.append(self._evaluated(message, blind, budget)[0] if message is not None else None)
        except OutOfBudgetError as error:
            return [], str(error)
        return found, ""

    def _decided(
        self, i: int, value: Any, error: EvaluationError | None, seconds: float, said: Any, problem: str
    ) -> Decision:
        if error is not None:
            decision = self._failure(str(error))
        elif problem:
            decision = self._failure(f"failed messageExpression: {problem}")
        elif value is True:
            decision = Decision()
        else:
            rule = self._validations[i]
            decision = Decision(True, _message(rule, said), rule.get("reason") or "Invalid")
        decision.seconds = seconds
        return decision

    def _annotate(self, activation: Activation, verdict: Verdict) -> None:
        budget = Budget(RUNTIME_COST_BUDGET)
        try:
            for key, expression in self._annotations:
                value, problem, seconds = self._evaluated(expression, activation, budget)
                if problem is not None:
                    if not self._ignores:
                        failure = Decision(True, str(problem), failed=True, seconds=seconds)
                        verdict.annotation_failures.append(failure)
                elif isinstance(value, str) and value.strip():
                    verdict.annotations[key] = value.strip()
        except OutOfBudgetError as error:
            verdict.decisions = [self._failure(str(error))]
            verdict.annotations, verdict.annotation_failures = {}, []


def _message(rule: Object, said: Any) -> str:
    """What the message expression gave, if it is fit to be shown, or the message, or the expression."""
    text = said.strip() if isinstance(said, str) else ""
    if "\n" in text or len(text.encode()) > MAX_MESSAGE_BYTES:
        text = ""
    text = text or (rule.get("message") or "").strip()
    return text or f"failed expression: {(rule.get('expression') or '').strip()}"
