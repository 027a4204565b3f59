"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("discovery.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("EndpointSlice"), "endpointslices", namespaced=True, strategy=Strategy()),
)
