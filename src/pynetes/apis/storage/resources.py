"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource
from pynetes.apis.storage import columns
from pynetes.apis.storage.classes import StorageClassStrategy, VolumeAttributesClassStrategy
from pynetes.apis.storage.csi import (
    CSIDriverStrategy,
    CSINodeStrategy,
    CSIStorageCapacityStrategy,
    VolumeAttachmentStrategy,
)


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("storage.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("CSIDriver"), "csidrivers", namespaced=False, strategy=CSIDriverStrategy(), columns=columns.CSI_DRIVER
    ),
    Resource(_kind("CSINode"), "csinodes", namespaced=False, strategy=CSINodeStrategy(), columns=columns.CSI_NODE),
    Resource(
        _kind("CSIStorageCapacity"),
        "csistoragecapacities",
        namespaced=True,
        strategy=CSIStorageCapacityStrategy(),
    ),
    Resource(
        _kind("StorageClass"),
        "storageclasses",
        namespaced=False,
        strategy=StorageClassStrategy(),
        columns=columns.STORAGE_CLASS,
        short_names=("sc",),
    ),
    Resource(
        _kind("VolumeAttachment"),
        "volumeattachments",
        namespaced=False,
        strategy=VolumeAttachmentStrategy(),
        columns=columns.VOLUME_ATTACHMENT,
        subresources=(STATUS,),
    ),
    Resource(
        _kind("VolumeAttributesClass"),
        "volumeattributesclasses",
        namespaced=False,
        strategy=VolumeAttributesClassStrategy(),
        columns=columns.VOLUME_ATTRIBUTES_CLASS,
        short_names=("vac",),
    ),
)
