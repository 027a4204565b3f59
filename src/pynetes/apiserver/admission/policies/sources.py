"""Policies and their bindings, as watches tell them."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from pynetes.apiserver.admission.matching import Matcher
from pynetes.apiserver.objects import Change

Object = dict[str, Any]
E = TypeVar("E")

_RULES = "resourceRules"


class Binding(Struct):
    name: str
    spec: Object
    matcher: Matcher


class Policy(Struct, Generic[E]):
    """`evaluator` is compiled when a request first needs it."""

    name: str
    spec: Object
    matcher: Matcher
    bindings: tuple[Binding, ...]
    _compile: Callable[[Object], E]
    _evaluator: E | None = None

    @property
    def evaluator(self) -> E:
        if self._evaluator is None:
            self._evaluator = self._compile(self.spec)
        return self._evaluator

    @property
    def ignores_failures(self) -> bool:
        return bool(self.spec.get("failurePolicy") == "Ignore")


class Policies(Generic[E]):
    """`active` are those that have bindings. `compile` is given a policy's name and spec."""

    def __init__(self, compile: Callable[[str, Object], E]) -> None:
        self._compile = compile
        self._policies: dict[str, Policy[E]] = {}
        self._bindings: dict[str, Binding] = {}
        self.active: tuple[Policy[E], ...] = ()

    def observe_policy(self, change: Change, policy: Object) -> None:
        name, spec = policy["metadata"]["name"], policy.get("spec") or {}
        known = self._policies.get(name)
        if change == "DELETED":
            self._policies.pop(name, None)
        elif known is None or known.spec != spec:
            matcher = Matcher.of(spec.get("matchConstraints") or {}, _RULES, open=True)
            self._policies[name] = Policy(name, spec, matcher, (), lambda spec: self._compile(name, spec))
        self._refresh()

    def observe_binding(self, change: Change, binding: Object) -> None:
        name, spec = binding["metadata"]["name"], binding.get("spec") or {}
        if change == "DELETED":
            self._bindings.pop(name, None)
        else:
            matcher = Matcher.of(spec.get("matchResources") or {}, _RULES, open=True)
            self._bindings[name] = Binding(name, spec, matcher)
        self._refresh()

    def _refresh(self) -> None:
        bound: dict[str, list[Binding]] = {}
        for _, binding in sorted(self._bindings.items()):
            bound.setdefault(binding.spec.get("policyName") or "", []).append(binding)
        for name, policy in self._policies.items():
            policy.bindings = tuple(bound.get(name, ()))
        self.active = tuple(policy for _, policy in sorted(self._policies.items()) if policy.bindings)
