"""Admission policies and their bindings. The expressions are compiled, and refused, by the API server."""

from typing import ClassVar

from pynetes.apimachinery import names, validation
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.admissionregistration import rules
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import RESET_METADATA, Object, Strategy

_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_ACTIONS = ("Audit", "Deny", "Warn")
_NOT_FOUND_ACTIONS = ("Deny", "Allow")
_DENY_AND_WARN = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
    "headers serves no purpose)"
)
_EMPTY = "must be non-empty if specified"


class _AdmissionPolicyStrategy(Strategy):
    maintains_generation = True
    allow_unconditional_update = False
    constraints: ClassVar[str] = "matchConstraints"

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("failurePolicy") is None:
            spec["failurePolicy"] = "Fail"
        rules.default_match_resources(spec.get(self.constraints))

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj.get("spec") or {}
        found.one_of("spec.failurePolicy", spec.get("failurePolicy"), rules.FAILURE_POLICIES)
        if spec.get("paramKind") is not None:
            _param_kind(found, spec["paramKind"], "spec.paramKind")
        path = f"spec.{self.constraints}"
        match = spec.get(self.constraints)
        if match is None:
            found.required(path)
        else:
            rules.validate_match_resources(found, match, path)
            if not match.get("resourceRules"):
                found.required(f"{path}.resourceRules")
        rules.validate_match_conditions(found, spec.get("matchConditions") or [], "spec.matchConditions")
        self.rules(found, spec)
        return found

    def rules(self, found: FieldErrors, spec: Object) -> None:
        """What the policy demands or changes."""


class ValidatingAdmissionPolicyStrategy(_AdmissionPolicyStrategy):
    has_status = True
    status_keeps_metadata = RESET_METADATA

    def rules(self, found: FieldErrors, spec: Object) -> None:
        validations = spec.get("validations") or []
        if not validations and not spec.get("auditAnnotations"):
            for key in ("validations", "auditAnnotations"):
                found.required(f"spec.{key}", "validations or auditAnnotations must contain at least one item")
        for i, rule in enumerate(validations):
            _validation(found, rule, f"spec.validations[{i}]")


class MutatingAdmissionPolicyStrategy(_AdmissionPolicyStrategy):
    def rules(self, found: FieldErrors, spec: Object) -> None:
        if not spec.get("mutations"):
            found.required("spec.mutations", "mutations must contain at least one item")


class PolicyBindingStrategy(Strategy):
    maintains_generation = True
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        rules.default_match_resources(obj.setdefault("spec", {}).get("matchResources"))

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj.get("spec") or {}
        found.required_rule("spec.policyName", spec.get("policyName"), names.dns1123_subdomain)
        if spec.get("paramRef") is not None:
            _param_reference(found, spec["paramRef"], "spec.paramRef")
        rules.validate_match_resources(found, spec.get("matchResources"), "spec.matchResources")
        return found


class ValidatingPolicyBindingStrategy(PolicyBindingStrategy):
    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors(super().validate(obj))
        path, actions = "spec.validationActions", (obj.get("spec") or {}).get("validationActions") or []
        for i, action in enumerate(actions):
            if action not in _ACTIONS:
                found.not_supported(f"{path}[{i}]", action, _ACTIONS)
            if action in actions[:i]:
                found.duplicate(f"{path}[{i}]", action)
        if {"Deny", "Warn"} <= set(actions):
            found.invalid(path, actions, _DENY_AND_WARN)
        if not actions:
            found.required(path, "at least one validation action is required")
        return found


def _param_kind(found: FieldErrors, kind: Object, path: str) -> None:
    text, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    if found.present(f"{path}.apiVersion", text):
        group, _, version = text.rpartition("/")
        messages = names.dns1123_subdomain(group) if group else []
        if messages:
            found.invalid(f"{path}.apiVersion", group, ",".join(messages))
        messages = names.dns1035_label(version)
        if not version:
            found.invalid(f"{path}.apiVersion", text, "version must be specified")
        elif messages:
            found.invalid(f"{path}.apiVersion", version, ",".join(messages))
    if found.present(f"{path}.kind", name):
        messages = names.dns1035_label(name.lower())
        if messages:
            detail = "may have mixed case, but should otherwise match: " + ",".join(messages)
            found.invalid(f"{path}.kind", name, detail)


def _validation(found: FieldErrors, rule: Object, path: str) -> None:
    if not (rule.get("expression") or "").strip():
        found.required(f"{path}.expression", "expression is not specified")
    message = rule.get("message") or ""
    text = rule.get("messageExpression") or ""
    if text and not text.strip():
        found.invalid(f"{path}.messageExpression", text, _EMPTY)
    if message and not message.strip():
        found.invalid(f"{path}.message", message, _EMPTY)
    elif "\n" in message.strip():
        found.invalid(f"{path}.message", message, "must not contain line breaks")
    if rule.get("reason") is not None and rule["reason"] not in _REASONS:
        found.not_supported(f"{path}.reason", rule["reason"], _REASONS)


def _param_reference(found: FieldErrors, reference: Object, path: str) -> None:
    name, selector = reference.get("name") or "", reference.get("selector")
    if name:
        found.rule(f"{path}.name", name, names.path_segment_name)
    if selector is not None:
        found += validation.validate_label_selector(selector, f"{path}.selector")
    if name and selector is not None:
        for key in ("name", "selector"):
            found.forbidden(f"{path}.{key}", "name and selector are mutually exclusive")
    if not name and selector is None:
        found.required(path, "one of name or selector must be specified")
    found.one_of(f"{path}.parameterNotFoundAction", reference.get("parameterNotFoundAction"), _NOT_FOUND_ACTIONS)
