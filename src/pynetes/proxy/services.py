"""From Services and EndpointSlices to what traffic shall do: one `ServicePort` for each port of each Service. Pure."""

import ipaddress
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.proxy.endpoints import Candidate, Endpoint, candidates, cluster_endpoints, local_endpoints, local_ready
from pynetes.proxy.node import ThisNode

Object = dict[str, Any]

HEADLESS = "None"
PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
HEADLESS_LABEL = "service.kubernetes.io/headless"

_AFFINITY_SECONDS = 10800


class ServicePort(Struct, frozen=True):
    """One port of one Service, with the endpoints of its two traffic policies.

    `cluster` has endpoints wherever they are, `local` those of this node (empty unless a policy is Local).
    `source_ranges` limits who may use `load_balancer_ips`; empty: anyone. `serving` (UDP only) is what flows under way
    may go on using: ip and port of all that serve, whatever the policies say of new flows.
    """

    service: str
    port_name: str
    protocol: str
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    cluster: tuple[Endpoint, ...] = ()
    local: tuple[Endpoint, ...] = ()
    internal_local: bool = False
    external_local: bool = False
    affinity_seconds: int = 0
    serving: frozenset[tuple[str, int]] = frozenset()

    @property
    def key(self) -> str:
        return f"{self.service}:{self.port_name}/{self.protocol}"

    @property
    def internal(self) -> tuple[Endpoint, ...]:
        """What the cluster IP leads to."""
        return self.local if self.internal_local else self.cluster

    @property
    def external(self) -> tuple[Endpoint, ...]:
        """What the other addresses lead to for clients outside of the cluster."""
        return self.local if self.external_local else self.cluster

    @property
    def addresses(self) -> tuple[str, ...]:
        """All that stand for `port`."""
        return (self.cluster_ip, *self.external_ips, *self.load_balancer_ips)


class HealthCheck(Struct, frozen=True):
    """Where load balancers ask whether this node has endpoints of a Service, and how many it has."""

    port: int
    endpoints: int


def handled(service: Object) -> bool:
    """Whether this proxy serves it: it has an IPv4 cluster IP and names no other proxy."""
    spec = service.get("spec", {})
    if PROXY_NAME_LABEL in meta.labels(service) or spec.get("type") == "ExternalName":
        return False
    return spec.get("clusterIP") not in (None, "", HEADLESS) and bool(_cluster_ip(spec))


def slices_of_interest(slice_: Object) -> bool:
    return slice_.get("addressType") == "IPv4" and HEADLESS_LABEL not in meta.labels(slice_)


def service_ports(service: Object, slices: Iterable[Object], node: ThisNode) -> list[ServicePort]:
    """The ports of a Service that this proxy serves, in its order; empty if it serves none of it."""
    if not handled(service):
        return []
    spec = service["spec"]
    relevant = [s for s in slices if slices_of_interest(s)]
    external_local = _external_local(spec)
    internal_local = spec.get("internalTrafficPolicy") == "Local"
    balancers = _load_balancer_ips(service)
    ports = []
    for port in spec.get("ports") or ():
        name, protocol = port.get("name", ""), port.get("protocol", "TCP")
        found = candidates(relevant, name, protocol, node)
        ports.append(
            ServicePort(
                service=meta.key(service),
                port_name=name,
                protocol=protocol.lower(),
                cluster_ip=_cluster_ip(spec),
                port=port["port"],
                node_port=port.get("nodePort", 0),
                external_ips=_ipv4(spec.get("externalIPs") or ()),
                load_balancer_ips=balancers,
                source_ranges=_source_ranges(spec, balancers, node),
                cluster=cluster_endpoints(found, node),
                local=local_endpoints(found) if external_local or internal_local else (),
                internal_local=internal_local,
                external_local=external_local,
                affinity_seconds=_affinity(spec),
                serving=_serving(found) if protocol == "UDP" else frozenset(),
            )
        )
    return ports


def health_check(service: Object, slices: Iterable[Object], node: ThisNode) -> HealthCheck | None:
    """None unless the Service asks for one: a load balancer that keeps traffic on the node it arrives at."""
    spec = service.get("spec", {})
    port = spec.get("healthCheckNodePort") or 0
    if not handled(service) or spec.get("type") != "LoadBalancer" or not _external_local(spec) or not port:
        return None
    relevant = [s for s in slices if slices_of_interest(s)]
    return HealthCheck(port, local_ready(relevant, node))


def _cluster_ip(spec: Object) -> str:
    found = _ipv4([spec.get("clusterIP", ""), *(spec.get("clusterIPs") or ())])
    return found[0] if found else ""


def _ipv4(addresses: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ip for ip in addresses if ip and ":" not in ip and ip != HEADLESS))


def _external_local(spec: Object) -> bool:
    return spec.get("externalTrafficPolicy") == "Local"


def _load_balancer_ips(service: Object) -> tuple[str, ...]:
    """Those that packets carry here; a balancer of mode Proxy sends to another address."""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return _ipv4(entry["ip"] for entry in ingress if entry.get("ip") and (entry.get("ipMode") or "VIP") == "VIP")


def _source_ranges(spec: Object, balancers: tuple[str, ...], node: ThisNode) -> tuple[str, ...]:
    """Who may use the load balancers' addresses; empty: anyone.

    If this node may, so may the addresses themselves: they are what it sends from where they are its own.
    """
    ranges = []
    for text in spec.get("loadBalancerSourceRanges") or ():
        range_ = ipaddress.ip_network(text.strip(), strict=False)  # validation lets blanks pass
        if isinstance(range_, ipaddress.IPv4Network):
            ranges.append(range_)
    if any(range_.prefixlen == 0 for range_ in ranges):
        return ()
    own = node.address and any(ipaddress.IPv4Address(node.address) in range_ for range_ in ranges)
    texts = [str(range_) for range_ in ipaddress.collapse_addresses(ranges)]
    return (*texts, *(ip for ip in balancers if own and not _covered(ip, ranges)))


def _covered(ip: str, ranges: Iterable[ipaddress.IPv4Network]) -> bool:
    return any(ipaddress.IPv4Address(ip) in range_ for range_ in ranges)


def _affinity(spec: Object) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return int(config.get("timeoutSeconds") or _AFFINITY_SECONDS)


def _serving(found: Iterable[Candidate]) -> frozenset[tuple[str, int]]:
    return frozenset((c.endpoint.ip, c.endpoint.port) for c in found if c.serving)
