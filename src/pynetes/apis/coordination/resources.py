"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.coordination.columns import LEASE
from pynetes.apis.coordination.lease import LeaseStrategy
from pynetes.apis.resource import Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("coordination.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("Lease"), "leases", namespaced=True, strategy=LeaseStrategy(), columns=LEASE),
)
