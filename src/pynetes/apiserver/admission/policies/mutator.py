"""What one MutatingAdmissionPolicy makes of an object."""

from typing import Any

from pynetes.apimachinery.cel.environment import RUNTIME_COST_BUDGET
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.admissionregistration.expressions import Composition
from pynetes.apis.admissionregistration.patchtypes import PATCH_FIELDS
from pynetes.apiserver.admission.expressions.activation import Activation
from pynetes.apiserver.admission.expressions.compiled import (
    Budget,
    EvaluationError,
    Expression,
    OutOfBudgetError,
)
from pynetes.apiserver.admission.expressions.composition import Definitions
from pynetes.apiserver.admission.expressions.matchconditions import MatchConditions, Matched
from pynetes.apiserver.admission.measures import Measured
from pynetes.apiserver.admission.policies.params import shown
from pynetes.apiserver.admission.policies.patches import MutationError, applied, patched
from pynetes.apiserver.admission.versions import Versions

Object = dict[str, Any]


class Mutator:
    """A policy's expressions, compiled. `mutations` has one for each, in order."""

    def __init__(self, name: str, spec: Object) -> None:
        composition = Composition(params=spec.get("paramKind") is not None)
        self._definitions = Definitions(spec.get("variables") or (), composition)
        self._conditions = MatchConditions(
            spec.get("matchConditions") or (),
            ignore_failures=spec.get("failurePolicy") == "Ignore",
            measured=Measured(name, "policy", "validate"),
            environment=composition.environment(),
        )
        self.reinvocable = spec.get("reinvocationPolicy") == "IfNeeded"
        self.mutations = [
            Mutation(each, composition, self._definitions)
            for each in spec.get("mutations") or ()
            if each.get("patchType") in PATCH_FIELDS
        ]

    def match(self, activation: Activation) -> Matched:
        if not self._conditions:
            return Matched(True)
        self._definitions.bind(activation)
        return self._conditions.match(activation)


class Mutation:
    def __init__(self, mutation: Object, composition: Composition, definitions: Definitions) -> None:
        self._type = mutation["patchType"]
        field, wanted = PATCH_FIELDS[self._type]
        text = (mutation.get(field) or {}).get("expression") or ""
        self._expression = Expression(composition.environment(patches=True), text, (wanted,))
        self._definitions = definitions

    def change(self, activation: Activation, versions: Versions) -> Object:
        """The object as it becomes. MutationError if it cannot; StatusError if the kind is not ready."""
        obj, kind = activation.obj, activation.kind
        assert obj is not None
        merge_type = versions.merge_type(kind)
        if merge_type is None:
            raise _not_ready(kind)
        self._definitions.bind(activation)
        try:
            made = self._expression.evaluate(activation, Budget(RUNTIME_COST_BUDGET))
        except (EvaluationError, OutOfBudgetError) as error:
            raise MutationError(str(error)) from None
        if self._type == "JSONPatch":
            changed = patched(obj, made)
            return changed if changed is obj else versions.finished(changed, kind, strict=True)
        return versions.finished(applied(obj, made, kind, merge_type), kind)


def _not_ready(kind: GroupVersionKind) -> StatusError:
    why = (
        f"Resource kind {shown(kind)} not found. There can be a delay between when CustomResourceDefinitions are "
        "created and when they are available."
    )
    return StatusError(503, "ServiceUnavailable", why, {})
