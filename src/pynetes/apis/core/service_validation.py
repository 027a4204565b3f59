"""What a Service may say, and what of it may change."""

from pynetes.apimachinery import names
from pynetes.apimachinery.validation import validate_labels
from pynetes.apis.core.endpoint_address import validate_endpoint_ip
from pynetes.apis.core.service_fields import (
    NO_CLUSTER_IP,
    is_externally_accessible,
    is_headless,
    needs_health_check_node_port,
)
from pynetes.apis.field_errors import IMMUTABLE, FieldErrors, parse_ip
from pynetes.apis.strategy import Object

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES = ("ClientIP", "None")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
_IP_MODES = ("Proxy", "VIP")
_MAX_AFFINITY_SECONDS = 86400
_ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"
_ONCE_SET = "may not change once set"
_ONE_PER_FAMILY = "may specify no more than one IP for each IP family"
_SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_HINTS = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"


def validate_service(service: Object, old: Object | None) -> FieldErrors:
    found = FieldErrors()
    spec, annotations = service["spec"], service["metadata"].get("annotations") or {}
    old_spec = old["spec"] if old else {}
    kind, ports = spec.get("type") or "", spec.get("ports") or []
    if _MODE in annotations and _HINTS in annotations and annotations[_MODE] != annotations[_HINTS]:
        detail = f"must match annotations[{_HINTS}] when both are specified"
        found.invalid(f"metadata.annotations[{_MODE}]", annotations[_MODE], detail)
    if not ports and not is_headless(spec) and kind != "ExternalName":
        found.required("spec.ports")
    if kind in ("LoadBalancer", "NodePort") and is_headless(spec):
        found.invalid("spec.clusterIPs[0]", NO_CLUSTER_IP, f"may not be set to 'None' for {kind} services")
    if kind == "ExternalName":
        _external_name(found, spec)
    _ports(found, ports, kind)
    found += validate_labels(spec.get("selector") or {}, "spec.selector")
    _affinity(found, spec)
    if kind != "ExternalName":
        found += validate_cluster_ips(spec, old_spec)
    for index, ip in enumerate(spec.get("externalIPs") or ()):
        before, own = len(found), f"spec.externalIPs[{index}]"
        found.ip(own, ip, old_spec.get("externalIPs") or ())
        if len(found) == before:
            validate_endpoint_ip(found, ip, own)
    found.one_of("spec.type", kind, _TYPES)
    _duplicate_ports(found, ports, kind)
    _source_ranges(found, service, old)
    allocate = spec.get("allocateLoadBalancerNodePorts")
    if allocate is not None and kind != "LoadBalancer":
        found.forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_LOAD_BALANCER)
    if allocate is None and kind == "LoadBalancer":
        found.required("allocateLoadBalancerNodePorts")
    _load_balancer_class(found, spec, None)
    _traffic_policies(found, spec)
    return found


def _external_name(found: FieldErrors, spec: Object) -> None:
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(field) if field != "ipFamilyPolicy" else spec.get(field) is not None:
            found.forbidden(f"spec.{field}", "may not be set for ExternalName services")
    name = (spec.get("externalName") or "").removesuffix(".")
    found.required_rule("spec.externalName", name, names.dns1123_subdomain)


def _ports(found: FieldErrors, ports: list[Object], kind: str) -> None:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        own, name = f"spec.ports[{index}]", port.get("name") or ""
        if name:
            found.rule(f"{own}.name", name, names.dns1123_label)
            if name in seen:
                found.duplicate(f"{own}.name", name)
            seen.add(name)
        elif len(ports) > 1:
            found.required(f"{own}.name")
        found.rule(f"{own}.port", port.get("port") or 0, names.port_number)
        found.one_of(f"{own}.protocol", port.get("protocol"), _PROTOCOLS)
        found.port_number_or_name(f"{own}.targetPort", port.get("targetPort"))
        if port.get("appProtocol") is not None:
            found.rule(f"{own}.appProtocol", port["appProtocol"], names.qualified_name)


def _duplicate_ports(found: FieldErrors, ports: list[Object], kind: str) -> None:
    if kind == "ClusterIP":
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                found.forbidden(f"spec.ports[{index}].nodePort", "may not be used when `type` is 'ClusterIP'")
    node_ports: set[tuple[str, int]] = set()
    own_ports: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        protocol, node_port = port.get("protocol") or "", port.get("nodePort") or 0
        if node_port and (protocol, node_port) in node_ports:
            found.duplicate(f"spec.ports[{index}].nodePort", node_port)
        node_ports.add((protocol, node_port))
    for index, port in enumerate(ports):
        key = (port.get("protocol") or "", port.get("port") or 0)
        if key in own_ports:
            found.duplicate(f"spec.ports[{index}]", _internal_port(*key))
        own_ports.add(key)


