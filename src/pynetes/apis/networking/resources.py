"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.networking import columns
from pynetes.apis.networking.addresses import IPAddressStrategy, ServiceCIDRStrategy
from pynetes.apis.networking.ingress import IngressClassStrategy, IngressStrategy
from pynetes.apis.networking.network_policy import NetworkPolicyStrategy
from pynetes.apis.resource import STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("networking.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("IngressClass"),
        "ingressclasses",
        namespaced=False,
        strategy=IngressClassStrategy(),
        columns=columns.INGRESS_CLASS,
    ),
    Resource(
        _kind("Ingress"),
        "ingresses",
        namespaced=True,
        strategy=IngressStrategy(),
        columns=columns.INGRESS,
        short_names=("ing",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("IPAddress"),
        "ipaddresses",
        namespaced=False,
        strategy=IPAddressStrategy(),
        columns=columns.IP_ADDRESS,
        short_names=("ip",),
    ),
    Resource(
        _kind("NetworkPolicy"),
        "networkpolicies",
        namespaced=True,
        strategy=NetworkPolicyStrategy(),
        columns=columns.NETWORK_POLICY,
        short_names=("netpol",),
    ),
    Resource(
        _kind("ServiceCIDR"),
        "servicecidrs",
        namespaced=False,
        strategy=ServiceCIDRStrategy(),
        columns=columns.SERVICE_CIDR,
        subresources=(STATUS,),
    ),
)
