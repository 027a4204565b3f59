"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("resource.k8s.io", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("DeviceClass"), "deviceclasses", namespaced=False, strategy=Strategy()),
    Resource(_kind("ResourceClaim"), "resourceclaims", namespaced=True, strategy=_WithStatus(), subresources=(STATUS,)),
    Resource(_kind("ResourceClaimTemplate"), "resourceclaimtemplates", namespaced=True, strategy=Strategy()),
    Resource(_kind("ResourceSlice"), "resourceslices", namespaced=False, strategy=Strategy()),
)
