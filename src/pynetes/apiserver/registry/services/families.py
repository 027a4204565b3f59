"""Fields of a Service that belong together: clusterIP and clusterIPs, families and their policy. Pure functions.

What a client left out is filled in from the stored Service or from the cluster's families, as upstream does it.
"""

import ipaddress
from typing import Any

from pynetes.apimachinery.errors import FieldError, invalid_value
from pynetes.apis.core.service_validation import validate_cluster_ips

Object = dict[str, Any]

_FAMILY_OF = {4: "IPv4", 6: "IPv6"}
_OTHER = {"IPv4": "IPv6", "IPv6": "IPv4"}


def needs_cluster_ip(spec: Object) -> bool:
    return spec.get("type") != "ExternalName"


def is_headless(spec: Object) -> bool:
    return needs_cluster_ip(spec) and spec.get("clusterIP") == "None"


def needs_node_port(spec: Object) -> bool:
    if spec.get("type") == "NodePort":
        return True
    return spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is not False


def needs_health_check(spec: Object) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def family_of(address: str) -> str:
    return _FAMILY_OF[ipaddress.ip_address(address).version]


def family_of_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    return _FAMILY_OF[network.version]


def keep_allocated(spec: Object, old: Object) -> None:
    """Who sends the Service again without what was allocated for them keeps it."""
    if needs_cluster_ip(old) and needs_cluster_ip(spec):
        for field in ("clusterIP", "clusterIPs"):
            if not spec.get(field) and old.get(field):
                spec[field] = list(old[field]) if field == "clusterIPs" else old[field]
    if needs_node_port(old) and needs_node_port(spec):
        _keep_node_ports(spec.get("ports") or [], old.get("ports") or [])
    known = old.get("healthCheckNodePort")
    if known and needs_health_check(old) and needs_health_check(spec) and not spec.get("healthCheckNodePort"):
        spec["healthCheckNodePort"] = known


def _keep_node_ports(ports: list[Object], old_ports: list[Object]) -> None:
    used = {p.get("nodePort") for p in ports} & {p.get("nodePort") for p in old_ports}
    by_name = {p.get("name", ""): p.get("nodePort") for p in old_ports}
    for port in ports:
        known = by_name.get(port.get("name", ""))
        if not port.get("nodePort") and known and known not in used:
            port["nodePort"] = known


def normalize_cluster_ips(spec: Object, old: Object | None) -> None:
    """Clients that know only the singular field mean the plural one too."""
    single, several = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if old is None:
        if single and not several:
            spec["clusterIPs"] = [single]
        return
    old_single, old_several = old.get("clusterIP") or "", old.get("clusterIPs") or []
    if old_several and not several and old_single == single:
        spec["clusterIPs"] = list(old_several)
    if old_single != single and several == old_several:
        if single:
            spec["clusterIPs"] = [single]
        else:
            spec.pop("clusterIPs", None)


def settle(spec: Object, old: Object | None, cluster: list[str]) -> list[FieldError]:
    """Fills in ipFamilyPolicy and ipFamilies. `cluster` are its families, the default one first."""
    if not needs_cluster_ip(spec) or _unchanged_dual(spec, old):
        return []
    _default_policy(spec, old)
    errors: list[FieldError] = list(validate_cluster_ips(spec, old or {}))
    if errors:
        return errors
    errors = _fit_policy(spec, old) + _infer_families(spec, cluster)
    if errors:
        return errors
    if is_headless(spec) and not spec.get("selector"):
        _families_of_selectorless(spec, cluster)
        return []
    return _check_families(spec, cluster)


def _unchanged_dual(spec: Object, old: Object | None) -> bool:
    """PreferDualStack Services do not change when the cluster's families did."""
    if old is None or spec.get("ipFamilyPolicy") != "PreferDualStack" or old.get("type") != spec.get("type"):
        return False
    fields = ("ipFamilyPolicy", "clusterIP", "clusterIPs", "ipFamilies")
    return all(spec.get(field) == old.get(field) for field in fields)


def _default_policy(spec: Object, old: Object | None) -> None:
    if spec.get("ipFamilyPolicy") is not None:
        return
    if old is not None and old.get("ipFamilyPolicy"):
        spec["ipFamilyPolicy"] = old["ipFamilyPolicy"]
    elif is_headless(spec) and not spec.get("selector"):
        spec["ipFamilyPolicy"] = "RequireDualStack"
    else:
        spec["ipFamilyPolicy"] = "SingleStack"


def _fit_policy(spec: Object, old: Object | None) -> list[FieldError]:
    policy = spec["ipFamilyPolicy"]
    path = "spec.ipFamilyPolicy"
    errors: list[FieldError] = []
    names = (("clusterIPs", "cluster IP"), ("ipFamilies", "IP family"))
    for field, label in names if old is not None else ():
        values, before = spec.get(field) or [], (old or {}).get(field) or []
        if policy == "SingleStack":
            if values == before and len(values) > 1:
                spec[field] = values[:1]
        elif 0 < len(values) < len(before):
            errors.append(invalid_value(path, policy, f"must be 'SingleStack' to release the secondary {label}"))
    if policy == "SingleStack":
        for field, label in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")):
            if len(spec.get(field) or []) == 2:
                detail = f"must be 'RequireDualStack' or 'PreferDualStack' when multiple {label} are specified"
                errors.append(invalid_value(path, policy, detail))
    return errors


def _infer_families(spec: Object, cluster: list[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    families = list(spec.get("ipFamilies") or [])
    several = spec.get("clusterIPs") or []
    for index, address in enumerate(several):
        if address == "None":
            break
        if index < len(families):
            continue
        family = family_of(address)
        if family in cluster:
            families.append(family)
        else:
            detail = f"{family} is not configured on this cluster"
            errors.append(invalid_value(f"spec.clusterIPs[{index}]", several, detail))
    if families:
        spec["ipFamilies"] = families
    return errors


def _families_of_selectorless(spec: Object, cluster: list[str]) -> None:
    """Headless without selector: nobody knows what its endpoints are, so both families are assumed."""
    families = list(spec.get("ipFamilies") or cluster[:1])
    if len(families) < 2 and spec["ipFamilyPolicy"] != "SingleStack":
        families.append(_OTHER[families[0]])
    spec["ipFamilies"] = families


def _check_families(spec: Object, cluster: list[str]) -> list[FieldError]:
    errors: list[FieldError] = []
    policy = spec["ipFamilyPolicy"]
    if policy == "RequireDualStack" and len(cluster) < 2:
        detail = "this cluster is not configured for dual-stack services"
        errors.append(invalid_value("spec.ipFamilyPolicy", policy, detail))
    families = list(spec.get("ipFamilies") or [])
    for index, family in enumerate(families):
        if family not in cluster:
            errors.append(invalid_value(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    if errors:
        return errors
    families = families or cluster[:1]
    if policy != "SingleStack" and len(families) == 1 and len(cluster) == 2:
        families.append(_OTHER[families[0]])
    spec["ipFamilies"] = families
    return []
