"""What Deployments, ReplicaSets, StatefulSets and DaemonSets share: selector, template, counts."""

from collections.abc import Iterable

from pynetes.apimachinery import selectors
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.validation import validate_label_selector
from pynetes.apis.core.pod_template import validate_pod_template
from pynetes.apis.core.pod_warnings import template_warnings
from pynetes.apis.core.replication_controller import name_warnings
from pynetes.apis.field_errors import FieldErrors, shown_selector
from pynetes.apis.strategy import Object

_GREATER_THAN_TOTAL = "cannot be greater than status.replicas"


def is_empty_selector(selector: Object) -> bool:
    return not selector.get("matchLabels") and not selector.get("matchExpressions")


def validate_selector(found: FieldErrors, selector: Object | None, kind: str) -> bool:
    """`kind` is how the message names the owner; whether the selector can be used."""
    if selector is None:
        found.required("spec.selector")
        return False
    found += validate_label_selector(selector, "spec.selector")
    if is_empty_selector(selector):
        found.invalid("spec.selector", selector, f"empty selector is invalid for {kind}")
    return True


def validate_template(
    found: FieldErrors,
    template: Object,
    selector: Object | None,
    kind: str,
    path: str = "spec.template",
    invalid_selector_detail: str | None = "invalid label selector",
) -> None:
    """`kind` is how the message about the deadline names the owner. Pods of these kinds always restart."""
    labels = (template.get("metadata") or {}).get("labels")
    try:
        matches = selectors.from_label_selector(selector).matches(labels or {})
    except ValueError:
        if invalid_selector_detail is None:
            found.append(FieldError("FieldValueInvalid", "spec.selector", shown_selector(selector)))
        else:
            found.invalid("spec.selector", shown_selector(selector), invalid_selector_detail)
        return
    if not matches:
        found.invalid(f"{path}.metadata.labels", labels, "`selector` does not match template `labels`")
    found += validate_pod_template(template, path)
    spec = template.get("spec") or {}
    if spec.get("restartPolicy") != "Always":
        found.not_supported(f"{path}.spec.restartPolicy", spec.get("restartPolicy") or "", ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        detail = f"activeDeadlineSeconds in {kind} is not Supported"
        found.forbidden(f"{path}.spec.activeDeadlineSeconds", detail)


def validate_counts(
    found: FieldErrors, status: Object, fields: Iterable[str], within_total: Iterable[str] = (), ready: str = ""
) -> None:
    """No count is negative, those `within_total` do not exceed the replicas; `ready` names the bound of availability
    in the message."""
    for field in fields:
        found.non_negative(f"status.{field}", status.get(field))
    total = status.get("replicas") or 0
    for field in within_total:
        if (status.get(field) or 0) > total:
            found.invalid(f"status.{field}", status.get(field) or 0, _GREATER_THAN_TOTAL)
    available = status.get("availableReplicas") or 0
    if ready and available > (status.get("readyReplicas") or 0):
        found.invalid("status.availableReplicas", available, f"cannot be greater than {ready}")


def validate_collisions(found: FieldErrors, status: Object, old: Object) -> None:
    now, before = status.get("collisionCount"), (old.get("status") or {}).get("collisionCount")
    if before is not None and (now is None or now < before):
        found.invalid("status.collisionCount", now or 0, "cannot be decremented")


def workload_warnings(obj: Object, old: Object | None, *, warn_of_name: bool = True) -> list[str]:
    template = obj["spec"].get("template")
    if old is None:
        return (name_warnings(obj) if warn_of_name else []) + template_warnings(template, "spec.template")
    if obj["metadata"].get("generation") == old["metadata"].get("generation"):
        return []
    return template_warnings(template, "spec.template")
