"""PersistentVolumeClaim."""

from pynetes.apimachinery import names, quantity
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apis.core.container_defaults import default_resource_list
from pynetes.apis.core.persistent_volume_claim_validation import claim_size_warnings, validate_claim_spec
from pynetes.apis.core.spec_difference import difference
from pynetes.apis.core.volume_defaults import default_claim_spec
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import IMMUTABLE, FieldErrors
from pynetes.apis.strategy import Object, Strategy

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
_RESIZE_STATES = (
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
)
_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))
_SOURCE_FIELDS = ("apiGroup", "kind", "name")


class PersistentVolumeClaimStrategy(Strategy):
    has_status = True

    def default(self, obj: Object) -> None:
        default_claim_spec(obj.setdefault("spec", {}))
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Pending"
        for field in ("capacity", "allocatedResources"):
            default_resource_list(status.get(field))

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"phase": "Pending"}
        _drop_unknown_sources(obj["spec"], {})
        _normalize_data_sources(obj["spec"])

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_update(obj, old)
        _drop_unknown_sources(obj["spec"], old["spec"])
        _normalize_data_sources(obj["spec"])

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_claim_spec(found, obj["spec"], "spec")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        new_spec, old_spec = copy(obj["spec"]), copy(old["spec"])
        _normalize_data_sources(old_spec)
        status = obj.get("status") or {}
        if not old_spec.get("volumeName"):
            old_spec["volumeName"] = new_spec.get("volumeName")
        _storage_class(found, obj, old, new_spec)
        if status.get("phase") == "Bound":
            requests = (new_spec.get("resources") or {}).get("requests")
            if requests is not None:
                requests["storage"] = _requested(old_spec)
            new_spec["volumeAttributesClassName"] = old_spec.get("volumeAttributesClassName")
        if not semantic_equal(new_spec, old_spec):
            changes = difference(old_spec, new_spec)
            detail = "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
            found.forbidden("spec", f"{detail}bound claims\n{changes}")
        _size(found, obj, old)
        found.immutable("volumeMode", obj["spec"].get("volumeMode"), old["spec"].get("volumeMode"))
        _attributes_class(found, obj["spec"], old)
        return found

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        found, status = FieldErrors(), obj.get("status") or {}
        for name, value in (status.get("capacity") or {}).items():
            amount = quantity.parse(value).value()
            if amount < 0:
                found.invalid(f"status.capacity[{name}]", amount, "must be a valid resource quantity")
        path = "status.allocatedResourceStatuses"
        for name, state in (status.get("allocatedResourceStatuses") or {}).items():
            _resource(found, name, path)
            if state not in _RESIZE_STATES:
                found.not_supported(path, name, _RESIZE_STATES)
        for name in status.get("allocatedResources") or ():
            _resource(found, name, "status.allocatedResources")
        return found

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        found = []
        if CLASS_ANNOTATION in (obj["metadata"].get("annotations") or {}):
            found.append(
                f'metadata.annotations[{CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute '
                "instead"
            )
        return found + claim_size_warnings(obj["spec"], "spec")


def _resource(found: FieldErrors, name: str, path: str) -> None:
    if found.rule(path, name, names.qualified_name) and "/" not in name and name != "storage":
        found.not_supported(path, name, ("storage",))


def _drop_unknown_sources(spec: Object, old: Object) -> None:
    """References into other namespaces are no feature of this version; a dataSource alone is a claim or a snapshot."""
    reference = spec.get("dataSourceRef")
    if reference is not None and reference.get("namespace") and old.get("dataSourceRef") is None:
        del spec["dataSourceRef"]
    used = any(
        each is not None for each in (old.get("dataSource"), old.get("dataSourceRef"), spec.get("dataSourceRef"))
    )
    source = spec.get("dataSource")
    if source is not None and not used and (source.get("apiGroup") or "", source.get("kind")) not in _SOURCES:
        del spec["dataSource"]


def _normalize_data_sources(spec: Object) -> None:
    """dataSource and dataSourceRef say the same, unless the reference leads into another namespace."""
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        spec["dataSourceRef"] = {k: source.get(k) for k in _SOURCE_FIELDS}
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = {k: reference.get(k) for k in _SOURCE_FIELDS}


def _requested(spec: Object) -> str:
    return str(((spec.get("resources") or {}).get("requests") or {}).get("storage") or "0")


def _storage_class(found: FieldErrors, claim: Object, old: Object, new_spec: Object) -> None:
    """The class may be set once: from the old annotation, or where there was none (a default appeared later)."""
    new_class, old_class = new_spec.get("storageClassName"), old["spec"].get("storageClassName")
    noted = (old["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION)
    now = (claim["metadata"].get("annotations") or {}).get(CLASS_ANNOTATION)
    if old_class is None and noted is not None and new_class == noted and now in (None, noted):
        new_spec["storageClassName"] = None
        return
    if now != noted:
        found.invalid("metadata.annotations[" + CLASS_ANNOTATION + "]", now or "", IMMUTABLE)
    if old_class is None and new_class is not None and noted in (None, new_class):
        new_spec["storageClassName"] = old_class


def _size(found: FieldErrors, claim: Object, old: Object) -> None:
    new, before = quantity.parse(_requested(claim["spec"])), quantity.parse(_requested(old["spec"]))
    capacity = ((old.get("status") or {}).get("capacity") or {}).get("storage") or "0"
    if new < before and new <= quantity.parse(capacity):
        found.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")


def _attributes_class(found: FieldErrors, spec: Object, old: Object) -> None:
    path, new = "spec.volumeAttributesClassName", spec.get("volumeAttributesClassName")
    current = (old.get("status") or {}).get("currentVolumeAttributesClassName")
    if new == old["spec"].get("volumeAttributesClassName") or current is None or new:
        return
    target = "nil" if new is None else "empty string"
    detail = f"update to {target} is forbidden when status.currentVolumeAttributesClassName is not nil"
    found.forbidden(path, detail)
