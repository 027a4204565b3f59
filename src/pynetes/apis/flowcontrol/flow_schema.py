"""FlowSchema: which requests share a priority level."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import RESET_METADATA, Object, Strategy

_PRECEDENCE = 1000
_MAX_PRECEDENCE = 10000
_EXEMPT = "exempt"
_METHODS = ("ByNamespace", "ByUser")
_SUBJECTS = {"ServiceAccount": "serviceAccount", "User": "user", "Group": "group"}


class FlowSchemaStrategy(Strategy):
    has_status = True
    maintains_generation = True
    status_keeps_metadata = RESET_METADATA

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec["matchingPrecedence"] = spec.get("matchingPrecedence") or _PRECEDENCE

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj["spec"]
        _precedence(found, spec["matchingPrecedence"], obj["metadata"].get("name") or "")
        method = spec.get("distinguisherMethod")
        if method is not None and method.get("type") not in _METHODS:
            found.not_supported("spec.distinguisherMethod.type", method, _METHODS)
        path = "spec.priorityLevelConfiguration.name"
        level = (spec.get("priorityLevelConfiguration") or {}).get("name")
        if found.present(path, level, "must reference a priority level"):
            found.rule(path, level, names.dns1123_subdomain)
        for i, rule in enumerate(spec.get("rules") or ()):
            _rule(found, rule, f"spec.rules[{i}]")
        return found


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


def _subject(found: FieldErrors, subject: Object, path: str) -> None:
    kind = subject.get("kind") or ""
    if kind not in _SUBJECTS:
        found.not_supported(f"{path}.kind", kind, sorted(_SUBJECTS))
        return
    for other, key in _SUBJECTS.items():
        if other == kind and subject.get(key) is None:
            found.required(f"{path}.{key}", f"{key} is required when subject kind is '{kind}'")
        elif other != kind and subject.get(key) is not None:
            found.forbidden(f"{path}.{key}", f"{key} is forbidden when subject kind is not '{other}'")
