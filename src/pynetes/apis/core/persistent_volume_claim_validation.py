"""The spec of a claim, in claims and in templates for them."""

from pynetes.apimachinery import names, quantity
from pynetes.apimachinery.validation import validate_annotations, validate_label_selector, validate_labels
from pynetes.apis.core.access_modes import validate_access_modes, validate_volume_mode
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

# What a template of claims may not say of its claims, in the order in which it is looked at.
_NO_TEMPLATE_METADATA = (
    *("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp"),
    *("deletionTimestamp", "deletionGracePeriodSeconds", "ownerReferences", "finalizers", "managedFields"),
)


def validate_claim_spec(found: FieldErrors, spec: Object, path: str) -> None:
    modes = spec.get("accessModes") or []
    found.present(f"{path}.accessModes", modes, "at least 1 access mode is required")
    found += validate_label_selector(spec.get("selector"), f"{path}.selector")
    validate_access_modes(found, modes, f"{path}.accessModes")
    _size(found, ((spec.get("resources") or {}).get("requests") or {}).get("storage"), f"{path}.resources[storage]")
    for field in ("storageClassName", "volumeAttributesClassName"):
        if spec.get(field):
            found.rule(f"{path}.{field}", spec[field], names.dns1123_subdomain)
    validate_volume_mode(found, spec.get("volumeMode"), f"{path}.volumeMode")
    _data_sources(found, spec, path)


def _size(found: FieldErrors, value: str | int | float | None, path: str) -> None:
    if value is None:
        found.required(path)
    elif (amount := quantity.parse(value)) <= quantity.parse("0"):
        found.invalid(path, str(amount), "must be greater than zero")


def _data_sources(found: FieldErrors, spec: Object, path: str) -> None:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    for field, value in (("dataSource", source), ("dataSourceRef", reference)):
        if value is None:
            continue
        own, group = f"{path}.{field}", value.get("apiGroup") or ""
        found.present(f"{own}.name", value.get("name"))
        found.present(f"{own}.kind", value.get("kind"))
        if group:
            found.rule(f"{own}.apiGroup", group, names.dns1123_subdomain)
        elif value.get("kind") != "PersistentVolumeClaim":
            detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
            found.invalid(own, value.get("kind") or "", detail)
        if value.get("namespace"):
            found.rule(f"{own}.namespace", value["namespace"], names.dns1123_label)
    if source is None or reference is None:
        return
    if reference.get("namespace"):
        found.invalid(path, {}, "may not be specified when dataSourceRef.namespace is specified")
    elif any(source.get(k) != reference.get(k) for k in ("apiGroup", "kind", "name")):
        found.invalid(path, {}, "must match dataSourceRef")


def claim_size_warnings(spec: Object, path: str) -> list[str]:
    found = []
    for kind in ("requests", "limits"):
        value = ((spec.get("resources") or {}).get(kind) or {}).get("storage")
        if value is not None and quantity.parse(value).milli_value() % 1000:
            text = f'fractional byte value "{quantity.parse(value)}" is invalid, must be an integer'
            found.append(f"{path}.resources.{kind}[storage]: {text}")
    return found


def validate_claim_template(found: FieldErrors, template: Object, path: str) -> None:
    validate_template_metadata(found, template.get("metadata") or {}, f"{path}.metadata")
    validate_claim_spec(found, template.get("spec") or {}, f"{path}.spec")


def validate_template_metadata(found: FieldErrors, metadata: Object, path: str) -> None:
    """What claims made of a template get is labels and annotations."""
    found += validate_annotations(metadata.get("annotations") or {}, f"{path}.annotations")
    found += validate_labels(metadata.get("labels") or {}, f"{path}.labels")
    for field in _NO_TEMPLATE_METADATA:
        if metadata.get(field) is not None:
            found.forbidden(f"{path}.{'uID' if field == 'uid' else field}", "cannot be set")
