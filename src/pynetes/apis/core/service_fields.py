"""The linked fields of a Service: clusterIP and clusterIPs, and what clients may leave out of an update because the
server once chose it for them."""

from pynetes.apimachinery.meta import copy
from pynetes.apis.strategy import Object

NO_CLUSTER_IP = "None"
_ROUTED = frozenset(("ClusterIP", "NodePort", "LoadBalancer"))


def is_headless(spec: Object) -> bool:
    return spec.get("clusterIPs") == [NO_CLUSTER_IP]


def needs_cluster_ip(spec: Object) -> bool:
    return spec.get("type") != "ExternalName"


def uses_node_ports(spec: Object) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def needs_node_ports(spec: Object) -> bool:
    """Whether node ports shall be chosen for ports without one."""
    if spec.get("type") == "NodePort":
        return True
    return spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False


def needs_health_check_node_port(spec: Object) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def is_externally_accessible(spec: Object) -> bool:
    kind = spec.get("type")
    return kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and bool(spec.get("externalIPs")))


def normalize_cluster_ips(new: Object, old: Object | None) -> None:
    """Works out what a client meant that set only one of clusterIP and clusterIPs."""
    ip, ips = new.get("clusterIP") or "", new.get("clusterIPs") or []
    if old is None:
        if ip and not ips:
            new["clusterIPs"] = [ip]
        return
    old_ip, old_ips = old.get("clusterIP") or "", old.get("clusterIPs") or []
    if old_ips and not ips and ip == old_ip:
        new["clusterIPs"] = list(old_ips)
    elif ip != old_ip and ips == old_ips:
        new["clusterIPs"] = [ip] if ip or not old_ip else []


def keep_allocated_values(new: Object, old: Object) -> None:
    """Takes over addresses and ports that the server chose and the client did not repeat."""
    if needs_cluster_ip(old) and needs_cluster_ip(new):
        if not new.get("clusterIP") and old.get("clusterIP"):
            new["clusterIP"] = old["clusterIP"]
        if not new.get("clusterIPs") and old.get("clusterIPs"):
            new["clusterIPs"] = list(old["clusterIPs"])
    if needs_node_ports(old) and needs_node_ports(new):
        used = node_ports(old) & node_ports(new)
        by_name = {p.get("name") or "": p.get("nodePort") or 0 for p in old.get("ports") or ()}
        for port in new.get("ports") or ():
            earlier = by_name.get(port.get("name") or "", 0)
            if not port.get("nodePort") and earlier and earlier not in used:
                port["nodePort"] = earlier
    both_checked = needs_health_check_node_port(old) and needs_health_check_node_port(new)
    if both_checked and not new.get("healthCheckNodePort") and old.get("healthCheckNodePort"):
        new["healthCheckNodePort"] = old["healthCheckNodePort"]


def node_ports(spec: Object) -> set[int]:
    return {p["nodePort"] for p in spec.get("ports") or () if p.get("nodePort")}


def drop_type_dependent_fields(service: Object, old_service: Object) -> None:
    """Clears what the new type has no use for, unless the client changed that too (then validation says no)."""
    new, old = service["spec"], old_service["spec"]

    def drop(*fields: str) -> None:
        for field in fields:
            new.pop(field, None)

    def same(*fields: str) -> bool:
        return all((new.get(f) or None) == (old.get(f) or None) for f in fields)

    if needs_cluster_ip(old) and not needs_cluster_ip(new):
        if same("clusterIP", "clusterIPs"):
            drop("clusterIP", "clusterIPs")
        for field in ("ipFamilies", "ipFamilyPolicy"):
            if same(field):
                drop(field)
    if uses_node_ports(old) and not uses_node_ports(new) and node_ports(old) >= node_ports(new):
        for port in new.get("ports") or ():
            port.pop("nodePort", None)
    if needs_health_check_node_port(old) and not needs_health_check_node_port(new) and same("healthCheckNodePort"):
        drop("healthCheckNodePort")
    if old.get("type") == "LoadBalancer" and new.get("type") != "LoadBalancer":
        mine, theirs = new.get("allocateLoadBalancerNodePorts"), old.get("allocateLoadBalancerNodePorts")
        if mine is not None and mine == theirs:
            drop("allocateLoadBalancerNodePorts")
        if same("loadBalancerClass"):
            drop("loadBalancerClass")
    if is_externally_accessible(old) and not is_externally_accessible(new) and same("externalTrafficPolicy"):
        drop("externalTrafficPolicy")
    if old.get("type") in _ROUTED and new.get("type") not in _ROUTED and same("internalTrafficPolicy"):
        drop("internalTrafficPolicy")
    if new.get("type") != "LoadBalancer":
        status = copy(service.get("status") or {})
        status["loadBalancer"] = {}
        service["status"] = status
