"""ResourceQuota."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.container_defaults import default_resource_list
from pynetes.apis.core.resource_names import (
    is_standard_for_quota,
    validate_resource_name,
    validate_resource_value,
)
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.strategy import CHANGE, Object, Strategy

_PLAIN_SCOPES = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "CrossNamespacePodAffinity")
SCOPES = (*_PLAIN_SCOPES, "PriorityClass", "VolumeAttributesClass")
_CONFLICTS = (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating"))
_POD_RESOURCES = frozenset(
    (
        "pods",
        "cpu",
        "memory",
        "ephemeral-storage",
        "requests.cpu",
        "requests.memory",
        "requests.ephemeral-storage",
        "limits.cpu",
        "limits.memory",
        "limits.ephemeral-storage",
    )
)
_NOT_QUOTA = "must be a standard resource for quota"
_CONFLICTING = "conflicting scopes"
_WRONG_SCOPE = "unsupported scope applied to resource"
_ONLY_EXISTS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


class ResourceQuotaStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})
        for part, field in (("spec", "hard"), ("status", "hard"), ("status", "used")):
            default_resource_list((obj.get(part) or {}).get(field))

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj["spec"]
        _amounts(found, spec.get("hard"), "spec.hard")
        _scopes(found, spec)
        _scope_selector(found, spec)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        scopes = obj["spec"].get("scopes")
        if set(scopes or ()) != set(old["spec"].get("scopes") or ()):
            found.invalid("spec.scopes", scopes, "field is immutable")
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors()
        for field in ("hard", "used"):
            _amounts(found, (obj.get("status") or {}).get(field), f"status.{field}")
        return found


def _amounts(found: FieldErrors, resources: Object | None, path: str) -> None:
    for name, value in (resources or {}).items():
        own = f"{path}[{name}]"
        validate_resource_name(found, name, own)
        if "/" not in name and not is_standard_for_quota(name):
            found.invalid(own, name, _NOT_QUOTA)
        validate_resource_value(found, name, value, own)


def _fits(scope: str, resource: str) -> bool:
    if scope not in SCOPES:
        return True
    if scope == "BestEffort":
        return resource == "pods"
    if scope == "VolumeAttributesClass":
        return resource in ("persistentvolumeclaims", "requests.storage")
    return resource in _POD_RESOURCES or "hugepages-" in resource


def _scopes(found: FieldErrors, spec: Object) -> None:
    scopes = spec.get("scopes") or []
    resources = [name for name in sorted(spec.get("hard") or ()) if is_standard_for_quota(name)]
    for scope in scopes:
        if scope not in SCOPES:
            found.invalid("spec.scopes", scopes, "unsupported scope")
        for resource in resources:
            if not _fits(scope, resource):
                found.invalid("spec.scopes", scopes, _WRONG_SCOPE)
    for pair in _CONFLICTS:
        if set(pair) <= set(scopes):
            found.invalid("spec.scopes", scopes, _CONFLICTING)


def _scope_selector(found: FieldErrors, spec: Object) -> None:
    selector = spec.get("scopeSelector")
    if selector is None:
        return
    path, seen = "spec.scopeSelector.matchExpressions", set()
    resources = [name for name in sorted(spec.get("hard") or ()) if is_standard_for_quota(name)]
    for requirement in selector.get("matchExpressions") or ():
        scope, operator = requirement.get("scopeName") or "", requirement.get("operator") or ""
        values = requirement.get("values") or []
        seen.add(scope)
        if scope not in SCOPES:
            found.invalid(f"{path}.scopeName", scope, "unsupported scope")
        for resource in resources:
            if not _fits(scope, resource):
                found.invalid(path, _shown(selector), _WRONG_SCOPE)
        if scope in _PLAIN_SCOPES and operator != "Exists":
            found.invalid(f"{path}.operator", operator, _ONLY_EXISTS)
        if operator in ("In", "NotIn"):
            detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            found.present(f"{path}.values", values, detail)
        elif operator in ("Exists", "DoesNotExist"):
            if values:
                detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
                found.invalid(f"{path}.values", values, detail)
        else:
            found.invalid(f"{path}.operator", operator, "not a valid selector operator")
    for pair in _CONFLICTS:
        if set(pair) <= seen:
            found.invalid("spec.scopeSelector.matchExpressions", spec.get("scopes") or [], _CONFLICTING)


def _shown(selector: Object) -> Object:
    requirements = selector.get("matchExpressions") or ()
    return {"MatchExpressions": [go_struct(each, ScopeName="", Operator="", Values=None) for each in requirements]}
