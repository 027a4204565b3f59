"""Which Services a load balancer is made for, and which changes of one concern it. Pure."""

from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery import meta

Object = dict[str, Any]

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"
MAX_NODE_NAMES = 20

_FIELDS = (
    "loadBalancerSourceRanges",
    "sessionAffinity",
    "sessionAffinityConfig",
    "loadBalancerIP",
    "externalIPs",
    "externalTrafficPolicy",
    "healthCheckNodePort",
)
_PORT_FIELDS = ("name", "protocol", "port", "nodePort", "targetPort", "appProtocol")


def wants_load_balancer(service: Object, own_class: str = "") -> bool:
    """A class is a wish for another provider, unless it is `own_class`."""
    spec = service["spec"]
    return spec.get("type") == "LoadBalancer" and (spec.get("loadBalancerClass") or own_class) == own_class


def needs_cleanup(service: Object) -> bool:
    """Whether a balancer may be left of a Service that shall have none."""
    if FINALIZER not in meta.finalizers(service):
        return False
    return meta.is_deleting(service) or service["spec"].get("type") != "LoadBalancer"


def needs_update(old: Object, new: Object, own_class: str = "") -> bool:
    """Whether the balancer must be looked at again after this change."""
    was, wanted = wants_load_balancer(old, own_class), wants_load_balancer(new, own_class)
    if not was and not wanted:
        return False
    if was != wanted or meta.uid(old) != meta.uid(new) or meta.annotations(old) != meta.annotations(new):
        return True
    before, after = old["spec"], new["spec"]
    if any((before.get(field) or None) != (after.get(field) or None) for field in _FIELDS):
        return True
    families = [len(spec.get("ipFamilies") or ()) for spec in (before, after)]
    return families[0] != families[1] or _ports(before) != _ports(after)


def _ports(spec: Object) -> list[tuple[Any, ...]]:
    return [tuple(port.get(field) for field in _PORT_FIELDS) for port in spec.get("ports") or ()]


def status_of(service: Object) -> Object:
    return (service.get("status") or {}).get("loadBalancer") or {}


def fingerprint(nodes: Sequence[Object]) -> dict[str, str]:
    """What of a set of nodes concerns a balancer: names and machines."""
    return {meta.name(node): (node.get("spec") or {}).get("providerID", "") for node in nodes}


def loggable_names(nodes: Sequence[Object]) -> str:
    """As Go prints a list of names, the first ones alone if there are many."""
    names = sorted(meta.name(node) for node in nodes)
    if len(names) > MAX_NODE_NAMES:
        names[MAX_NODE_NAMES:] = [f"<{len(names) - MAX_NODE_NAMES} more>"]
    return f"[{' '.join(names)}]"
