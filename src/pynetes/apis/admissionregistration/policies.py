"""Admission policies and their bindings. All expressions must compile."""

import re
from collections.abc import Sequence
from typing import ClassVar

from pynetes.apimachinery import names, validation
from pynetes.apimachinery.cel.escaping import RESERVED
from pynetes.apimachinery.cel.types import NULL, STRING
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.admissionregistration import rules
from pynetes.apis.admissionregistration.expressions import ANYTHING, Composition
from pynetes.apis.admissionregistration.patchtypes import PATCH_FIELDS
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import RESET_METADATA, WHOLE, Object, Strategy

_EXCLUSIVE = "name and selector are mutually exclusive"
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_ACTIONS = ("Audit", "Deny", "Warn")
_NOT_FOUND_ACTIONS = ("Deny", "Allow")
_DENY_AND_WARN = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
    "headers serves no purpose)"
)
_EMPTY = "must be non-empty if specified"
_NO_EXPRESSION = "expression is not specified"
_MAX_ANNOTATIONS = 20
_LONGEST_VALUE_EXPRESSION = 5 * 1024
_IDENTIFIER = re.compile("[_a-zA-Z][_a-zA-Z0-9]*", re.ASCII)
_REINVOCATION = ("IfNeeded", "Never")
_MUTABLE = ("*", "CONNECT", "CREATE", "UPDATE")


class _AdmissionPolicyStrategy(Strategy):
    update_metadata = WHOLE
    qualified_finalizers = False
    maintains_generation = True
    allow_unconditional_update = False
    mutates: ClassVar[bool] = False

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        if spec.get("failurePolicy") is None:
            spec["failurePolicy"] = "Fail"
        rules.default_match_resources(spec.get("matchConstraints"))

    def validate(self, obj: Object) -> list[FieldError]:
        return self._validate(obj, conditions=True)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        """Match conditions that were accepted once are not looked at again."""
        new, before = obj.get("spec") or {}, old.get("spec") or {}
        changed = any(new.get(key) != before.get(key) for key in ("paramKind", "matchConditions"))
        return self._validate(obj, conditions=changed)

    def _validate(self, obj: Object, *, conditions: bool) -> list[FieldError]:
        found = FieldErrors()
        spec = obj.get("spec") or {}
        found.choice("spec.failurePolicy", spec.get("failurePolicy"), rules.FAILURE_POLICIES)
        if spec.get("paramKind") is not None:
            _param_kind(found, spec["paramKind"], "spec.paramKind")
        path, match = "spec.matchConstraints", spec.get("matchConstraints")
        if match is None:
            found.required(path)
        else:
            rules.validate_match_resources(found, match, path)
            if not match.get("resourceRules"):
                found.required(f"{path}.resourceRules")
            self._operations(found, match.get("resourceRules") or (), path)
        params = spec.get("paramKind") is not None
        if conditions:
            listed = spec.get("matchConditions") or []
            rules.validate_match_conditions(found, listed, "spec.matchConditions", params=params)
        composition = Composition(params=params, defines=bool(spec.get("variables")) or self.mutates)
        for i, variable in enumerate(spec.get("variables") or ()):
            _variable(found, variable, f"spec.variables[{i}]", composition)
        self._rules(found, obj, spec, composition)
        return found

    def _operations(self, found: FieldErrors, listed: Sequence[Object], path: str) -> None:
        if self.mutates:
            mutable_operations(found, listed, path)

    def _rules(self, found: FieldErrors, obj: Object, spec: Object, composition: Composition) -> None:
        """What the policy demands or changes."""


class ValidatingAdmissionPolicyStrategy(_AdmissionPolicyStrategy):
    has_status = True
    status_keeps_metadata = RESET_METADATA

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validation.validate_conditions((obj.get("status") or {}).get("conditions"), "status.conditions")

    def _rules(self, found: FieldErrors, obj: Object, spec: Object, composition: Composition) -> None:
        validations, annotations = spec.get("validations") or [], spec.get("auditAnnotations") or []
        if not validations and not annotations:
            for key in ("validations", "auditAnnotations"):
                found.required(f"spec.{key}", "validations or auditAnnotations must contain at least one item")
        for i, rule in enumerate(validations):
            _validation(found, rule, f"spec.validations[{i}]", composition)
        if len(annotations) > _MAX_ANNOTATIONS:
            detail = f"must not have more than {_MAX_ANNOTATIONS} auditAnnotations"
            found.invalid("spec.auditAnnotations", annotations, detail)
        keys = [annotation.get("key") or "" for annotation in annotations]
        for i, annotation in enumerate(annotations):
            path = f"spec.auditAnnotations[{i}]"
            _annotation(found, annotation, path, obj["metadata"].get("name") or "", composition)
            if keys[i] in keys[:i]:
                found.duplicate(f"{path}.key", keys[i])


class MutatingAdmissionPolicyStrategy(_AdmissionPolicyStrategy):
    mutates = True

    def _rules(self, found: FieldErrors, obj: Object, spec: Object, composition: Composition) -> None:
        if not spec.get("mutations"):
            found.required("spec.mutations", "mutations must contain at least one item")
        for i, mutation in enumerate(spec.get("mutations") or ()):
            _mutation(found, mutation, f"spec.mutations[{i}]", composition)
        found.choice("spec.reinvocationPolicy", spec.get("reinvocationPolicy"), _REINVOCATION)


