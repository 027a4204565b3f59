"""The specification of a PersistentVolume, which a VolumeAttachment can hold as well (`inline`)."""

import posixpath

from pynetes.apimachinery import names, quantity
from pynetes.apis.core.access_modes import validate_access_modes, validate_volume_mode
from pynetes.apis.core.csi_names import validate_csi_driver_name
from pynetes.apis.core.legacy_volume_validation import (
    LEGACY_SOURCES,
    both,
    initiator,
    iscsi,
    requires,
    secret_reference,
)
from pynetes.apis.core.path_validation import validate_no_backsteps
from pynetes.apis.core.scheduling_validation import validate_node_selector
from pynetes.apis.core.volume_validation import CHECKED_AS, REPORTED_AS, SOURCES, SourceCheck
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_RECLAIM = ("Delete", "Recycle", "Retain")
_CSI_SECRETS = (
    "controllerPublishSecretRef",
    "controllerExpandSecretRef",
    "nodePublishSecretRef",
    "nodeExpandSecretRef",
)
_INLINE = "in the context of inline volumes"
_NOT_INLINE = f"may not be specified {_INLINE}"
_MAX_PORTAL_NAME = 64


def _csi(found: FieldErrors, source: Object, path: str) -> None:
    validate_csi_driver_name(found, source.get("driver") or "", f"{path}.driver")
    found.present(f"{path}.volumeHandle", source.get("volumeHandle"))
    for field in _CSI_SECRETS:
        if source.get(field) is not None:
            name, namespace = source[field].get("name"), source[field].get("namespace")
            found.required_rule(f"{path}.{field}.name", name, names.dns1123_subdomain)
            found.required_rule(f"{path}.{field}.namespace", namespace, names.dns1123_label)


def _local(found: FieldErrors, source: Object, path: str) -> None:
    if found.present(f"{path}.path", source.get("path")):
        validate_no_backsteps(found, source["path"], f"{path}.path")


def _glusterfs(found: FieldErrors, source: Object, path: str) -> None:
    requires("endpoints", "path")(found, source, path)
    namespace = source.get("endpointsNamespace")
    if namespace == "":
        detail = "if the endpointnamespace is set, it must be a valid namespace name"
        found.invalid(f"{path}.endpointsNamespace", namespace, detail)
    elif namespace is not None:
        found.rule(f"{path}.endpointsNamespace", namespace, names.dns1123_label)


def _azure_file(found: FieldErrors, source: Object, path: str) -> None:
    requires("secretName", "shareName")(found, source, path)
    if source.get("secretNamespace") == "":
        found.required(f"{path}.secretNamespace")


def _iscsi(found: FieldErrors, source: Object, path: str) -> None:
    iscsi(found, source, path, stored=True)


_CHECKS: dict[str, SourceCheck] = {
    **{kind: SOURCES[kind] for kind in ("hostPath", "nfs")},
    **LEGACY_SOURCES,
    "azureFile": _azure_file,
    "cinder": both(requires("volumeID"), secret_reference("name", "namespace")),
    "csi": _csi,
    "glusterfs": _glusterfs,
    "iscsi": _iscsi,
    "local": _local,
    "storageos": both(LEGACY_SOURCES["storageos"], secret_reference("name", "namespace")),
}
_ORDER = (
    *("hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte"),
    *("cephfs", "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk"),
    *("portworxVolume", "azureDisk", "scaleIO", "local", "storageos", "csi"),
)
#: By kind, in the order in which they are looked at: the first one given counts.
VOLUME_SOURCES: dict[str, SourceCheck] = {kind: _CHECKS[kind] for kind in _ORDER}
#: This one is no second source, whatever comes before it: upstream's slip.
_NEVER_TOO_MANY = "flexVolume"


