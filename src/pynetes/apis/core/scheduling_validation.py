"""What a pod says to the scheduler: affinity, tolerations, topology spread, gates."""

from collections import Counter

from pynetes.apimachinery import names
from pynetes.apimachinery.validation import validate_label_selector
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_TOLERATION_OPERATORS = ("Equal", "Exists")
_COMPARISONS = ("Lt", "Gt")
_ALL_TOLERATION_OPERATORS = ("Equal", "Exists", "Lt", "Gt")
_NOT_AN_OPERATOR = "not a valid selector operator"
_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
_INCLUSION = ("Honor", "Ignore")
_NO_SELECTOR = "must not be specified when labelSelector is not set"
_IN_BOTH = "exists in both matchLabelKeys and labelSelector"


def validate_affinity(found: FieldErrors, affinity: Object | None, path: str) -> None:
    affinity = affinity or {}
    node = affinity.get("nodeAffinity")
    if node:
        own = f"{path}.nodeAffinity"
        if node.get(_REQUIRED) is not None:
            validate_node_selector(found, node[_REQUIRED], f"{own}.{_REQUIRED}")
        _preferred_terms(found, node.get(_PREFERRED) or [], f"{own}.{_PREFERRED}")
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        for index, term in enumerate(rules.get(_REQUIRED) or ()):
            _pod_affinity_term(found, term, f"{path}.{kind}.{_REQUIRED}[{index}]")
        for index, weighted in enumerate(rules.get(_PREFERRED) or ()):
            own = f"{path}.{kind}.{_PREFERRED}[{index}]"
            _weight(found, weighted.get("weight") or 0, own)
            _pod_affinity_term(found, weighted.get("podAffinityTerm") or {}, f"{own}.podAffinityTerm")


def _weight(found: FieldErrors, weight: int, path: str) -> None:
    if not 1 <= weight <= 100:
        found.invalid(f"{path}.weight", weight, "must be in the range 1-100")


def _preferred_terms(found: FieldErrors, terms: list[Object], path: str) -> None:
    for index, term in enumerate(terms):
        own = f"{path}[{index}]"
        _weight(found, term.get("weight") or 0, own)
        validate_node_selector_term(found, term.get("preference") or {}, f"{own}.preference", check_values=False)


def validate_node_selector(found: FieldErrors, selector: Object, path: str) -> None:
    path = f"{path}.nodeSelectorTerms"
    terms = selector.get("nodeSelectorTerms") or []
    if not terms:
        found.required(path, "must have at least one node selector term")
    for index, term in enumerate(terms):
        validate_node_selector_term(found, term, f"{path}[{index}]")


def validate_node_selector_term(found: FieldErrors, term: Object, path: str, *, check_values: bool = True) -> None:
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        _node_expression(found, requirement, f"{path}.matchExpressions[{index}]", check_values)
    for index, requirement in enumerate(term.get("matchFields") or ()):
        _node_field(found, requirement, f"{path}.matchFields[{index}]")


