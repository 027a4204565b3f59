"""Defaults of fields, which version 3 shows and version 2 leaves out.

Most follow from how Go writes a field that is absent: one that is always written has its zero value as default. The
others are named by their types.
"""

from typing import Any

from pynetes.apimachinery.schema.types import Field, fields
from pynetes.apimachinery.schema.zero import Policy, zero_of

_SCALARS = frozenset(("string", "boolean", "int32", "int64"))
_NO_NAME = {"name": ""}
_RBD = {"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"}
_SCALE_IO = {"fsType": "xfs", "storageMode": "ThinProvisioned"}
_ISCSI = {"iscsiInterface": "default"}

# By definition, without what all of them begin with.
_DECLARED: dict[str, dict[str, Any]] = {
    "core.v1.AzureDiskVolumeSource": {
        "cachingMode": "ReadWrite",
        "fsType": "ext4",
        "kind": "Shared",
        "readOnly": False,
    },
    "core.v1.ConfigMapEnvSource": _NO_NAME,
    "core.v1.ConfigMapKeySelector": _NO_NAME,
    "core.v1.ConfigMapProjection": _NO_NAME,
    "core.v1.ConfigMapVolumeSource": _NO_NAME,
    "core.v1.ContainerPort": {"protocol": "TCP"},
    "core.v1.FileKeySelector": {"optional": False},
    "core.v1.GRPCAction": {"service": ""},
    "core.v1.ISCSIPersistentVolumeSource": _ISCSI,
    "core.v1.ISCSIVolumeSource": _ISCSI,
    "core.v1.LocalObjectReference": _NO_NAME,
    "core.v1.RBDPersistentVolumeSource": _RBD,
    "core.v1.RBDVolumeSource": _RBD,
    "core.v1.ReplicationControllerSpec": {"minReadySeconds": 0, "replicas": 1},
    "core.v1.ScaleIOPersistentVolumeSource": _SCALE_IO,
    "core.v1.ScaleIOVolumeSource": _SCALE_IO,
    "core.v1.SecretEnvSource": _NO_NAME,
    "core.v1.SecretKeySelector": _NO_NAME,
    "core.v1.SecretProjection": _NO_NAME,
    "core.v1.ServicePort": {"protocol": "TCP"},
    "autoscaling.v1.ScaleSpec": {"replicas": 0},
    "resource.v1.DeviceToleration": {"operator": "Equal"},
}
_PREFIX = "io.k8s.api."


def defaults_of(definition: str) -> dict[str, Any]:
    """The defaults of a built-in definition's fields."""
    implied = {name: _implied(own) for name, own in fields(definition).items() if own.policy is Policy.ALWAYS}
    return {name: value for name, value in implied.items() if value is not None} | _DECLARED.get(
        definition.removeprefix(_PREFIX), {}
    )


def _implied(own: Field) -> Any:
    if own.type.kind == "object":
        return {}
    return zero_of(own.type.kind) if own.type.kind in _SCALARS else None