def validate_volume_spec(found: FieldErrors, spec: Object, path: str, *, name: str = "", inline: bool = False) -> None:
    if inline:
        for field in ("claimRef", "capacity"):
            if spec.get(field) if field == "capacity" else spec.get(field) is not None:
                found.forbidden(f"{path}.{field}", _NOT_INLINE)
        if spec.get("csi") is None:
            found.required(f"{path}.csi", f"has to be specified {_INLINE}")
    modes = spec.get("accessModes") or []
    found.present(f"{path}.accessModes", modes)
    validate_access_modes(found, modes, f"{path}.accessModes")
    if not inline:
        _capacity(found, spec.get("capacity"), f"{path}.capacity")
    _reclaim_policy(found, spec, path, inline)
    placed = _node_affinity(found, spec, f"{path}.nodeAffinity", inline)
    _source(found, spec, name, placed, path)
    host_path = (spec.get("hostPath") or {}).get("path") or ""
    recycled = spec.get("persistentVolumeReclaimPolicy") == "Recycle"
    if host_path and posixpath.normpath(host_path) == "/" and recycled:
        detail = "may not be 'recycle' for a hostPath mount of '/'"
        found.forbidden(f"{path}.persistentVolumeReclaimPolicy", detail)
    if spec.get("storageClassName"):
        if inline:
            found.forbidden(f"{path}.storageClassName", _NOT_INLINE)
        else:
            found.rule(f"{path}.storageClassName", spec["storageClassName"], names.dns1123_subdomain)
    if not inline:
        validate_volume_mode(found, spec.get("volumeMode"), f"{path}.volumeMode")
    elif spec.get("volumeMode") not in (None, "Filesystem"):
        found.forbidden(f"{path}.volumeMode", f"may not specify volumeMode other than Filesystem {_INLINE}")
    if not inline:
        _attributes_class(found, spec, path)


def _capacity(found: FieldErrors, capacity: Object | None, path: str) -> None:
    found.present(path, capacity)
    if set(capacity or ()) != {"storage"}:
        found.not_supported(path, None if capacity is None else dict(sorted(capacity.items())), ("storage",))
    for name, value in (capacity or {}).items():
        amount = quantity.parse(value)
        if amount.value() < 0:
            found.invalid(f"{path}[{name}]", amount.value(), "must be a valid resource quantity")
        if amount <= quantity.parse("0"):
            found.invalid(f"{path}[{name}]", str(amount), "must be greater than zero")


def _reclaim_policy(found: FieldErrors, spec: Object, path: str, inline: bool) -> None:
    policy, own = spec.get("persistentVolumeReclaimPolicy"), f"{path}.persistentVolumeReclaimPolicy"
    if policy and inline and policy != "Retain":
        found.forbidden(own, f"may only be Retain {_INLINE}")
    elif policy and not inline and policy not in _RECLAIM:
        found.not_supported(own, policy, _RECLAIM)


def _node_affinity(found: FieldErrors, spec: Object, path: str, inline: bool) -> bool:
    """Whether there is one."""
    affinity = spec.get("nodeAffinity")
    if affinity is None:
        return False
    if inline:
        found.forbidden(path, _NOT_INLINE)
        return False
    if affinity.get("required") is None:
        found.required(f"{path}.required", "must specify required node constraints")
    else:
        validate_node_selector(found, affinity["required"], f"{path}.required")
    return True


def _source(found: FieldErrors, spec: Object, name: str, placed: bool, path: str) -> None:
    given = [kind for kind in VOLUME_SOURCES if spec.get(kind) is not None]
    if not given:
        found.required(path, "must specify a volume type")
        return
    for kind in given:
        if kind != given[0] and kind != _NEVER_TOO_MANY:
            own = f"{path}.{REPORTED_AS.get(kind, kind)}"
            found.forbidden(own, "may not specify more than 1 volume type")
            continue
        own = f"{path}.{CHECKED_AS.get(kind, kind)}"
        if kind == "iscsi":
            initiator(found, spec[kind], name, _MAX_PORTAL_NAME, f"{own}.targetportal")
        VOLUME_SOURCES[kind](found, spec[kind], own)
        if kind == "local" and not placed:
            found.required(f"{path}.nodeAffinity", "Local volume requires node affinity")


def _attributes_class(found: FieldErrors, spec: Object, path: str) -> None:
    own, where = spec.get("volumeAttributesClassName"), f"{path}.volumeAttributesClassName"
    if own is None:
        return
    if found.present(where, own, "an empty string is disallowed"):
        found.rule(where, own, names.dns1123_subdomain)
    if spec.get("csi") is None:
        found.required(f"{path}.csi", "has to be specified when using volumeAttributesClassName")
