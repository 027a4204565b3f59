"""What the answer to a delete is: a Status, or the object (upstream's ReturnDeletedObject)."""

from pynetes.apimachinery.gvk import GroupVersionKind

_RETURNED = frozenset(
    (
        *((group, kind) for group in ("resource.k8s.io",) for kind in ("ResourceClaim", "ResourceClaimTemplate")),
        ("resource.k8s.io", "ResourceSlice"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "DeviceTaintRule"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
        ("", "Namespace"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
        ("", "Pod"),
        ("", "PodTemplate"),
        ("", "ResourceQuota"),
        ("", "Service"),
        ("", "ServiceAccount"),
    )
)


def returns_deleted(gvk: GroupVersionKind) -> bool:
    """Whether a delete answers with the object."""
    return (gvk.group, gvk.kind) in _RETURNED


def tells_deleted(gvk: GroupVersionKind) -> bool:
    """Whether the documents say so, too: not of namespaces, whose first delete answers with what is left to do."""
    return returns_deleted(gvk) and gvk.kind != "Namespace"
