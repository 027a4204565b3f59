"""What the proxy needs to know of its own node, and the cluster's ranges of Service addresses. Pure."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta

Object = dict[str, Any]

ZONE_LABEL = "topology.kubernetes.io/zone"

#: What the cluster autoscaler marks a node with that it is about to remove.
TO_BE_DELETED_TAINT = "ToBeDeletedByClusterAutoscaler"


class ThisNode(Struct, frozen=True):
    """`address` is the node's own (empty: not known yet), `zone` that of its label, `pod_cidr` its pods'."""

    name: str
    zone: str = ""
    address: str = ""
    pod_cidr: str = ""


def this_node(name: str, node: Object | None) -> ThisNode:
    """`node` is None while it has not registered."""
    if node is None:
        return ThisNode(name)
    spec = node.get("spec") or {}
    pod_cidr = next((cidr for cidr in spec.get("podCIDRs") or [spec.get("podCIDR") or ""] if ":" not in cidr), "")
    return ThisNode(name, meta.labels(node).get(ZONE_LABEL, ""), _address(node), pod_cidr)


def _address(node: Object) -> str:
    """The internal address, or else the external one."""
    addresses = (node.get("status") or {}).get("addresses") or ()
    for kind in ("InternalIP", "ExternalIP"):
        for entry in addresses:
            if entry["type"] == kind and ":" not in entry["address"]:
                return str(entry["address"])
    return ""


def eligible(node: Object | None) -> bool:
    """Whether load balancers may go on sending to the node: it is there, and not about to be removed."""
    if node is None or meta.is_deleting(node):
        return False
    return all(taint.get("key") != TO_BE_DELETED_TAINT for taint in (node.get("spec") or {}).get("taints") or ())


def service_ranges(cidrs: Iterable[Object]) -> tuple[str, ...]:
    """The IPv4 ranges of all ServiceCIDRs."""
    found = {text for cidr in cidrs for text in (cidr.get("spec") or {}).get("cidrs") or () if ":" not in text}
    return tuple(sorted(found))
