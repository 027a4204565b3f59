"""From a ServicePort to elements of the ruleset's maps and sets. Pure.

An element is (object, key) → value: `object` is a map or set of `ruleset`, `value` is empty for sets. Chains that
exist only for one port (session affinity) are a mapping of name → rules.
"""

import hashlib
from dataclasses import dataclass, field

from pynetes.proxy.services import Endpoint, ServicePort

SERVICE_IPS = "service-ips"
SERVICE_ENDPOINTS = "service-endpoints"
NODEPORTS = "node-ports"
NODEPORT_ENDPOINTS = "node-port-endpoints"
NO_ENDPOINTS = "no-endpoint-services"
NO_ENDPOINT_NODEPORTS = "no-endpoint-node-ports"
CLUSTER_IPS = "cluster-ips"
HAIRPIN = "hairpin-connections"

#: Objects that several ports may want the same element of: they are counted.
SHARED = frozenset((CLUSTER_IPS, HAIRPIN))

Element = tuple[str, str]


@dataclass(slots=True)
class Elements:
    """What one ServicePort contributes."""

    items: dict[Element, str] = field(default_factory=dict)
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    affinity_sets: dict[str, int] = field(default_factory=dict)  # name → seconds
    counts: set[int] = field(default_factory=set)  # the lbN / xlbN / nplN / npN chains it jumps to


def elements(port: ServicePort) -> Elements:
    """All elements of a port: its cluster IP, its external addresses, its node port."""
    out = Elements()
    out.items[CLUSTER_IPS, port.cluster_ip] = ""
    _address(out, port, port.cluster_ip, port.internal, outside=False)
    for ip in port.external_ips:
        _address(out, port, ip, port.external, outside=True)
    if port.node_port:
        _node_port(out, port)
    for endpoint in {*port.internal, *port.external}:
        out.items[HAIRPIN, f"{endpoint.ip} . {endpoint.ip}"] = ""
    return out


def _address(out: Elements, port: ServicePort, ip: str, endpoints: tuple[Endpoint, ...], *, outside: bool) -> None:
    key = f"{ip} . {port.protocol} . {port.port}"
    if not endpoints:
        out.items[NO_ENDPOINTS, key] = _refusal(port, outside)
        return
    masquerade = outside and not port.external_local
    if port.affinity_seconds:
        out.items[SERVICE_IPS, key] = "goto " + _affinity_chain(out, port, endpoints, masquerade=masquerade)
        return
    count = len(endpoints)
    out.counts.add(count)
    out.items[SERVICE_IPS, key] = f"goto {'xlb' if masquerade else 'lb'}{count}"
    for index, endpoint in enumerate(endpoints):
        out.items[SERVICE_ENDPOINTS, f"{key} . {index}"] = f"{endpoint.ip} . {endpoint.port}"


def _node_port(out: Elements, port: ServicePort) -> None:
    key = f"{port.protocol} . {port.node_port}"
    if not port.external:
        out.items[NO_ENDPOINT_NODEPORTS, key] = _refusal(port, outside=True)
        return
    masquerade = not port.external_local
    if port.affinity_seconds:
        out.items[NODEPORTS, key] = "goto " + _affinity_chain(out, port, port.external, masquerade=masquerade)
        return
    count = len(port.external)
    out.counts.add(count)
    out.items[NODEPORTS, key] = f"goto {'xnp' if masquerade else 'np'}{count}"
    for index, endpoint in enumerate(port.external):
        out.items[NODEPORT_ENDPOINTS, f"{key} . {index}"] = f"{endpoint.ip} . {endpoint.port}"


def _refusal(port: ServicePort, outside: bool) -> str:
    """Without local endpoints a `Local` policy drops (another node may serve); else the client is told at once."""
    return "drop" if outside and port.external_local else "goto reject-chain"


def _affinity_chain(out: Elements, port: ServicePort, endpoints: tuple[Endpoint, ...], *, masquerade: bool) -> str:
    """A chain that sends a client address to the endpoint it had last, for as long as the affinity lasts."""
    identity = f"{port.key} {port.affinity_seconds} {masquerade} {endpoints}"
    name = "sticky-" + hashlib.sha256(identity.encode()).hexdigest()[:16]
    sets = {}
    for endpoint in endpoints:
        # named after the endpoint alone, so that clients stay with it when its neighbours change
        one = hashlib.sha256(f"{port.key} {endpoint.ip}:{endpoint.port}".encode()).hexdigest()[:16]
        sets[endpoint] = f"clients-{one}"
        out.affinity_sets[sets[endpoint]] = port.affinity_seconds
    rules = ["meta mark set meta mark or 0x4000"] if masquerade else []
    remember = f"timeout {port.affinity_seconds}s"
    for endpoint, clients in sets.items():
        chain = f"to-{clients}"
        out.chains[chain] = (
            f"update @{clients} {{ ip saddr {remember} }}",
            f"meta l4proto {port.protocol} dnat ip to {endpoint.ip}:{endpoint.port}",
        )
        rules.append(f"ip saddr @{clients} goto {chain}")
    choices = ", ".join(f"{index} : goto to-{clients}" for index, clients in enumerate(sets.values()))
    rules.append(f"numgen random mod {len(sets)} vmap {{ {choices} }}")
    out.chains[name] = tuple(rules)
    return name
