"""The spec of a pod, in pods and in templates."""

from pynetes.apimachinery import names
from pynetes.apimachinery.validation import validate_labels
from pynetes.apis.core.container_validation import PodContext
from pynetes.apis.core.containers_validation import (
    validate_containers,
    validate_ephemeral_containers,
    validate_init_containers,
)
from pynetes.apis.core.pod_os_validation import validate_host_process, validate_os
from pynetes.apis.core.pod_resources import aggregate_containers
from pynetes.apis.core.resource_requirements import validate_pod_level, validate_resource_requirements
from pynetes.apis.core.scheduling_validation import (
    validate_affinity,
    validate_scheduling_gates,
    validate_tolerations,
    validate_topology_spread,
)
from pynetes.apis.core.security_context_validation import validate_pod_security_context
from pynetes.apis.core.volume_validation import validate_volumes
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.strategy import Object

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_PREEMPTION = ("PreemptLowerPriority", "Never")
_LABELS = ("hostname", "subdomain")
_MAX_NAMESERVERS = 3
_MAX_SEARCHES = 32
_MAX_SEARCH_CHARACTERS = 2048
_MAX_INT32 = 2**31 - 1
_MAX_HOSTNAME = 64


def validate_pod_spec(spec: Object, path: str = "spec", *, pod_name: str = "", is_pod: bool = False) -> FieldErrors:
    """`is_pod`: the spec is a pod's own and not a template's, which some rules are laxer for."""
    found = FieldErrors()
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is None:
        found.required(f"{path}.terminationGracePeriodSeconds")
    volumes = validate_volumes(found, spec.get("volumes") or [], pod_name, f"{path}.volumes")
    claims = _resource_claims(found, spec.get("resourceClaims") or [], f"{path}.resourceClaims")
    context = PodContext(
        volumes=volumes,
        claims=claims,
        restart_policy=spec.get("restartPolicy") or "",
        grace_seconds=grace,
        os=(spec.get("os") or {}).get("name") or "",
        host_users=spec.get("hostUsers") is not False,
    )
    validate_containers(found, spec, context, f"{path}.containers")
    validate_init_containers(found, spec, context, f"{path}.initContainers")
    validate_ephemeral_containers(found, spec, context, f"{path}.ephemeralContainers")
    if spec.get("resources") is not None:
        aggregated = {field: aggregate_containers(spec, field) for field in ("requests", "limits")}
        validate_pod_level(found, spec, aggregated, claims, f"{path}.resources")
    _host_network_ports(found, spec, path, is_pod)
    found.one_of(f"{path}.restartPolicy", spec.get("restartPolicy"), _RESTART_POLICIES)
    found.one_of(f"{path}.dnsPolicy", spec.get("dnsPolicy"), _DNS_POLICIES)
    found += validate_labels(spec.get("nodeSelector") or {}, f"{path}.nodeSelector")
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        detail = "ShareProcessNamespace and HostPID cannot both be enabled"
        found.invalid(f"{path}.securityContext.shareProcessNamespace", True, detail)
    validate_pod_security_context(found, spec, f"{path}.securityContext")
    validate_affinity(found, spec.get("affinity"), f"{path}.affinity")
    _dns_config(found, spec, f"{path}.dnsConfig")
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        own = f"{path}.readinessGates[{index}].conditionType"
        found.rule(own, gate.get("conditionType") or "", names.qualified_name)
    validate_scheduling_gates(found, spec.get("schedulingGates") or [], f"{path}.schedulingGates")
    spread = spec.get("topologySpreadConstraints") or []
    validate_topology_spread(found, spread, f"{path}.topologySpreadConstraints")
    validate_host_process(found, spec, path)
    _host_users(found, spec, path)
    _host_name(found, spec, path)
    _names(found, spec, path, "serviceAccountName", "nodeName")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        found.invalid(f"{path}.activeDeadlineSeconds", deadline, names.range_error(1, _MAX_INT32))
    _names(found, spec, path, "hostname", "subdomain")
    validate_tolerations(found, spec.get("tolerations") or [], f"{path}.tolerations")
    _host_aliases(found, spec.get("hostAliases") or [], f"{path}.hostAliases")
    _names(found, spec, path, "priorityClassName")
    if spec.get("runtimeClassName") is not None:
        found.rule(f"{path}.runtimeClassName", spec["runtimeClassName"], names.dns1123_subdomain)
    if spec.get("preemptionPolicy") is not None:
        found.one_of(f"{path}.preemptionPolicy", spec["preemptionPolicy"], _PREEMPTION)
    if spec.get("overhead"):
        overhead = {"limits": spec["overhead"]}
        validate_resource_requirements(found, overhead, frozenset(), f"{path}.overhead")
    validate_os(found, spec, path)
    _file_key_volumes(found, spec, path)
    return found


def _names(found: FieldErrors, spec: Object, path: str, *fields: str) -> None:
    for field in fields:
        if spec.get(field):
            rule = names.dns1123_label if field in _LABELS else names.dns1123_subdomain
            found.rule(f"{path}.{field}", spec[field], rule)