class PolicyBindingStrategy(Strategy):
    update_metadata = WHOLE
    qualified_finalizers = False
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


class MutatingPolicyBindingStrategy(PolicyBindingStrategy):
    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors(super().validate(obj))
        match = (obj.get("spec") or {}).get("matchResources") or {}
        mutable_operations(found, match.get("resourceRules") or (), "spec.matchResources")
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


def mutable_operations(found: FieldErrors, listed: Sequence[Object], path: str) -> None:
    """What is deleted cannot be changed."""
    for rule in listed:
        for operation in rule.get("operations") or ():
            if operation not in _MUTABLE:
                found.not_supported(f"{path}.resourceRules.operations", operation, _MUTABLE)


def _param_kind(found: FieldErrors, kind: Object, path: str) -> None:
    text, name = kind.get("apiVersion") or "", kind.get("kind") or ""
    if text.count("/") > 1:
        found.invalid(f"{path}.apiVersion", text, f"unexpected GroupVersion string: {text}")
    elif found.present(f"{path}.apiVersion", text):
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


def _variable(found: FieldErrors, variable: Object, path: str, composition: Composition) -> None:
    name = variable.get("name") or ""
    if not name.strip():
        found.required(f"{path}.name", "name is not specified")
    elif not _IDENTIFIER.fullmatch(name) or name in RESERVED:
        found.invalid(f"{path}.name", name, "must be a valid CEL identifier")
    text, environment = variable.get("expression") or "", composition.environment()
    declared = rules.validate_expression(found, text, f"{path}.expression", environment, ANYTHING, _NO_EXPRESSION)
    if text.strip():
        composition.define(name, declared)


def _mutation(found: FieldErrors, mutation: Object, path: str, composition: Composition) -> None:
    kind = mutation.get("patchType")
    found.one_of(f"{path}.patchType", kind, tuple(PATCH_FIELDS))
    if kind not in PATCH_FIELDS:
        return
    environment = composition.environment(patches=True)
    field, wanted = PATCH_FIELDS[kind]
    given = mutation.get(field)
    if given is None:
        found.required(f"{path}.{field}", f"must be specified when patchType is {kind}")
    else:
        text = (given.get("expression") or "").strip()
        rules.validate_expression(found, text, f"{path}.{field}.expression", environment, (wanted,))
    for other, (field, _) in PATCH_FIELDS.items():
        if other != kind and mutation.get(field) is not None:
            found.invalid(f"{path}.{field}", f"{{{field}}}", f"must not be specified when patchType is {kind}")


def _annotation(found: FieldErrors, annotation: Object, path: str, policy: str, composition: Composition) -> None:
    key, text = annotation.get("key") or "", annotation.get("valueExpression") or ""
    if policy:
        found.rule(f"{path}.key", f"{policy}/{key}", names.qualified_name)
    else:
        found.invalid(f"{path}.key", key, "requires metadata.name be non-empty")
    if len(text.strip().encode()) > _LONGEST_VALUE_EXPRESSION:
        found.required(f"{path}.valueExpression", f"must not exceed {_LONGEST_VALUE_EXPRESSION} bytes in length")
        return
    missing, wanted = "valueExpression is not specified", (STRING, NULL)
    rules.validate_expression(found, text, f"{path}.valueExpression", composition.environment(), wanted, missing)


def _validation(found: FieldErrors, rule: Object, path: str, composition: Composition) -> None:
    rules.validate_expression(
        found, rule.get("expression"), f"{path}.expression", composition.environment(), missing=_NO_EXPRESSION
    )
    message = rule.get("message") or ""
    text = rule.get("messageExpression") or ""
    if text and not text.strip():
        found.invalid(f"{path}.messageExpression", text, _EMPTY)
    elif text:
        plain = composition.environment(authorizer=False)
        rules.validate_expression(found, text, f"{path}.messageExpression", plain, (STRING,))
    if message and not message.strip():
        found.invalid(f"{path}.message", message, _EMPTY)
    elif {"\n", "\r"} & set(message.strip()):
        found.invalid(f"{path}.message", message, "must not contain line breaks")
    if rule.get("reason") is not None and rule["reason"] not in _REASONS:
        found.not_supported(f"{path}.reason", rule["reason"], _REASONS)


def _param_reference(found: FieldErrors, reference: Object, path: str) -> None:
    name, selector = reference.get("name") or "", reference.get("selector")
    if name:
        found.rule(f"{path}.name", name, names.path_segment_name)
        if selector is not None:
            found.forbidden(f"{path}.name", _EXCLUSIVE)
    if selector is not None:
        found += validation.validate_label_selector(selector, f"{path}.selector")
        if name:
            found.forbidden(f"{path}.selector", _EXCLUSIVE)
    if not name and selector is None:
        found.required(path, "one of name or selector must be specified")
    found.one_of(f"{path}.parameterNotFoundAction", reference.get("parameterNotFoundAction"), _NOT_FOUND_ACTIONS)
