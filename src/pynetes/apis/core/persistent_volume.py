"""PersistentVolume."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.times import format_time
from pynetes.apis.core import volume_defaults
from pynetes.apis.core.container_defaults import default_resource_list
from pynetes.apis.core.persistent_volume_validation import VOLUME_SOURCES, validate_volume_spec
from pynetes.apis.core.spec_difference import difference
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import IMMUTABLE, FieldErrors
from pynetes.apis.strategy import TWICE, Object, Strategy
from pynetes.component import clock

_SOURCE_DEFAULTS = {
    "hostPath": lambda source: source.setdefault("type", ""),
    "iscsi": volume_defaults.iscsi,
    "rbd": volume_defaults.rbd,
    "scaleIO": volume_defaults.scale_io,
    "azureDisk": volume_defaults.azure_disk,
}


_GA_LABELS = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
}


class PersistentVolumeStrategy(Strategy):
    has_status = True
    update_metadata = TWICE

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
        found = FieldErrors(self.validate(obj) * 2)  # clients see each error twice
        new = {kind: copy(obj["spec"].get(kind)) for kind in VOLUME_SOURCES}
        before = {kind: old["spec"].get(kind) for kind in VOLUME_SOURCES}
        if new["csi"] and before["csi"] and not before["csi"].get("controllerExpandSecretRef"):
            new["csi"].pop("controllerExpandSecretRef", None)
        if not semantic_equal(new, before):
            changes = difference(before, new)
            detail = f"spec.persistentvolumesource is immutable after creation\n{changes}"
            found.forbidden("spec.persistentvolumesource", detail)
        found.immutable("volumeMode", obj["spec"].get("volumeMode"), old["spec"].get("volumeMode"))
        _node_affinity(found, obj["spec"].get("nodeAffinity"), old["spec"].get("nodeAffinity"))
        if old["spec"].get("volumeAttributesClassName") and obj["spec"].get("volumeAttributesClassName") is None:
            found.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")
        return found


def _node_affinity(found: FieldErrors, new: Object | None, old: Object | None) -> None:
    """It can be set once; only labels of nodes that have got other names may be named anew."""
    if old is not None and not semantic_equal(_renamed(old, new or {}), new):
        found.invalid("nodeAffinity", new, f"{IMMUTABLE}, except for updating from beta label to GA")


def _renamed(old: Object, new: Object) -> Object:
    """The old affinity with the names of labels of the new one, where these are what the old ones are called now."""
    out: Object = copy(old)
    for mine, theirs in zip(_requirements(out), _requirements(new), strict=False):
        if _GA_LABELS.get(mine.get("key") or "", "") == theirs.get("key"):
            mine["key"] = theirs["key"]
    return out


def _requirements(affinity: Object) -> list[Object]:
    terms = (affinity.get("required") or {}).get("nodeSelectorTerms") or ()
    return [own for term in terms for field in ("matchExpressions", "matchFields") for own in term.get(field) or ()]


def default_volume_spec(spec: Object) -> None:
    if not spec.get("persistentVolumeReclaimPolicy"):
        spec["persistentVolumeReclaimPolicy"] = "Retain"
    if spec.get("volumeMode") is None:
        spec["volumeMode"] = "Filesystem"
    default_volume_source(spec)


def default_volume_source(spec: Object) -> None:
    """What holds inside a VolumeAttachment, too."""
    for kind, default in _SOURCE_DEFAULTS.items():
        if spec.get(kind) is not None:
            default(spec[kind])
    default_resource_list(spec.get("capacity"))