def _resource_claims(found: FieldErrors, claims: list[Object], path: str) -> frozenset[str]:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        own, name = f"{path}[{index}]", claim.get("name") or ""
        if name in seen:
            found.duplicate(f"{own}.name", name)
        else:
            found.required_rule(f"{own}.name", name, names.dns1123_label)
        seen.add(name)
        fields = ("resourceClaimName", "resourceClaimTemplateName")
        given = [f for f in fields if claim.get(f) is not None]
        if len(given) > 1:
            detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            found.invalid(own, _shown_claim(claim), detail)
        if not given:
            detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            found.invalid(own, _shown_claim(claim), detail)
        for field in given:
            found.rule(f"{own}.{field}", claim[field], names.dns1123_subdomain)
    return frozenset(seen - {""})


def _shown_claim(claim: Object) -> Object | None:
    return go_struct(claim, Name="", ResourceClaimName=None, ResourceClaimTemplateName=None)


def _host_network_ports(found: FieldErrors, spec: Object, path: str, is_pod: bool) -> None:
    if not spec.get("hostNetwork"):
        return
    for index, container in enumerate(spec.get("containers") or ()):
        for number, port in enumerate(container.get("ports") or ()):
            host = port.get("hostPort") or 0
            if (is_pod or host) and host != port.get("containerPort"):
                own = f"{path}.containers[{index}].ports[{number}].hostPort"
                found.invalid(own, host, "must match `containerPort` when `hostNetwork` is true")


def _dns_config(found: FieldErrors, spec: Object, path: str) -> None:
    config = spec.get("dnsConfig")
    if spec.get("dnsPolicy") == "None":
        if config is None:
            found.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
            return
        if not config.get("nameservers"):
            detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            found.required(f"{path}.nameservers", detail)
            return
    if not config:
        return
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if len(servers) > _MAX_NAMESERVERS:
        detail = f"must not have more than {_MAX_NAMESERVERS} nameservers"
        found.invalid(f"{path}.nameservers", servers, detail)
    for index, server in enumerate(servers):
        found.ip(f"{path}.nameservers[{index}]", server)
    if len(searches) > _MAX_SEARCHES:
        found.invalid(f"{path}.searches", searches, f"must not have more than {_MAX_SEARCHES} search paths")
    if len(" ".join(searches)) > _MAX_SEARCH_CHARACTERS:
        detail = f"must not have more than {_MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        found.invalid(f"{path}.searches", searches, detail)
    for index, search in enumerate(searches):
        if search != ".":
            own = f"{path}.searches[{index}]"
            found.rule(own, search.removesuffix("."), names.dns1123_subdomain_with_underscore)
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            found.required(f"{path}.options[{index}]", "must not be empty")


def _host_users(found: FieldErrors, spec: Object, path: str) -> None:
    """Pods in a user namespace of their own cannot share the host's other namespaces."""
    if spec.get("hostUsers") is not False:
        return
    for field, reported in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(field):
            found.forbidden(f"{path}.{reported}", "when `hostUsers` is false")
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            if container.get("volumeDevices"):
                found.forbidden(f"{path}.{field}[{index}].volumeDevices", "when `hostUsers` is false")


def _host_name(found: FieldErrors, spec: Object, path: str) -> None:
    override = spec.get("hostnameOverride")
    if override is None:
        return
    own = f"{path}.hostnameOverride"
    if spec.get("setHostnameAsFQDN"):
        found.forbidden(own, "may not be specified when setHostnameAsFQDN is true")
    if spec.get("hostNetwork"):
        found.forbidden(own, "may not be specified when hostNetwork is true")
    if len(override) > _MAX_HOSTNAME:
        found.too_long(own, _MAX_HOSTNAME)
    found.rule(own, override, names.dns1123_subdomain)


def _host_aliases(found: FieldErrors, aliases: list[Object], path: str) -> None:
    for index, alias in enumerate(aliases):
        found.ip(f"{path}[{index}].ip", alias.get("ip") or "")
        for number, name in enumerate(alias.get("hostnames") or ()):
            found.rule(f"{path}[{index}].hostnames[{number}]", name, names.dns1123_subdomain)


def _file_key_volumes(found: FieldErrors, spec: Object, path: str) -> None:
    volumes = {v.get("name"): v for v in spec.get("volumes") or ()}
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            for number, variable in enumerate(container.get("env") or ()):
                reference = (variable.get("valueFrom") or {}).get("fileKeyRef")
                if reference is None:
                    continue
                own = f"{path}.{field}[{index}].env[{number}].valueFrom.fileKeyRef.volumeName"
                name = reference.get("volumeName") or ""
                if name not in volumes:
                    found.not_found(own, name)
                elif volumes[name].get("emptyDir") is None:
                    found.invalid(own, name, "referenced volume must be of type emptyDir")
