"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("storage.k8s.io", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("CSIDriver"), "csidrivers", namespaced=False, strategy=Strategy()),
    Resource(_kind("CSINode"), "csinodes", namespaced=False, strategy=Strategy()),
    Resource(_kind("CSIStorageCapacity"), "csistoragecapacities", namespaced=True, strategy=Strategy()),
    Resource(_kind("StorageClass"), "storageclasses", namespaced=False, strategy=Strategy(), short_names=("sc",)),
    Resource(
        _kind("VolumeAttachment"), "volumeattachments", namespaced=False, strategy=_WithStatus(), subresources=(STATUS,)
    ),
    Resource(
        _kind("VolumeAttributesClass"),
        "volumeattributesclasses",
        namespaced=False,
        strategy=Strategy(),
        short_names=("vac",),
    ),
)
