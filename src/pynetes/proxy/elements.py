"""From a ServicePort to elements of the ruleset's maps and sets. Pure.

An element is (object, key) → value: `object` is a map or set of `ruleset`, `value` is empty for sets. Chains that
exist only for one port (session affinity, source ranges) are a mapping of name → rules.
"""

import hashlib
from collections.abc import Iterable

from msgspec import Struct, field

from pynetes.proxy.endpoints import Endpoint
from pynetes.proxy.services import ServicePort

SERVICE_IPS = "service-ips"
SERVICE_ENDPOINTS = "service-endpoints"
CLUSTER_POLICY = "cluster-policy"
LOCAL_POLICY = "local-policy"
NODEPORTS = "node-ports"
NODEPORT_ENDPOINTS = "node-port-endpoints"
NODEPORT_CLUSTER_POLICY = "node-port-cluster-policy"
NODEPORT_LOCAL_POLICY = "node-port-local-policy"
NO_ENDPOINTS = "no-endpoint-services"
NO_ENDPOINT_NODEPORTS = "no-endpoint-node-ports"
FIREWALL_IPS = "firewall-ips"
CLUSTER_IPS = "cluster-ips"
HAIRPIN = "hairpin-connections"

#: Objects that several ports may want the same element of: they are counted.
SHARED = frozenset((CLUSTER_IPS, HAIRPIN))

#: The mark of what leaves with this node's address; its bit is cleared when it is done.
MASQUERADE_MARK = "0x4000"
MASQUERADE = f"meta mark set meta mark or {MASQUERADE_MARK}"

#: Endpoints of the policy Local have indices from here on, beside those of the policy Cluster.
LOCAL_OFFSET = 1 << 20

Element = tuple[str, str]


class Elements(Struct):
    """What one ServicePort contributes."""

    items: dict[Element, str] = field(default_factory=dict)
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    affinity_sets: dict[str, int] = field(default_factory=dict)  # name → seconds
    counts: set[int] = field(default_factory=set)  # how many endpoints the chains it jumps to are for


class _Destination(Struct, frozen=True):
    """A key in the maps of addresses, or in those of node ports."""

    key: str
    endpoints: str
    cluster_policy: str
    local_policy: str
    by_policy: str
    """The chain that asks where a client is."""
    chain: str
    """Prefix of the chains that pick one of N endpoints: `lb3`; with masquerade `xlb3`, of the policy Local `llb3`."""


def _at_address(ip: str, port: ServicePort) -> _Destination:
    key = f"{ip} . {port.protocol} . {port.port}"
    return _Destination(key, SERVICE_ENDPOINTS, CLUSTER_POLICY, LOCAL_POLICY, "external-local", "lb")


def _at_node_port(port: ServicePort) -> _Destination:
    key = f"{port.protocol} . {port.node_port}"
    policies = NODEPORT_CLUSTER_POLICY, NODEPORT_LOCAL_POLICY
    return _Destination(key, NODEPORT_ENDPOINTS, *policies, "node-port-local", "np")


def elements(port: ServicePort) -> Elements:
    """All elements of a port: its cluster IP, its external addresses, its node port."""
    out = Elements()
    out.items[CLUSTER_IPS, port.cluster_ip] = ""
    at_cluster_ip = _at_address(port.cluster_ip, port)
    if port.internal:
        out.items[SERVICE_IPS, at_cluster_ip.key] = _pick(out, port, at_cluster_ip, local=port.internal_local)
    else:
        out.items[NO_ENDPOINTS, at_cluster_ip.key] = _refusal(port)
    for ip in (*port.external_ips, *port.load_balancer_ips):
        _external(out, port, _at_address(ip, port), SERVICE_IPS, NO_ENDPOINTS)
    if port.node_port:
        _external(out, port, _at_node_port(port), NODEPORTS, NO_ENDPOINT_NODEPORTS)
    _firewall(out, port)
    for endpoint in {*port.cluster, *port.local}:
        if endpoint.local:
            out.items[HAIRPIN, f"{endpoint.ip} . {endpoint.ip}"] = ""
    return out


def _external(out: Elements, port: ServicePort, at: _Destination, dispatch: str, refused: str) -> None:
    """An address for clients outside.

    The policy Local is theirs alone: clients in the cluster reach all endpoints, as if they had gone out and come back
    by a load balancer.
    """
    if port.cluster:
        if port.external_local:
            out.items[dispatch, at.key] = f"goto {at.by_policy}"
            out.items[at.cluster_policy, at.key] = _pick(out, port, at)
            if port.local:
                out.items[at.local_policy, at.key] = _pick(out, port, at, local=True)
        else:
            out.items[dispatch, at.key] = _pick(out, port, at, masquerade=True)
    if not port.external:
        out.items[refused, at.key] = _refusal(port)


def _refusal(port: ServicePort) -> str:
    """Without any endpoint the client is told at once; if only this node has none, another may serve: silence."""
    return "drop" if port.cluster else "goto reject-chain"


def _pick(out: Elements, port: ServicePort, at: _Destination, *, local: bool = False, masquerade: bool = False) -> str:
    """The verdict that leads to one of the endpoints of a policy."""
    endpoints = port.local if local else port.cluster
    if port.affinity_seconds:
        return "goto " + _affinity_chain(out, port, endpoints, masquerade=masquerade)
    count, offset = len(endpoints), LOCAL_OFFSET if local else 0
    out.counts.add(count)
    for index, endpoint in enumerate(endpoints, offset):
        out.items[at.endpoints, f"{at.key} . {index}"] = f"{endpoint.ip} . {endpoint.port}"
    return f"goto {'x' if masquerade else 'l' if local else ''}{at.chain}{count}"


def _firewall(out: Elements, port: ServicePort) -> None:
    """Drops what comes to a load balancer's address from outside of its source ranges, before it is translated."""
    if not port.source_ranges:
        return
    name = f"firewall-{_digest(port.key)}"
    for ip in port.load_balancer_ips:
        out.items[FIREWALL_IPS, _at_address(ip, port).key] = f"goto {name}"
        out.chains[name] = (f"ip saddr != {{ {', '.join(port.source_ranges)} }} drop",)


def _affinity_chain(out: Elements, port: ServicePort, endpoints: Iterable[Endpoint], *, masquerade: bool) -> str:
    """A chain that sends a client address to the endpoint it had last, for as long as the affinity lasts."""
    identity = f"{port.key} {port.affinity_seconds} {masquerade} {endpoints}"
    name = f"sticky-{_digest(identity)}"
    sets = {}
    for endpoint in endpoints:
        # named after the endpoint alone, so that clients stay with it when its neighbours change
        sets[endpoint] = f"clients-{_digest(f'{port.key} {endpoint.ip}:{endpoint.port}')}"
        out.affinity_sets[sets[endpoint]] = port.affinity_seconds
    rules = [MASQUERADE] if masquerade else []
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


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
