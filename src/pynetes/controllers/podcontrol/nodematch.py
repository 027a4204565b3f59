"""Which nodes a pod's selector, affinity and tolerations allow: for controllers that place pods themselves."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.controllers.nodelifecycle.tolerations import tolerates

Object = dict[str, Any]


def matches_requirement(value: str | None, requirement: Object) -> bool:
    """One match expression of a node selector term; `value` is None for a label that is not there."""
    operator, values = requirement["operator"], requirement.get("values") or []
    match operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compare(operator, value, values)
    return False


def _compare(operator: str, value: str | None, values: list[str]) -> bool:
    try:
        own, bound = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return own > bound if operator == "Gt" else own < bound


def matches_term(node: Object, term: Object) -> bool:
    """All of a term's expressions hold; an empty term matches nothing."""
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False
    labels = meta.labels(node)
    if not all(matches_requirement(labels.get(e["key"]), e) for e in expressions):
        return False
    return all(f["key"] == "metadata.name" and matches_requirement(meta.name(node), f) for f in fields)


def required_terms(spec: Object) -> list[Object] | None:
    """The terms of the required node affinity; None if there is none."""
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity")) or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return None if required is None else required.get("nodeSelectorTerms") or []


def matches_affinity(node: Object, spec: Object) -> bool:
    """Whether a pod's nodeSelector and required node affinity allow `node`."""
    if not (spec.get("nodeSelector") or {}).items() <= meta.labels(node).items():
        return False
    terms = required_terms(spec)
    return terms is None or any(matches_term(node, term) for term in terms)


def untolerated(node: Object, tolerations: list[Object], effects: tuple[str, ...]) -> Object | None:
    """The first taint of these effects that nothing tolerates."""
    for taint in (node.get("spec") or {}).get("taints") or ():
        if taint.get("effect") in effects and not any(tolerates(t, taint) for t in tolerations):
            found: Object = taint
            return found
    return None