def _internal_port(protocol: str, port: int) -> Object:
    """The shape in which upstream shows a doubled port: its internal type, with all fields."""
    return {"Name": "", "Protocol": protocol, "AppProtocol": None, "Port": port, "TargetPort": 0, "NodePort": 0}


def _affinity(found: FieldErrors, spec: Object) -> None:
    affinity, config = spec.get("sessionAffinity"), spec.get("sessionAffinityConfig")
    found.one_of("spec.sessionAffinity", affinity, _AFFINITIES)
    path = "spec.sessionAffinityConfig"
    if affinity == "None" and config is not None:
        found.forbidden(path, "must not be set when session affinity is None")
    if affinity != "ClientIP":
        return
    client = (config or {}).get("clientIP")
    seconds = (client or {}).get("timeoutSeconds")
    steps = ((path, config), (f"{path}.clientIP", client), (f"{path}.clientIP.timeoutSeconds", seconds))
    for where, value in steps:
        if value is None:
            found.required(where, "when session affinity type is ClientIP")
            return
    if not 0 < (seconds or 0) <= _MAX_AFFINITY_SECONDS:
        found.invalid(steps[-1][0], seconds, f"must be greater than 0 and less than {_MAX_AFFINITY_SECONDS}")


def validate_cluster_ips(spec: Object, old_spec: Object) -> FieldErrors:
    """Addresses, families and their policy: what the choice of addresses rests on."""
    found = FieldErrors()
    ip, ips = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    families, policy = spec.get("ipFamilies") or [], spec.get("ipFamilyPolicy")
    path = "spec.clusterIPs"
    if ip and not ips:
        found.required(path)
    elif ip and ips[0] != ip:
        found.invalid(path, ips, "first value must match `clusterIP`")
    elif not ip and ips:
        found.invalid(path, ips, "must be empty when `clusterIP` is not specified")
    for index, family in enumerate(families):
        if family not in _FAMILIES:
            found.not_supported(f"spec.ipFamilies[{index}]", family, _FAMILIES)
        if family in families[:index]:
            found.duplicate(f"spec.ipFamilies[{index}]", family)
    if policy is not None and policy not in _FAMILY_POLICIES:
        found.not_supported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES)
    if not _right_addresses(found, ips, old_spec.get("clusterIPs") or [], path):
        return found
    versions = [address.version for own in ips if (address := parse_ip(own))]
    if len(ips) > 1 and len(set(versions)) != 2:
        found.invalid(path, ips, _ONE_PER_FAMILY)
    if is_headless(spec):
        return found
    for index, (own, version, family) in enumerate(zip(ips, versions, families, strict=False)):
        if family in _FAMILIES and family != f"IPv{version}":
            found.invalid(f"{path}[{index}]", own, f"expected an {family} value as indicated by `ipFamilies[{index}]`")
    return found


def _right_addresses(found: FieldErrors, ips: list[str], earlier: list[str], path: str) -> bool:
    right = True
    for index, ip in enumerate(ips):
        if index == 0 and ip == NO_CLUSTER_IP:
            if len(ips) > 1:
                right = False
                found.invalid(path, ips, "'None' must be the first and only value")
            continue
        before = len(found)
        found.ip(f"{path}[{index}]", ip, earlier)
        right = right and len(found) == before
    if len(ips) > 2:
        found.invalid(path, ips, "may only hold up to 2 values")
    return right


def _source_ranges(found: FieldErrors, service: Object, old: Object | None) -> None:
    spec, annotations = service["spec"], service["metadata"].get("annotations") or {}
    ranges, balanced = spec.get("loadBalancerSourceRanges") or [], spec.get("type") == "LoadBalancer"
    if ranges:
        path = "spec.LoadBalancerSourceRanges"
        if not balanced:
            found.forbidden(path, _ONLY_LOAD_BALANCER)
        earlier = [r.strip() for r in (old["spec"].get("loadBalancerSourceRanges") or ())] if old else []
        for index, value in enumerate(ranges):
            found.cidr(f"{path}[{index}]", value.strip(), earlier)
    elif _SOURCE_RANGES in annotations:
        path, value = f"metadata.annotations[{_SOURCE_RANGES}]", annotations[_SOURCE_RANGES]
        if not balanced:
            found.forbidden(path, _ONLY_LOAD_BALANCER)
        known = (old["metadata"].get("annotations") or {}).get(_SOURCE_RANGES) if old else None
        if value != known and value.strip():
            for part in value.split(","):
                found.cidr(path, part.strip())


def _load_balancer_class(found: FieldErrors, spec: Object, old: Object | None) -> None:
    own, earlier = spec.get("loadBalancerClass"), old["spec"] if old else {}
    if spec.get("type") == earlier.get("type") == "LoadBalancer" and own != earlier.get("loadBalancerClass"):
        found.invalid("spec.loadBalancerClass", own, _ONCE_SET)
    if own is None:
        return
    if spec.get("type") == "LoadBalancer":
        found.rule("spec.loadBalancerClass", own, names.qualified_name)
    else:
        found.forbidden("spec.loadBalancerClass", _ONLY_LOAD_BALANCER)


