"""What the status of a definition must say: names, conditions. A pure decision, made anew on every change."""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.structural.structure import is_structural, unsupported, validate_structural
from pynetes.apis.apiextensions.approval import Approval, approval_of, is_protected
from pynetes.apiserver.customresources import definitions, naming
from pynetes.apiserver.webhooks.client import bundle_problem

Object = dict[str, Any]

_APPROVALS = {
    Approval.INVALID: ("False", "InvalidAnnotation"),
    Approval.MISSING: ("False", "MissingAnnotation"),
    Approval.APPROVED: ("True", "ApprovedAnnotation"),
    Approval.BYPASSED: ("False", "UnapprovedAnnotation"),
}


def status_of(definition: Object, others: Iterable[Object]) -> Object:
    """The status as it ought to be; equal to the present one if nothing is to be written."""
    status: Object = meta.copy(definition.get("status") or {})
    conditions: list[Object] = status.get("conditions") or []
    status["conditions"] = conditions
    if definition["spec"]["names"] != status.get("acceptedNames"):
        names, accepted = naming.accept(definition, others)
        status["acceptedNames"] = names
        meta.set_condition(conditions, accepted)
        if not meta.is_condition_true(conditions, definitions.ESTABLISHED):
            meta.set_condition(conditions, _not_established(accepted))
    _set_or_remove(conditions, "NonStructuralSchema", _structural(definition))
    _set_or_remove(conditions, "KubernetesAPIApprovalPolicyConformant", _approval(definition))
    accepted_now = meta.is_condition_true(conditions, definitions.NAMES_ACCEPTED)
    if accepted_now and not meta.is_condition_true(conditions, definitions.ESTABLISHED):
        meta.set_condition(conditions, _established(definition))
    return status


def _condition(type: str, status: str, reason: str, message: str) -> Object:
    return {"type": type, "status": status, "reason": reason, "message": message}


def _not_established(accepted: Object) -> Object:
    if accepted["status"] == "True":
        return _condition("Established", "False", "Installing", "the initial names have been accepted")
    return _condition("Established", "False", "NotAccepted", "not all names are accepted")


def _established(definition: Object) -> Object:
    webhook = (definition["spec"].get("conversion") or {}).get("webhook") or {}
    bundle = (webhook.get("clientConfig") or {}).get("caBundle") or ""
    if bundle_is_invalid(bundle):
        return _condition("Established", "False", "InvalidCABundle", "The conversion webhook CABundle is invalid")
    return _condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")


def bundle_is_invalid(bundle: str) -> bool:
    try:
        return bool(bundle_problem(base64.b64decode(bundle)))
    except (binascii.Error, ValueError):
        return True


def _set_or_remove(conditions: list[Object], type: str, condition: Object | None) -> None:
    if condition is None:
        meta.remove_condition(conditions, type)
    else:
        meta.set_condition(conditions, condition)


def _structural(definition: Object) -> Object | None:
    errors = []
    if definition["spec"].get("preserveUnknownFields"):
        errors.append("spec.preserveUnknownFields: Invalid value: true: must be false")
    for i, version in enumerate(definitions.versions(definition)):
        schema = definitions.schema_of(version)
        if schema is None or is_structural(schema):
            continue
        problem = unsupported(schema)
        if problem:
            text = f"failed to check validation schema for version {version['name']}: {problem}"
            return _condition("NonStructuralSchema", "Unknown", "StructuralError", text)
        path = f"spec.versions[{i}].schema.openAPIV3Schema"
        errors += [str(error) for error in validate_structural(schema, path)]
    if not errors:
        return None
    unique = list(dict.fromkeys(errors))
    message = unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"
    return _condition("NonStructuralSchema", "True", "Violations", message)


def _approval(definition: Object) -> Object | None:
    if not is_protected(definition["spec"]["group"]):
        return None
    state, message = approval_of(meta.annotations(definition))
    status, reason = _APPROVALS[state]
    return _condition("KubernetesAPIApprovalPolicyConformant", status, reason, message)
