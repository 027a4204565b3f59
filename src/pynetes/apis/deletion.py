"""What the answer to a delete is: a Status, or the object (upstream's ReturnDeletedObject)."""

from pynetes.apimachinery.gvk import GroupVersionKind

_RETURNED = {
    "": frozenset(
        (
            "Namespace",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ResourceQuota",
            "Service",
            "ServiceAccount",
        )
    ),
    "resource.k8s.io": frozenset(
        ("DeviceClass", "DeviceTaintRule", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice")
    ),
    "storage.k8s.io": frozenset(("CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass")),
}


def returns_deleted(gvk: GroupVersionKind) -> bool:
    """Whether a delete answers with the object."""
    return gvk.kind in _RETURNED.get(gvk.group, ())


def tells_deleted(gvk: GroupVersionKind) -> bool:
    """Whether the documents say so, too: not of namespaces, whose first delete answers with what is left to do."""
    return returns_deleted(gvk) and gvk.kind != "Namespace"
