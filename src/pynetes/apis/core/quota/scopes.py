"""Scopes: which pods or claims a quota is about."""

from collections.abc import Callable
from typing import Any

from pynetes.apis.core.qos import qos_class

Object = dict[str, Any]
Requirement = dict[str, Any]
Match = Callable[[Requirement, Object], bool]


def requirements(quota: Object) -> list[Requirement]:
    """A quota's scopes and its scope selector as one list; all of them must match."""
    spec = quota.get("spec") or {}
    listed = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    return listed + list((spec.get("scopeSelector") or {}).get("matchExpressions") or ())


def is_terminating(pod: Object) -> bool:
    """A pod with a deadline, in a quota's sense."""
    deadline = (pod.get("spec") or {}).get("activeDeadlineSeconds")
    return deadline is not None and deadline >= 0


def matches_pod(requirement: Requirement, pod: Object) -> bool:
    match requirement.get("scopeName"):
        case "Terminating":
            return is_terminating(pod)
        case "NotTerminating":
            return not is_terminating(pod)
        case "BestEffort":
            return qos_class(pod) == "BestEffort"
        case "NotBestEffort":
            return qos_class(pod) != "BestEffort"
        case "PriorityClass":
            name = (pod.get("spec") or {}).get("priorityClassName")
            return _selects(requirement, {name} if name else set())
        case "CrossNamespacePodAffinity":
            return _reaches_other_namespaces(pod)
    return False


def matches_claim(requirement: Requirement, claim: Object) -> bool:
    if requirement.get("scopeName") != "VolumeAttributesClass":
        return False
    status = claim.get("status") or {}
    names = {
        (claim.get("spec") or {}).get("volumeAttributesClassName"),
        status.get("currentVolumeAttributesClassName"),
        (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName"),
    }
    return _selects(requirement, {name for name in names if name})


def matches_nothing(requirement: Requirement, obj: Object) -> bool:
    """Of kinds that know no scopes."""
    return False


def _selects(requirement: Requirement, names: set[str]) -> bool:
    values = set(requirement.get("values") or ())
    match requirement.get("operator"):
        case "Exists":
            return bool(names)
        case "DoesNotExist":
            return not names
        case "In":
            return bool(names & values)
        case "NotIn":
            return not names & values
    return False


def _reaches_other_namespaces(pod: Object) -> bool:
    affinity = (pod.get("spec") or {}).get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        weighted = terms.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        required = terms.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        for term in (*required, *((each.get("podAffinityTerm") or {}) for each in weighted)):
            if term.get("namespaces") or term.get("namespaceSelector") is not None:
                return True
    return False
