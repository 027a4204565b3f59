"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.discovery.columns import ENDPOINT_SLICE
from pynetes.apis.discovery.endpoint_slice import EndpointSliceStrategy
from pynetes.apis.resource import Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("discovery.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("EndpointSlice"),
        "endpointslices",
        namespaced=True,
        strategy=EndpointSliceStrategy(),
        columns=ENDPOINT_SLICE,
    ),
)