def _traffic_policies(found: FieldErrors, spec: Object) -> None:
    external = spec.get("externalTrafficPolicy") or ""
    if is_externally_accessible(spec):
        found.one_of("spec.externalTrafficPolicy", external, _POLICIES)
    elif external:
        found.invalid("spec.externalTrafficPolicy", external, "may only be set for externally-accessible services")
    port = spec.get("healthCheckNodePort") or 0
    if needs_health_check_node_port(spec):
        if found.present("spec.healthCheckNodePort", port):
            found.rule("spec.healthCheckNodePort", port, names.port_number)
    elif port:
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        found.invalid("spec.healthCheckNodePort", port, detail)
    internal = spec.get("internalTrafficPolicy")
    if internal is None and spec.get("type") in ("NodePort", "LoadBalancer", "ClusterIP"):
        found.required("spec.internalTrafficPolicy")
    elif internal is not None and internal not in _POLICIES:
        found.not_supported("spec.internalTrafficPolicy", internal, _POLICIES)
    distribution = spec.get("trafficDistribution")
    if distribution is not None and distribution not in _DISTRIBUTIONS:
        found.not_supported("spec.trafficDistribution", distribution, _DISTRIBUTIONS)


def validate_service_update(service: Object, old: Object) -> FieldErrors:
    found = FieldErrors()
    new_spec, old_spec = service["spec"], old["spec"]
    if "ExternalName" not in (new_spec.get("type"), old_spec.get("type")):
        both_headless = is_headless(new_spec) and is_headless(old_spec)
        if not both_headless:
            _changed(found, new_spec, old_spec, "clusterIPs", "primary clusterIP", "secondary clusterIP")
        if is_headless(new_spec) == is_headless(old_spec) and not both_headless:
            _changed(found, new_spec, old_spec, "ipFamilies", "primary ipFamily", "secondary ipFamily")
    _load_balancer_class(found, new_spec, old)  # and once more below: clients see its errors twice
    both_checked = needs_health_check_node_port(new_spec) and needs_health_check_node_port(old_spec)
    if both_checked and (new_spec.get("healthCheckNodePort") or 0) != (old_spec.get("healthCheckNodePort") or 0):
        found.forbidden("spec.healthCheckNodePort", IMMUTABLE)
    found += validate_service(service, old)
    return found


def _changed(found: FieldErrors, new_spec: Object, old_spec: Object, field: str, primary: str, secondary: str) -> None:
    """Addresses and families: the second may come and go with the family policy, the first stays."""
    new, old = new_spec.get(field) or [], old_spec.get(field) or []
    path = f"spec.{field}"
    if len(new) == len(old):
        for index, (mine, theirs) in enumerate(zip(new, old, strict=True)):
            if mine != theirs:
                where = index if field == "clusterIPs" else 0
                found.invalid(f"{path}[{where}]", new, _ONCE_SET)
        return
    if len(old) > len(new):
        if not new_spec.get("clusterIPs"):
            found.invalid(f"{path}[0]", new, f"{primary} can not be unset")
        if new and new[0] != old[0]:
            found.invalid(f"{path}[0]", new, _ONCE_SET)
        if len(new) == 1 and new_spec.get("ipFamilyPolicy") != "SingleStack":
            detail = f"must be set to 'SingleStack' when releasing the {secondary}"
            found.invalid("spec.ipFamilyPolicy", new_spec.get("ipFamilyPolicy"), detail)
    elif old and new[0] != old[0]:
        found.invalid(f"{path}[0]", new, _ONCE_SET)


def validate_service_status(service: Object, old: Object) -> FieldErrors:
    found = FieldErrors()
    path = "status.loadBalancer.ingress"
    entries = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    before = ((old.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    if entries and service["spec"].get("type") != "LoadBalancer":
        found.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")
        return found
    earlier = [e["ip"] for e in before if e.get("ip")]
    for index, entry in enumerate(entries):
        own, ip, mode = f"{path}[{index}]", entry.get("ip") or "", entry.get("ipMode")
        if ip:
            found.ip(f"{own}.ip", ip, earlier)
        if mode is None and ip:
            found.required(f"{own}.ipMode", "must be specified when `ip` is set")
        elif mode is not None and not ip:
            found.forbidden(f"{own}.ipMode", "may not be specified when `ip` is not set")
        elif mode is not None and mode not in _IP_MODES:
            found.not_supported(f"{own}.ipMode", mode, _IP_MODES)
        host = entry.get("hostname")
        if host:
            found.rule(f"{own}.hostname", host, names.dns1123_subdomain)
            if parse_ip(host):
                found.invalid(f"{own}.hostname", host, "must be a DNS name, not an IP address")
    return found