def _node_expression(found: FieldErrors, requirement: Object, path: str, check_values: bool) -> None:
    values = requirement.get("values") or []
    match requirement.get("operator"):
        case "In" | "NotIn":
            if not values:
                found.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        case "Exists" | "DoesNotExist":
            if values:
                detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                found.forbidden(f"{path}.values", detail)
        case "Gt" | "Lt":
            if len(values) != 1:
                found.required(f"{path}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        case other:
            found.invalid(f"{path}.operator", other or "", _NOT_AN_OPERATOR)
    found.rule(f"{path}.key", requirement.get("key") or "", names.qualified_name)
    for index, value in enumerate(values if check_values else ()):
        found.rule(f"{path}.values[{index}]", value, names.label_value)


def _node_field(found: FieldErrors, requirement: Object, path: str) -> None:
    values, operator = requirement.get("values") or [], requirement.get("operator") or ""
    if operator not in ("In", "NotIn"):
        found.invalid(f"{path}.operator", operator, _NOT_AN_OPERATOR)
    elif len(values) != 1:
        detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        found.required(f"{path}.values", detail)
    if requirement.get("key") != "metadata.name":
        found.invalid(f"{path}.key", requirement.get("key") or "", "not a valid field selector key")
        return
    for index, value in enumerate(values):
        found.rule(f"{path}.values[{index}]", value, names.dns1123_subdomain)


def _pod_affinity_term(found: FieldErrors, term: Object, path: str) -> None:
    for field in ("labelSelector", "namespaceSelector"):
        found += validate_label_selector(term.get(field), f"{path}.{field}")
    for namespace in term.get("namespaces") or ():
        found.rule(f"{path}.namespace", namespace, names.dns1123_label)
    _label_keys(found, term, path)
    key = term.get("topologyKey") or ""
    if not key:
        found.required(f"{path}.topologyKey", "can not be empty")
    found.rule(f"{path}.topologyKey", key, names.qualified_name)


def _label_keys(found: FieldErrors, term: Object, path: str) -> None:
    """matchLabelKeys and mismatchLabelKeys; on pods, the selector already holds what they added to it."""
    selector = term.get("labelSelector")
    matching, mismatching = term.get("matchLabelKeys") or [], term.get("mismatchLabelKeys") or []
    for field, keys in (("matchLabelKeys", matching), ("mismatchLabelKeys", mismatching)):
        if keys and selector is None:
            found.forbidden(f"{path}.{field}", _NO_SELECTOR)
            continue
        for index, key in enumerate(keys):
            found.rule(f"{path}.{field}[{index}]", key, names.qualified_name)
    seen = set((selector or {}).get("matchLabels") or ())
    for expression in (selector or {}).get("matchExpressions") or ():
        key = expression.get("key")
        if key in seen and key in matching:
            found.invalid(f"{path}[{matching.index(key)}]", key, _IN_BOTH)
        seen.add(key)
    for index, key in enumerate(matching):
        if key in mismatching:
            detail = "exists in both matchLabelKeys and mismatchLabelKeys"
            found.invalid(f"{path}.matchLabelKeys[{index}]", key, detail)


def validate_tolerations(found: FieldErrors, tolerations: list[Object], path: str) -> None:
    for index, toleration in enumerate(tolerations):
        _toleration(found, toleration, f"{path}[{index}]")


def _toleration(found: FieldErrors, toleration: Object, path: str) -> None:
    key, operator = toleration.get("key") or "", toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    if key:
        found.rule(f"{path}.key", key, names.qualified_name)
    elif operator != "Exists":
        detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        found.invalid(f"{path}.operator", operator, detail)
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        found.invalid(f"{path}.effect", effect, detail)
    if operator in ("Equal", ""):
        messages = names.label_value(value)
        if messages:
            found.invalid(f"{path}.operator", value, ";".join(messages))
    elif operator == "Exists":
        if value:
            found.invalid(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
    elif operator in _COMPARISONS:  # alpha in 1.36, so off
        found.not_supported(f"{path}.operator", operator, _ALL_TOLERATION_OPERATORS)
    else:
        found.not_supported(f"{path}.operator", operator, _TOLERATION_OPERATORS)
    if effect and effect not in EFFECTS:
        found.not_supported(f"{path}.effect", effect, EFFECTS)


def validate_topology_spread(found: FieldErrors, constraints: list[Object], path: str) -> None:
    following = Counter(map(_pair, constraints))
    for index, constraint in enumerate(constraints):
        own = f"{path}[{index}]"
        action = constraint.get("whenUnsatisfiable") or ""
        skew = constraint.get("maxSkew") or 0
        if skew <= 0:
            found.invalid(f"{own}.maxSkew", skew, "must be greater than zero")
        if not constraint.get("topologyKey"):
            found.required(f"{own}.topologyKey", "can not be empty")
        if action not in _UNSATISFIABLE:
            found.not_supported(f"{own}.whenUnsatisfiable", action, _UNSATISFIABLE)
        pair = _pair(constraint)
        following[pair] -= 1
        if following[pair]:
            found.duplicate(f"{own}.{{topologyKey, whenUnsatisfiable}}", "{" + ", ".join(pair) + "}")
        domains = constraint.get("minDomains")
        if domains is not None:
            if domains <= 0:
                found.invalid(f"{own}.minDomains", domains, "must be greater than zero")
            if action != "DoNotSchedule":
                detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
                found.invalid(f"{own}.minDomains", domains, detail)
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            policy = constraint.get(field)
            if policy is not None and policy not in _INCLUSION:
                found.not_supported(f"{own}.{field}", policy, _INCLUSION)
        _label_keys(found, constraint, own)
        found += validate_label_selector(constraint.get("labelSelector"), f"{own}.labelSelector")


def _pair(constraint: Object) -> tuple[str, str]:
    return constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""


def validate_scheduling_gates(found: FieldErrors, gates: list[Object], path: str) -> None:
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name = gate.get("name") or ""
        found.rule(f"{path}[{index}]", name, names.qualified_name)
        if name in seen:
            found.duplicate(f"{path}[{index}]", name)
        seen.add(name)
