"""ReplicationController."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apis.core.disabled_pod_fields import disabled_in
from pynetes.apis.core.pod_spec_defaults import default_pod_template
from pynetes.apis.core.pod_template import validate_pod_template
from pynetes.apis.core.pod_warnings import template_warnings
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import CHANGE, METADATA_FIELDS, Object, Strategy


class ReplicationControllerStrategy(Strategy):
    update_metadata = CHANGE
    checks_generate_name = False
    name_rule = staticmethod(names.long_name)
    has_status = True
    maintains_generation = True
    default_deletion_propagation = "Orphan"
    selectable = METADATA_FIELDS | {"status.replicas"}

    drop_disabled_fields = staticmethod(disabled_in("spec", "template"))

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        template = spec.get("template")
        labels = ((template or {}).get("metadata") or {}).get("labels")
        if labels:
            if not spec.get("selector"):
                spec["selector"] = copy(labels)
            if not obj["metadata"].get("labels"):
                obj["metadata"]["labels"] = copy(labels)
        if spec.get("replicas") is None:
            spec["replicas"] = 1
        default_pod_template(template)

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"replicas": 0}

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj["spec"]
        found.non_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
        selector = spec.get("selector") or {}
        found.present("spec.selector", selector)
        if spec.get("replicas") is None:
            found.required("spec.replicas")
        found.non_negative("spec.replicas", spec.get("replicas"))
        _template(found, spec.get("template"), selector)
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_replica_counts(obj.get("status") or {})

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        if old is not None and old["metadata"].get("generation") == obj["metadata"].get("generation"):
            return []
        if old is not None:  # as the original: what is replaced is warned of
            return template_warnings(old["spec"].get("template"), "spec.template")
        return name_warnings(obj) + template_warnings(obj["spec"].get("template"), "spec.template")

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        replicas = (obj.get("status") or {}).get("replicas") or 0
        return super().selectable_fields(obj) | {"status.replicas": str(replicas)}


def name_warnings(obj: Object) -> list[str]:
    """For kinds whose name becomes part of pod names."""
    name = obj["metadata"].get("name") or ""
    messages = names.dns1123_label(name) if name else []
    if not messages:
        return []
    return [
        "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label "
        f"is recommended: [{' '.join(messages)}]"
    ]


def _template(found: FieldErrors, template: Object | None, selector: dict[str, str]) -> None:
    path = "spec.template"
    if template is None:
        found.required(path)
        return
    labels = (template.get("metadata") or {}).get("labels")
    if any((labels or {}).get(k) != v for k, v in selector.items()):
        found.invalid(f"{path}.metadata.labels", labels, "`selector` does not match template `labels`")
    found += validate_pod_template(template, path)
    spec = template.get("spec") or {}
    if spec.get("restartPolicy") != "Always":
        found.not_supported(f"{path}.spec.restartPolicy", spec.get("restartPolicy") or "", ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        detail = "activeDeadlineSeconds in ReplicationController is not Supported"
        found.forbidden(f"{path}.spec.activeDeadlineSeconds", detail)


def validate_replica_counts(status: Object, *extra: str) -> FieldErrors:
    """The status of replica sets and controllers: no count above the total."""
    found = FieldErrors()
    counted = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    for field in ("replicas", *counted, *extra, "observedGeneration"):
        found.non_negative(f"status.{field}", status.get(field))
    total = status.get("replicas") or 0
    for field in counted:
        if (status.get(field) or 0) > total:
            found.invalid(f"status.{field}", status.get(field) or 0, "cannot be greater than status.replicas")
    ready, available = status.get("readyReplicas") or 0, status.get("availableReplicas") or 0
    if available > ready:
        found.invalid("status.availableReplicas", available, "cannot be greater than readyReplicas")
    return found
