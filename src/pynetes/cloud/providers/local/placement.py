"""Which node announces an address. Pure, so that all nodes agree without a word.

What only some know is which nodes are silent (`neighbours`): those that come next for an address then announce it.

Rendezvous hashing: every pair of address and node has a weight, the heaviest candidate announces. A node that goes
takes along only its own addresses, which spread over the others; one that comes back gets them back.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pynetes.apimachinery import meta
from pynetes.cloud.controllers.nodepredicates import is_backend, is_ready
from pynetes.cloud.providers.local.addresses import Addresses
from pynetes.cloud.providers.local.balancers import LOAD_BALANCER_CLASS

Object = dict[str, Any]

SERVICE_LABEL = "kubernetes.io/service-name"


#: So many nodes that come next for an address watch those before them.
_WATCHERS = 2


def ranking(address: str, candidates: Iterable[str]) -> list[str]:
    """The candidates for `address`, the one that is to announce it first."""
    return sorted(candidates, key=lambda node: (_weight(address, node), node), reverse=True)


def _weight(address: str, node: str) -> bytes:
    return hashlib.blake2b(f"{address}\n{node}".encode(), digest_size=8).digest()


def eligible_nodes(nodes: Iterable[Object]) -> set[str]:
    """Ready, not about to go, and not excluded from load balancers."""
    return {meta.name(node) for node in nodes if is_ready(node) and is_backend(node)}


def rankings(
    services: Iterable[Object], slices_of: Mapping[str, list[Object]], nodes: Iterable[Object], pools: Addresses
) -> dict[str, list[str]]:
    """Address → its candidates in order. `slices_of`: EndpointSlices by key of their Service."""
    eligible = eligible_nodes(nodes)
    found = {}
    for service in services:
        candidates = eligible
        if service["spec"].get("externalTrafficPolicy") == "Local":
            candidates = eligible & nodes_with_endpoints(slices_of.get(meta.key(service), []))
        for address in _addresses(service, pools):
            found[address] = ranking(address, candidates)
    return found


def announced_by(node: str, ranked: Mapping[str, list[str]], silent: Collection[str] = ()) -> set[str]:
    """The addresses that `node` announces: those before it, if any, are silent."""
    present = {ip: [name for name in names if name == node or name not in silent] for ip, names in ranked.items()}
    return {ip for ip, names in present.items() if names and names[0] == node}


def watched_by(node: str, ranked: Mapping[str, list[str]]) -> set[str]:
    """The nodes before `node` at addresses where it comes next."""
    places = [(names, names.index(node)) for names in ranked.values() if node in names]
    return {name for names, place in places if place <= _WATCHERS for name in names[:place]}


def _addresses(service: Object, pools: Addresses) -> list[str]:
    """Those of ours: another controller's addresses are announced by whoever gave them."""
    spec = service["spec"]
    if spec.get("type") != "LoadBalancer" or spec.get("loadBalancerClass", LOAD_BALANCER_CLASS) != LOAD_BALANCER_CLASS:
        return []
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    vips = [entry["ip"] for entry in ingress if entry.get("ip") and entry.get("ipMode", "VIP") == "VIP"]
    return [ip for ip in vips if ip in pools]


def nodes_with_endpoints(slices: Iterable[Object]) -> set[str]:
    """Where traffic that must not leave the node finds an endpoint that is ready."""
    return {
        endpoint["nodeName"]
        for slice_ in slices
        for endpoint in slice_.get("endpoints") or ()
        if endpoint.get("nodeName") and (endpoint.get("conditions") or {}).get("ready") is not False
    }


def node_addresses(nodes: Iterable[Object]) -> dict[str, str]:
    """Node → its internal IPv4 address, of those that have one."""
    found: dict[str, str] = {}
    for node in nodes:
        for entry in (node.get("status") or {}).get("addresses") or ():
            if entry["type"] == "InternalIP" and ":" not in entry["address"]:
                found.setdefault(meta.name(node), entry["address"])
    return found


def service_of(slice_: Object) -> list[str]:
    """The key of an EndpointSlice's Service: an informer's index."""
    name = meta.labels(slice_).get(SERVICE_LABEL)
    return [f"{meta.namespace(slice_)}/{name}"] if name else []
