"""PersistentVolume."""

import posixpath

from pynetes.apimachinery import names, quantity
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.times import format_time
from pynetes.apis.core import volume_defaults
from pynetes.apis.core.access_modes import validate_access_modes, validate_volume_mode
from pynetes.apis.core.container_defaults import default_resource_list
from pynetes.apis.core.csi_names import validate_csi_driver_name
from pynetes.apis.core.legacy_volume_validation import LEGACY_SOURCES, both, requires, secret_reference
from pynetes.apis.core.path_validation import validate_no_backsteps
from pynetes.apis.core.scheduling_validation import validate_node_selector
from pynetes.apis.core.spec_difference import difference
from pynetes.apis.core.volume_validation import SOURCES, SourceCheck
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy
from pynetes.component import clock

_RECLAIM = ("Delete", "Recycle", "Retain")
_CSI_SECRETS = (
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
    "nodeStageSecretRef",
)


def _csi(found: FieldErrors, source: Object, path: str) -> None:
    validate_csi_driver_name(found, source.get("driver") or "", f"{path}.driver")
    found.present(f"{path}.volumeHandle", source.get("volumeHandle"))
    for field in _CSI_SECRETS:
        reference = source.get(field)
        if reference is not None:
            for key in ("name", "namespace"):
                found.present(f"{path}.{field}.{key}", reference.get(key))


def _local(found: FieldErrors, source: Object, path: str) -> None:
    if found.present(f"{path}.path", source.get("path")):
        validate_no_backsteps(found, source["path"], f"{path}.path")


_SOURCES: dict[str, SourceCheck] = {
    **{kind: SOURCES[kind] for kind in ("hostPath", "nfs")},
    **{kind: check for kind, check in LEGACY_SOURCES.items() if kind != "gitRepo"},
    "cinder": both(requires("volumeID"), secret_reference("name", "namespace")),
    "local": _local,
    "csi": _csi,
}
_SOURCE_DEFAULTS = {
    "hostPath": lambda source: source.setdefault("type", ""),
    "iscsi": volume_defaults.iscsi,
    "rbd": volume_defaults.rbd,
    "scaleIO": volume_defaults.scale_io,
    "azureDisk": volume_defaults.azure_disk,
}


class PersistentVolumeStrategy(Strategy):
    has_status = True
    selectable = frozenset(("metadata.name", "name"))

    def default(self, obj: Object) -> None:
        spec, status = obj.setdefault("spec", {}), obj.setdefault("status", {})
        if not spec.get("persistentVolumeReclaimPolicy"):
            spec["persistentVolumeReclaimPolicy"] = "Retain"
        if spec.get("volumeMode") is None:
            spec["volumeMode"] = "Filesystem"
        if not status.get("phase"):
            status["phase"] = "Pending"
        for kind, default in _SOURCE_DEFAULTS.items():
            if spec.get(kind) is not None:
                default(spec[kind])
        default_resource_list(spec.get("capacity"))

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": format_time(clock.now())}

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_status_update(obj, old)
        status, before = obj.setdefault("status", {}), old.get("status") or {}
        stamped = status.get("lastPhaseTransitionTime") not in (None, before.get("lastPhaseTransitionTime"))
        if status.get("phase") != before.get("phase") and not stamped:
            status["lastPhaseTransitionTime"] = format_time(clock.now())

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj["spec"]
        modes = spec.get("accessModes") or []
        found.present("spec.accessModes", modes)
        validate_access_modes(found, modes, "spec.accessModes")
        _capacity(found, spec.get("capacity") or {})
        policy = spec.get("persistentVolumeReclaimPolicy")
        if policy and policy not in _RECLAIM:
            found.not_supported("spec.persistentVolumeReclaimPolicy", policy, _RECLAIM)
        _node_affinity(found, spec)
        _source(found, spec)
        host_path = (spec.get("hostPath") or {}).get("path") or ""
        if host_path and posixpath.normpath(host_path) == "/" and policy == "Recycle":
            detail = "may not be 'recycle' for a hostPath mount of '/'"
            found.forbidden("spec.persistentVolumeReclaimPolicy", detail)
        if spec.get("storageClassName"):
            found.rule("spec.storageClassName", spec["storageClassName"], names.dns1123_subdomain)
        validate_volume_mode(found, spec.get("volumeMode"), "spec.volumeMode")
        _attributes_class(found, spec)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        new = {kind: copy(obj["spec"].get(kind)) for kind in _SOURCES}
        before = {kind: old["spec"].get(kind) for kind in _SOURCES}
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

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        name = obj["metadata"].get("name") or ""
        return {"metadata.name": name, "name": name}


def _capacity(found: FieldErrors, capacity: Object) -> None:
    found.present("spec.capacity", capacity)
    if set(capacity) != {"storage"}:
        found.not_supported("spec.capacity", capacity, ("storage",))
    for name, value in capacity.items():
        amount = quantity.parse(value)
        if amount.value() < 0:
            found.invalid(f"spec.capacity[{name}]", amount.value(), "must be a valid resource quantity")
        if amount <= quantity.parse("0"):
            found.invalid(f"spec.capacity[{name}]", str(amount), "must be greater than zero")


def _node_affinity(found: FieldErrors, spec: Object) -> None:
    affinity = spec.get("nodeAffinity")
    if affinity is None:
        return
    if affinity.get("required") is None:
        found.required("spec.nodeAffinity.required", "must specify required node constraints")
    else:
        validate_node_selector(found, affinity["required"], "spec.nodeAffinity.required")


def _source(found: FieldErrors, spec: Object) -> None:
    given = [kind for kind in _SOURCES if spec.get(kind) is not None]
    if not given:
        found.required("spec", "must specify a volume type")
        return
    for kind in given[1:]:
        found.forbidden(f"spec.{kind}", "may not specify more than 1 volume type")
    _SOURCES[given[0]](found, spec[given[0]], f"spec.{given[0]}")
    if given[0] == "local" and spec.get("nodeAffinity") is None:
        found.required("spec.nodeAffinity", "Local volume requires node affinity")


def _attributes_class(found: FieldErrors, spec: Object) -> None:
    own, path = spec.get("volumeAttributesClassName"), "spec.volumeAttributesClassName"
    if own is None:
        return
    if found.present(path, own, "an empty string is disallowed"):
        found.rule(path, own, names.dns1123_subdomain)
    if spec.get("csi") is None:
        found.required("spec.csi", "has to be specified when using volumeAttributesClassName")
