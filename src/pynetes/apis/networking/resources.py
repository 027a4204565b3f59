"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import STATUS, Resource, Strategy


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("networking.k8s.io", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("IngressClass"), "ingressclasses", namespaced=False, strategy=Strategy()),
    Resource(
        _kind("Ingress"),
        "ingresses",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("ing",),
        subresources=(STATUS,),
    ),
    Resource(_kind("IPAddress"), "ipaddresses", namespaced=False, strategy=Strategy(), short_names=("ip",)),
    Resource(_kind("NetworkPolicy"), "networkpolicies", namespaced=True, strategy=Strategy(), short_names=("netpol",)),
    Resource(_kind("ServiceCIDR"), "servicecidrs", namespaced=False, strategy=_WithStatus(), subresources=(STATUS,)),
)
