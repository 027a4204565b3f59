"""From Services and EndpointSlices to what traffic shall do: one `ServicePort` for each port of each Service. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pynetes.apimachinery import meta

HEADLESS = "None"
PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"
HEADLESS_LABEL = "service.kubernetes.io/headless"


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One address that serves a port. `local`: it is on this node."""

    ip: str
    port: int
    local: bool = False


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of one Service, with the endpoints that traffic from inside and from outside the cluster may reach."""

    service: str
    port_name: str
    protocol: str
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    internal: tuple[Endpoint, ...] = ()
    external: tuple[Endpoint, ...] = ()
    external_local: bool = False
    affinity_seconds: int = 0

    @property
    def key(self) -> str:
        return f"{self.service}:{self.port_name}/{self.protocol}"


def handled(service: dict[str, Any]) -> bool:
    """Whether this proxy serves it: it has a cluster IP and names no other proxy."""
    spec = service.get("spec", {})
    if PROXY_NAME_LABEL in meta.labels(service) or spec.get("type") == "ExternalName":
        return False
    return spec.get("clusterIP") not in (None, "", HEADLESS)


def slices_of_interest(slice_: dict[str, Any]) -> bool:
    return slice_.get("addressType") == "IPv4" and HEADLESS_LABEL not in meta.labels(slice_)


def service_ports(service: dict[str, Any], slices: Iterable[dict[str, Any]], *, node_name: str) -> list[ServicePort]:
    """The ports of a Service that this proxy serves, in its order; empty if it serves none of it."""
    if not handled(service):
        return []
    spec = service["spec"]
    relevant = [s for s in slices if slices_of_interest(s)]
    external_local = spec.get("externalTrafficPolicy") == "Local"
    internal_local = spec.get("internalTrafficPolicy") == "Local"
    external_ips = (*spec.get("externalIPs", ()), *_load_balancer_ips(service))
    ports = []
    for port in spec.get("ports", ()):
        name, protocol = port.get("name", ""), port.get("protocol", "TCP")
        candidates = list(_endpoints(relevant, name, protocol, node_name))
        ports.append(
            ServicePort(
                service=meta.key(service),
                port_name=name,
                protocol=protocol.lower(),
                cluster_ip=spec["clusterIP"],
                port=port["port"],
                node_port=port.get("nodePort", 0),
                external_ips=tuple(dict.fromkeys(ip for ip in external_ips if ":" not in ip)),
                internal=_usable(candidates, local_only=internal_local),
                external=_usable(candidates, local_only=external_local),
                external_local=external_local,
                affinity_seconds=_affinity(spec),
            )
        )
    return ports


def _load_balancer_ips(service: dict[str, Any]) -> list[str]:
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress", ())
    return [entry["ip"] for entry in ingress if entry.get("ip") and entry.get("ipMode", "VIP") == "VIP"]


def _affinity(spec: dict[str, Any]) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    config = spec.get("sessionAffinityConfig", {}).get("clientIP", {})
    return int(config.get("timeoutSeconds", 10800))


@dataclass(frozen=True, slots=True)
class _Candidate:
    endpoint: Endpoint
    ready: bool
    serving: bool
    terminating: bool


def _endpoints(slices: Iterable[dict[str, Any]], port_name: str, protocol: str, node_name: str) -> Iterable[_Candidate]:
    for slice_ in slices:
        numbers = [
            port["port"]
            for port in slice_.get("ports") or ()
            if port.get("name", "") == port_name and port.get("protocol", "TCP") == protocol and port.get("port")
        ]
        for entry in slice_.get("endpoints") or ():
            conditions = entry.get("conditions", {})
            ready = conditions.get("ready", True)
            for number in numbers:
                # all addresses of one endpoint are the same target: only the first is used
                yield _Candidate(
                    Endpoint(entry["addresses"][0], number, entry.get("nodeName") == node_name),
                    ready,
                    conditions.get("serving", ready),
                    conditions.get("terminating", False),
                )


def _usable(candidates: Iterable[_Candidate], *, local_only: bool) -> tuple[Endpoint, ...]:
    """The ready ones; if there are none, those that still serve while they terminate."""
    pool = [c for c in candidates if c.endpoint.local or not local_only]
    ready = {c.endpoint for c in pool if c.ready}
    return tuple(sorted(ready or {c.endpoint for c in pool if c.serving and c.terminating}))
