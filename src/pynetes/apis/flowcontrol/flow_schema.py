"""FlowSchema: which requests share a priority level."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.flowcontrol.conditions import validate_conditions
from pynetes.apis.flowcontrol.mandatory import MANDATORY_SCHEMAS
from pynetes.apis.strategy import RESET_METADATA, WHOLE, Object, Strategy

_PRECEDENCE = 1000
_MAX_PRECEDENCE = 10000
_EXEMPT = "exempt"
_METHODS = ("ByNamespace", "ByUser")
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
_SUBJECTS = {"ServiceAccount": "serviceAccount", "User": "user", "Group": "group"}


class FlowSchemaStrategy(Strategy):
    update_metadata = WHOLE
    has_status = True
    maintains_generation = True
    status_keeps_metadata = RESET_METADATA

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec["matchingPrecedence"] = spec.get("matchingPrecedence") or _PRECEDENCE

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_conditions(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj["spec"]
        _precedence(found, spec["matchingPrecedence"], obj["metadata"].get("name") or "")
        method = spec.get("distinguisherMethod")
        if method is not None and method.get("type") not in _METHODS:
            found.not_supported("spec.distinguisherMethod.type", go_struct(method, Type=""), _METHODS)
        path = "spec.priorityLevelConfiguration.name"
        level = (spec.get("priorityLevelConfiguration") or {}).get("name")
        if found.present(path, level, "must reference a priority level"):
            found.rule(path, level, names.dns1123_subdomain)
        for i, rule in enumerate(spec.get("rules") or ()):
            _rule(found, rule, f"spec.rules[{i}]")
        name = obj["metadata"].get("name") or ""
        if any(spec != fixed["spec"] for fixed in MANDATORY_SCHEMAS if fixed["metadata"]["name"] == name):
            found.invalid("spec", _shown(spec), f"spec of '{name}' must equal the fixed value")
        return found


def _shown(spec: Object) -> Object:
    """As messages show it."""
    return {
        "PriorityLevelConfiguration": go_struct(spec.get("priorityLevelConfiguration") or {}, Name=""),
        "MatchingPrecedence": spec["matchingPrecedence"],
        "DistinguisherMethod": go_struct(spec.get("distinguisherMethod"), Type=""),
        "Rules": [
            {
                "Subjects": [_shown_subject(each) for each in rule.get("subjects") or ()] or None,
                "ResourceRules": [_shown_rule(each) for each in rule.get("resourceRules") or ()] or None,
                "NonResourceRules": [
                    go_struct(each, Verbs=None, NonResourceURLs=None) for each in rule.get("nonResourceRules") or ()
                ]
                or None,
            }
            for rule in spec.get("rules") or ()
        ]
        or None,
    }


def _shown_subject(subject: Object) -> Object:
    return {
        "Kind": subject.get("kind") or "",
        "User": go_struct(subject.get("user"), Name=""),
        "Group": go_struct(subject.get("group"), Name=""),
        "ServiceAccount": go_struct(subject.get("serviceAccount"), Namespace="", Name=""),
    }


def _shown_rule(rule: Object) -> Object:
    return {
        "Verbs": rule.get("verbs"),
        "APIGroups": rule.get("apiGroups"),
        "Resources": rule.get("resources"),
        "ClusterScope": bool(rule.get("clusterScope")),
        "Namespaces": rule.get("namespaces"),
    }


def _precedence(found: FieldErrors, precedence: int, name: str) -> None:
    path = "spec.matchingPrecedence"
    if precedence <= 0:
        found.invalid(path, precedence, "must be a positive value")
    if precedence > _MAX_PRECEDENCE:
        found.invalid(path, precedence, f"must not be greater than {_MAX_PRECEDENCE}")
    if precedence == 1 and name != _EXEMPT:
        found.invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")


def _rule(found: FieldErrors, rule: Object, path: str) -> None:
    if not rule.get("subjects"):
        found.required(f"{path}.subjects", "subjects must contain at least one value")
    for i, subject in enumerate(rule.get("subjects") or ()):
        _subject(found, subject, f"{path}.subjects[{i}]")
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        found.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
    for i, each in enumerate(rule.get("resourceRules") or ()):
        _resource_rule(found, each, f"{path}.resourceRules[{i}]")
    for i, each in enumerate(rule.get("nonResourceRules") or ()):
        _non_resource_rule(found, each, f"{path}.nonResourceRules[{i}]")


def _subject(found: FieldErrors, subject: Object, path: str) -> None:
    kind = subject.get("kind") or ""
    if kind not in _SUBJECTS:
        found.not_supported(f"{path}.kind", kind, sorted(_SUBJECTS))
        return
    for other, key in _SUBJECTS.items():
        if other == kind and subject.get(key) is None:
            found.required(f"{path}.{key}", f"{key} is required when subject kind is '{kind}'")
        elif other == kind:
            _named_subject(found, subject[key], kind, f"{path}.{key}")
        elif other != kind and subject.get(key) is not None:
            found.forbidden(f"{path}.{key}", f"{key} is forbidden when subject kind is not '{other}'")


def _named_subject(found: FieldErrors, subject: Object, kind: str, path: str) -> None:
    name = subject.get("name") or ""
    found.present(f"{path}.name", name)
    if kind != "ServiceAccount":
        return
    if name and name != "*":
        found.rule(f"{path}.name", name, names.dns1123_subdomain)
    namespace = subject.get("namespace") or ""
    if found.present(f"{path}.namespace", namespace, "must specify namespace for service account"):
        found.rule(f"{path}.namespace", namespace, names.dns1123_label)


def _verbs(found: FieldErrors, verbs: list[str], path: str) -> None:
    if not _alone(found, verbs, f"{path}.verbs", "verbs must contain at least one value", "verbs"):
        return
    if "*" not in verbs and not set(verbs) <= set(_VERBS):
        found.not_supported(f"{path}.verbs", verbs, _VERBS)


def _alone(found: FieldErrors, values: list[str], path: str, missing: str, what: str) -> bool:
    """Whether there are values; the wildcard must be the only one."""
    if "*" in values and len(values) > 1:
        found.invalid(path, values, f"if '*' is present, must not specify other {what}")
    return found.present(path, values, missing)


def _resource_rule(found: FieldErrors, rule: Object, path: str) -> None:
    _verbs(found, rule.get("verbs") or [], path)
    for field, one, many in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        missing = f"resource rules must supply at least one {one}"
        _alone(found, rule.get(field) or [], f"{path}.{field}", missing, many)
    namespaces, own = rule.get("namespaces") or [], f"{path}.namespaces"
    if namespaces or not rule.get("clusterScope"):
        missing = "resource rules that are not cluster scoped must supply at least one namespace"
        _alone(found, namespaces, own, missing, "namespaces")
    for i, namespace in enumerate(namespaces if "*" not in namespaces else ()):
        for message in names.dns1123_label(namespace):
            detail = f"each member of this list must be '*' or a DNS-1123 label; {message}"
            found.invalid(f"{own}[{i}]", namespace, detail)


def _non_resource_rule(found: FieldErrors, rule: Object, path: str) -> None:
    _verbs(found, rule.get("verbs") or [], path)
    urls, own = rule.get("nonResourceURLs") or [], f"{path}.nonResourceURLs"
    _alone(found, urls, own, "nonResourceURLs must contain at least one value", "non-resource URLs")
    for i, url in enumerate(urls if "*" not in urls else ()):
        _url_path(found, url, f"{own}[{i}]")


def _url_path(found: FieldErrors, url: str, path: str) -> None:
    if not url:
        found.invalid(path, url, "must not be empty")
    elif url == "/":
        return
    elif not url.startswith("/"):
        found.invalid(path, url, "must start with slash")
    elif " " in url:
        found.invalid(path, url, "must not contain white-space")
    elif "//" in url:
        found.invalid(path, url, "must not contain double slash")
    elif "*" in url.removesuffix("/*"):
        found.invalid(path, url, "wildcard can only do suffix matching")
