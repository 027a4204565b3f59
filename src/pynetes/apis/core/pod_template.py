"""Pod templates, as Deployments and the like carry them."""

from pynetes.apimachinery.validation import validate_annotations, validate_labels
from pynetes.apis.core.pod_spec_validation import validate_pod_spec
from pynetes.apis.core.pod_validation import validate_pod_annotations
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object


def validate_pod_template(template: Object | None, path: str) -> FieldErrors:
    template = template or {}
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    found = FieldErrors()
    found += validate_labels(metadata.get("labels") or {}, f"{path}.labels")
    found += validate_annotations(metadata.get("annotations") or {}, f"{path}.annotations")
    validate_pod_annotations(found, metadata.get("annotations") or {}, spec, f"{path}.annotations")
    found += validate_pod_spec(spec, f"{path}.spec")
    if spec.get("ephemeralContainers"):
        found.forbidden(f"{path}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")
    return found
