"""ValidatingAdmissionPolicy: denies, warns or tells the audit log, as the binding of a policy that is violated says."""

from typing import Any

import orjson
from msgspec import Struct, field

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.expressions.activation import settled
from pynetes.apiserver.admission.measures import validated
from pynetes.apiserver.admission.policies.selection import Invocation, Misconfiguration, Selector, is_governed
from pynetes.apiserver.admission.policies.sources import Binding, Policies, Policy
from pynetes.apiserver.admission.policies.validator import Decision, Validator, Verdict

Object = dict[str, Any]

_FAILURE = "validation.policy.admission.k8s.io/validation_failure"
_LONGEST_ANNOTATION = 10 * 1024
_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
_UNPROCESSABLE = 422


class _Denial(Struct):
    policy: str
    binding: str
    message: str
    reason: str = ""

    def __str__(self) -> str:
        through = f" with binding '{self.binding}'" if self.binding else ""
        return f"ValidatingAdmissionPolicy '{self.policy}'{through} denied request: {self.message}"


class _Request(Struct):
    """What comes together over all policies. `made` is shared by their activations."""

    attrs: Attributes
    denials: list[_Denial] = field(default_factory=list)
    #: Different values of an audit annotation, by its key.
    annotations: dict[str, list[str]] = field(default_factory=dict)
    made: dict[Any, Any] = field(default_factory=dict)


class ValidatingAdmissionPolicy(Plugin):
    name = "ValidatingAdmissionPolicy"

    def __init__(self, selector: Selector) -> None:
        self.policies: Policies[Validator] = Policies(Validator)
        self._selector = selector

    def handles(self, attrs: Attributes) -> bool:
        return bool(self.policies.active) and is_governed(attrs)

    async def validate(self, attrs: Attributes) -> None:
        request = _Request(attrs)
        for each in await self._selector.select(attrs, self.policies.active):
            await self._one(each, request)
        for key, values in request.annotations.items():
            attrs.annotations[key] = ", ".join(values)
        if request.denials:
            raise _refusal(attrs, request.denials[0])

    async def _one(self, each: Invocation[Validator] | Misconfiguration[Validator], request: _Request) -> None:
        policy = each.policy
        if isinstance(each, Misconfiguration):
            _misconfigured(each, request)
            return
        try:
            activation = await self._selector.activation(request.attrs, each, request.made)
        except ValueError as error:
            why = f"failed to convert object version: {error}"
            _misconfigured(Misconfiguration(policy, each.binding, why), request)
            return
        verdict = await settled(activation, lambda: policy.evaluator.validate(activation))
        _enforce(policy, each.binding, verdict, request)


def _misconfigured(found: Misconfiguration[Validator], request: _Request) -> None:
    if not found.policy.ignores_failures:
        binding = found.binding.name if found.binding is not None else ""
        request.denials.append(_Denial(found.policy.name, binding, str(found)))


def _enforce(policy: Policy[Validator], binding: Binding, verdict: Verdict, request: _Request) -> None:
    for index, decision in enumerate(verdict.decisions):
        if decision.denied:
            for action in binding.spec.get("validationActions") or ():
                _act(action, policy, binding, index, decision, request)
        elif decision.failed:
            _count(policy, binding, decision, "allow")
    for key, value in verdict.annotations.items():
        values = request.annotations.setdefault(f"{policy.name}/{key}", [])
        cut = value.encode()[:_LONGEST_ANNOTATION].decode(errors="ignore")
        if cut not in values:
            values.append(cut)
    for failure in verdict.annotation_failures:
        request.denials.append(_Denial(policy.name, binding.name, failure.message))
        _count(policy, binding, failure, "deny")


def _act(
    action: str, policy: Policy[Validator], binding: Binding, index: int, decision: Decision, request: _Request
) -> None:
    attrs = request.attrs
    _count(policy, binding, decision, action.lower())
    match action:
        case "Deny":
            request.denials.append(_Denial(policy.name, binding.name, decision.message, decision.reason))
        case "Warn":
            attrs.warnings.append(
                f"Validation failed for ValidatingAdmissionPolicy '{policy.name}' with binding '{binding.name}': "
                f"{decision.message}"
            )
        case "Audit":
            failure = {
                "message": decision.message,
                "policy": binding.spec.get("policyName"),
                "binding": binding.name,
                "expressionIndex": index,
                "validationActions": binding.spec.get("validationActions"),
            }
            # The first failure stays: an annotation cannot be overwritten.
            attrs.annotations.setdefault(_FAILURE, orjson.dumps([failure]).decode())


def _count(policy: Policy[Validator], binding: Binding, decision: Decision, action: str) -> None:
    validated(policy.name, binding.name, decision.message, action, decision.seconds)


def _refusal(attrs: Attributes, denial: _Denial) -> StatusError:
    """As a 403, but for its code and reason, which the validation may choose."""
    message = str(denial)
    refusal = attrs.forbid(message)
    reason = denial.reason or "Invalid"
    details = {**(refusal.details or {}), "causes": [{"message": message}]}
    return StatusError(_CODES.get(reason, _UNPROCESSABLE), reason, refusal.message, details)
