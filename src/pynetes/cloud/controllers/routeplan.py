"""Which routes to make and which to remove. Pure."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.cloud.interface import Route

Object = dict[str, Any]


class RoutePlan(Struct):
    """`complete`: node → whether its routes are all there once `create` is done; not for nodes without pod CIDRs."""

    create: list[tuple[Object, Route]] = field(default_factory=list)
    delete: list[Route] = field(default_factory=list)
    complete: dict[str, bool] = field(default_factory=dict)


def plan(nodes: Sequence[Object], routes: Sequence[Route], cluster_cidrs: Iterable[str]) -> RoutePlan:
    """From what is to what shall be. Routes outside of the cluster's ranges are others' business."""
    made = RoutePlan()
    keep: set[Route] = set()
    for node in nodes:
        cidrs = (node.get("spec") or {}).get("podCIDRs") or []
        if not cidrs:
            continue
        made.complete[meta.name(node)] = True
        for cidr in cidrs:
            wanted = Route(cidr, meta.name(node), target_addresses=addresses_of(node))
            fitting = [route for route in routes if _fits(route, wanted)]
            keep.update(fitting)
            if not fitting:
                made.create.append((node, wanted))
    ours = [ipaddress.ip_network(cidr) for cidr in cluster_cidrs]
    made.delete = [route for route in routes if route not in keep and _is_within(route.destination_cidr, ours)]
    return made


def addresses_of(node: Object) -> tuple[tuple[str, str], ...]:
    addresses = (node.get("status") or {}).get("addresses") or ()
    return tuple(sorted((address["type"], address["address"]) for address in addresses))


def _fits(route: Route, wanted: Route) -> bool:
    if route.blackhole or (route.destination_cidr, route.target_node) != (wanted.destination_cidr, wanted.target_node):
        return False
    return route.target_addresses is None or tuple(sorted(route.target_addresses)) == wanted.target_addresses


def _is_within(cidr: str, ranges: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return False
    return any(
        network.version == own.version and (network.network_address in own or network.broadcast_address in own)
        for own in ranges
    )


def network_unavailable(node: Object, created: bool, now: str) -> Object | None:
    """The condition the node shall have; None if it says so already."""
    status, reason, message = (
        ("False", "RouteCreated", "RouteController created a route")
        if created
        else ("True", "NoRouteCreated", "RouteController failed to create a route")
    )
    current = meta.get_condition((node.get("status") or {}).get("conditions"), "NetworkUnavailable")
    if current is not None and (current.get("status"), current.get("reason")) == (status, reason):
        return None
    return {
        "type": "NetworkUnavailable",
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
