"""Which requests a webhook or a policy matches."""

from collections.abc import Sequence
from functools import cache

from pynetes.apimachinery import names, validation
from pynetes.apimachinery.cel.environment import Environment
from pynetes.apimachinery.cel.types import BOOL, Type
from pynetes.apis.admissionregistration.expressions import compile_expression
from pynetes.apis.admissionregistration.variables import variables
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

FAILURE_POLICIES = ("Fail", "Ignore")
MATCH_POLICIES = ("Equivalent", "Exact")
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_MAX_CONDITIONS = 64


def default_matching(match: Object) -> None:
    if match.get("matchPolicy") is None:
        match["matchPolicy"] = "Equivalent"
    for key in ("namespaceSelector", "objectSelector"):
        if match.get(key) is None:
            match[key] = {}


def default_rules(*rules: list[Object] | None) -> None:
    for each in rules:
        for rule in each or ():
            if rule.get("scope") is None:
                rule["scope"] = "*"


def default_match_resources(match: Object | None) -> None:
    if match is not None:
        default_matching(match)
        default_rules(match.get("resourceRules"), match.get("excludeResourceRules"))


def validate_match_resources(found: FieldErrors, match: Object | None, path: str) -> None:
    if match is None:
        return
    found.choice(f"{path}.matchPolicy", match.get("matchPolicy"), MATCH_POLICIES)
    validate_selectors(found, match, path)
    for key in ("resourceRules", "excludeResourceRules"):
        for i, rule in enumerate(match.get(key) or ()):
            _resource_names(found, rule.get("resourceNames") or (), f"{path}.{key}[{i}].resourceNames")
            validate_rule(found, rule, f"{path}.{key}[{i}]")


def _resource_names(found: FieldErrors, listed: Sequence[str], path: str) -> None:
    for i, name in enumerate(listed):
        found.rule(f"{path}[{i}]", name, names.path_segment_name)
        if name in listed[:i]:
            found.duplicate(f"{path}[{i}]", name)


def validate_selectors(found: FieldErrors, match: Object, path: str) -> None:
    for key in ("namespaceSelector", "objectSelector"):
        if match.get(key) is not None:
            found += validation.validate_label_selector(match[key], f"{path}.{key}")


def validate_rule(found: FieldErrors, rule: Object, path: str) -> None:
    operations = rule.get("operations") or []
    _list_with_wildcard(found, operations, f"{path}.operations", "operations")
    for i, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            found.not_supported(f"{path}.operations[{i}]", operation, _OPERATIONS)
    _list_with_wildcard(found, rule.get("apiGroups") or [], f"{path}.apiGroups", "API groups")
    versions = rule.get("apiVersions") or []
    _list_with_wildcard(found, versions, f"{path}.apiVersions", "API versions")
    for i, version in enumerate(versions):
        if not version:
            found.required(f"{path}.apiVersions[{i}]")
    _resources(found, rule.get("resources") or [], f"{path}.resources")
    if rule.get("scope") is not None and rule["scope"] not in _SCOPES:
        found.not_supported(f"{path}.scope", rule["scope"], _SCOPES)


def validate_match_conditions(found: FieldErrors, conditions: list[Object], path: str, *, params: bool = False) -> None:
    """`params`: expressions may refer to parameters."""
    if len(conditions) > _MAX_CONDITIONS:
        found.too_many(path, len(conditions), _MAX_CONDITIONS)
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        name = condition.get("name") or ""
        text = (condition.get("expression") or "").strip()
        validate_expression(found, text, f"{path}[{i}].expression", _condition_environment(params))
        if found.required_rule(f"{path}[{i}].name", name, names.qualified_name) and name in seen:
            found.duplicate(f"{path}[{i}].name", name)
        seen.add(name)


@cache
def _condition_environment(params: bool) -> Environment:
    return Environment(variables(params=params))


def validate_expression(
    found: FieldErrors,
    text: str | None,
    path: str,
    environment: Environment,
    wanted: Sequence[Type] = (BOOL,),
    missing: str = "",
) -> Type | None:
    """Its type. `missing` is what is said of an expression that is not there."""
    if not (text or "").strip():
        found.required(path, missing)
        return None
    assert text is not None
    checked = compile_expression(environment, text, wanted)
    if checked.problem:
        found.invalid(path, text, checked.problem)
    return checked.type


def _list_with_wildcard(found: FieldErrors, values: list[str], path: str, what: str) -> None:
    if not values:
        found.required(path)
    if len(values) > 1 and "*" in values:
        found.invalid(path, values, f"if '*' is present, must not specify other {what}")


def _resources(found: FieldErrors, resources: list[str], path: str) -> None:
    if not resources:
        found.required(path)
    whole: set[str] = set()  # x of x/*
    everywhere: set[str] = set()  # y of */y
    plain = False
    for i, text in enumerate(resources):
        if not text:
            found.required(f"{path}[{i}]")
            continue
        resource, slash, subresource = text.partition("/")
        if not slash:
            plain = text != "*"
            continue
        if resource in whole:
            found.invalid(f"{path}[{i}]", text, f"if '{resource}/*' is present, must not specify {text}")
        if subresource in everywhere:
            found.invalid(f"{path}[{i}]", text, f"if '*/{subresource}' is present, must not specify {text}")
        if subresource == "*":
            whole.add(resource)
        if resource == "*":
            everywhere.add(subresource)
    if len(resources) > 1 and "*/*" in resources:
        found.invalid(path, resources, "if '*/*' is present, must not specify other resources")
    if plain and "*" in resources:
        detail = "if '*' is present, must not specify other resources without subresources"
        found.invalid(path, resources, detail)
