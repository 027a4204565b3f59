"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.dra import columns
from pynetes.apis.dra.device_class import DeviceClassStrategy
from pynetes.apis.dra.resource_claim import ResourceClaimStrategy, ResourceClaimTemplateStrategy
from pynetes.apis.dra.resource_slice import ResourceSliceStrategy
from pynetes.apis.resource import STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("resource.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("DeviceClass"), "deviceclasses", namespaced=False, strategy=DeviceClassStrategy(), columns=columns.NAMED
    ),
    Resource(
        _kind("ResourceClaim"),
        "resourceclaims",
        namespaced=True,
        strategy=ResourceClaimStrategy(),
        columns=columns.RESOURCE_CLAIM,
        subresources=(STATUS,),
    ),
    Resource(
        _kind("ResourceClaimTemplate"),
        "resourceclaimtemplates",
        namespaced=True,
        strategy=ResourceClaimTemplateStrategy(),
        columns=columns.NAMED,
    ),
    Resource(
        _kind("ResourceSlice"),
        "resourceslices",
        namespaced=False,
        strategy=ResourceSliceStrategy(),
        columns=columns.RESOURCE_SLICE,
    ),
)
