"""PersistentVolume."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.times import format_time
from pynetes.apis.core import volume_defaults
from pynetes.apis.core.container_defaults import default_resource_list
from pynetes.apis.core.persistent_volume_validation import VOLUME_SOURCES, validate_volume_spec
from pynetes.apis.core.spec_difference import difference
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy
from pynetes.component import clock

_SOURCE_DEFAULTS = {
    "hostPath": lambda source: source.setdefault("type", ""),
    "iscsi": volume_defaults.iscsi,
    "rbd": volume_defaults.rbd,
    "scaleIO": volume_defaults.scale_io,
    "azureDisk": volume_defaults.azure_disk,
}


class PersistentVolumeStrategy(Strategy):
    has_status = True

    def default(self, obj: Object) -> None:
        default_volume_spec(obj.setdefault("spec", {}))
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Pending"

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": format_time(clock.now())}

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_status_update(obj, old)
        status, before = obj.setdefault("status", {}), old.get("status") or {}
        if status.get("phase") == before.get("phase") and before.get("lastPhaseTransitionTime"):
            status.setdefault("lastPhaseTransitionTime", before["lastPhaseTransitionTime"])
        stamped = status.get("lastPhaseTransitionTime") not in (None, before.get("lastPhaseTransitionTime"))
        if status.get("phase") != before.get("phase") and not stamped:
            status["lastPhaseTransitionTime"] = format_time(clock.now())

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_volume_spec(found, obj["spec"], "spec", name=obj["metadata"].get("name") or "")
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        new = {kind: copy(obj["spec"].get(kind)) for kind in VOLUME_SOURCES}
        before = {kind: old["spec"].get(kind) for kind in VOLUME_SOURCES}
        if new["csi"] and before["csi"] and not before["csi"].get("controllerExpandSecretRef"):
            new["csi"].pop("controllerExpandSecretRef", None)
        if not semantic_equal(new, before):
            changes = difference(before, new)
            detail = f"spec.persistentvolumesource is immutable after creation\n{changes}"
            found.forbidden("spec.persistentvolumesource", detail)
        found.immutable("volumeMode", obj["spec"].get("volumeMode"), old["spec"].get("volumeMode"))
        if old["spec"].get("volumeAttributesClassName") and obj["spec"].get("volumeAttributesClassName") is None:
            found.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")
        return found


def default_volume_spec(spec: Object) -> None:
    if not spec.get("persistentVolumeReclaimPolicy"):
        spec["persistentVolumeReclaimPolicy"] = "Retain"
    if spec.get("volumeMode") is None:
        spec["volumeMode"] = "Filesystem"
    for kind, default in _SOURCE_DEFAULTS.items():
        if spec.get(kind) is not None:
            default(spec[kind])
    default_resource_list(spec.get("capacity"))
