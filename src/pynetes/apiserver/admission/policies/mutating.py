"""MutatingAdmissionPolicy: policies change the object one after another, each seeing what those before it have made.

If one changes the object, all of mutating admission runs a second time, as after a webhook's change.
"""

from collections.abc import Hashable
from functools import partial
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.expressions.activation import Activation, settled
from pynetes.apiserver.admission.invoked import Invoked
from pynetes.apiserver.admission.measures import mutated
from pynetes.apiserver.admission.policies.mutator import Mutator
from pynetes.apiserver.admission.policies.patches import MutationError
from pynetes.apiserver.admission.policies.selection import Invocation, Misconfiguration, Selector, is_governed
from pynetes.apiserver.admission.policies.sources import Binding, Policies, Policy
from pynetes.apiserver.admission.versions import replace
from pynetes.component import clock

Object = dict[str, Any]


class _Problem(Struct):
    policy: Policy[Mutator]
    binding: Binding | None
    why: str
    reason: str = ""

    def __str__(self) -> str:
        if self.binding is None:
            return f'policy "{self.policy.name}" denied request: {self.why}'
        return f"policy '{self.policy.name}' with binding '{self.binding.name}' denied request: {self.why}"


class _Request(Struct):
    attrs: Attributes
    invoked: Invoked
    problems: list[_Problem] = field(default_factory=list)
    #: What activations share; forgotten when the object changes.
    made: dict[Any, Any] = field(default_factory=dict)


class MutatingAdmissionPolicy(Plugin):
    name = "MutatingAdmissionPolicy"

    def __init__(self, selector: Selector) -> None:
        self.policies: Policies[Mutator] = Policies(Mutator)
        self._selector = selector

    def handles(self, attrs: Attributes) -> bool:
        return bool(self.policies.active) and is_governed(attrs)

    async def admit(self, attrs: Attributes) -> None:
        invoked = attrs.reinvocation.state(self.name, Invoked)
        invoked.begin(attrs)
        request = _Request(attrs, invoked)
        for each in await self._selector.select(attrs, self.policies.active):
            if isinstance(each, Misconfiguration):
                request.problems.append(_Problem(each.policy, each.binding, str(each)))
            else:
                await self._one(each, request)
        invoked.end(attrs)
        problems = [problem for problem in request.problems if not problem.policy.ignores_failures]
        if problems:
            raise _refusal(attrs, problems)

    async def _one(self, invocation: Invocation[Mutator], request: _Request) -> None:
        policy, attrs = invocation.policy, request.attrs
        try:
            activation = await self._selector.activation(attrs, invocation, request.made)
        except ValueError as error:
            request.problems.append(_Problem(policy, None, f"failed to configure policy: {error}"))
            return
        matched = await settled(activation, lambda: policy.evaluator.match(activation))
        if matched.problem:
            request.problems.append(_Problem(policy, invocation.binding, matched.problem, "Invalid"))
        key = _key(invocation)
        if not matched.matches or (attrs.reinvocation.running and key not in request.invoked.again):
            return
        if activation.obj is not None:
            await self._mutate(invocation, activation, request)
        if policy.evaluator.reinvocable:
            request.invoked.reinvocable.add(key)

    async def _mutate(self, invocation: Invocation[Mutator], activation: Activation, request: _Request) -> None:
        before = activation.obj
        for mutation in invocation.policy.evaluator.mutations:
            started, problem = clock.monotonic(), None
            try:
                anew, change = _anew(activation), partial(mutation.change, versions=self._selector.versions)
                activation.obj = await settled(anew, partial(change, anew))
            except MutationError as error:
                problem = str(error)
                request.problems.append(_Problem(invocation.policy, invocation.binding, problem, "Invalid"))
            mutated(invocation.policy.name, invocation.binding.name, problem, clock.monotonic() - started)
        changed = activation.obj
        if changed is None or changed == before:
            return
        request.invoked.changed(request.attrs)
        await replace(request.attrs, changed, self._selector.versions)
        request.made = {"namespace": request.made["namespace"]}


def _anew(activation: Activation) -> Activation:
    """With the object as it is now, and nothing evaluated."""
    seen = activation
    return Activation(
        *(seen.attrs, seen.kind, seen.resource, seen.obj, seen.old, seen.authorizer, seen.namespace, seen.params),
        answers=seen.answers,
    )


def _key(invocation: Invocation[Mutator]) -> Hashable:
    metadata = (invocation.params or {}).get("metadata") or {}
    return invocation.policy.name, invocation.binding.name, metadata.get("namespace"), metadata.get("name")


def _refusal(attrs: Attributes, problems: list[_Problem]) -> StatusError:
    """A 403 with the first problem's text and reason, and all as causes."""
    refusal = attrs.forbid("")
    details = {**(refusal.details or {}), "causes": [{"message": str(problem)} for problem in problems]}
    return StatusError(refusal.code, problems[0].reason or refusal.reason, str(problems[0]), details)
