"""Service. Addresses and ports are chosen by the API server, between preparation and validation."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.address_warnings import ip_warnings
from pynetes.apis.core.container_defaults import default_if_empty
from pynetes.apis.core.service_fields import (
    drop_type_dependent_fields,
    is_externally_accessible,
    is_headless,
    keep_allocated_values,
    normalize_cluster_ips,
)
from pynetes.apis.core.service_validation import (
    validate_service,
    validate_service_status,
    validate_service_update,
)
from pynetes.apis.strategy import CHANGE, METADATA_FIELDS, Object, Strategy

AFFINITY_SECONDS = 10800


class ServiceStrategy(Strategy):
    update_metadata = CHANGE
    has_status = True
    allow_create_on_update = True
    name_rule = staticmethod(names.dns1123_label)
    selectable = METADATA_FIELDS | {"spec.clusterIP", "spec.type"}

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_if_empty(spec, sessionAffinity="None", type="ClusterIP")
        _default_affinity(spec)
        for port in spec.get("ports") or ():
            default_if_empty(port, protocol="TCP")
            if not port.get("targetPort"):
                port["targetPort"] = port.get("port") or 0
        kind = spec["type"]
        if is_externally_accessible(spec):
            default_if_empty(spec, externalTrafficPolicy="Cluster")
        if kind in ("ClusterIP", "NodePort", "LoadBalancer") and spec.get("internalTrafficPolicy") is None:
            spec["internalTrafficPolicy"] = "Cluster"
        if kind == "LoadBalancer":
            if spec.get("allocateLoadBalancerNodePorts") is None:
                spec["allocateLoadBalancerNodePorts"] = True
            for ingress in ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
                if ingress.get("ip") and ingress.get("ipMode") is None:
                    ingress["ipMode"] = "VIP"

    def prepare_for_create(self, obj: Object) -> None:
        super().prepare_for_create(obj)
        obj["status"] = {"loadBalancer": {}}
        normalize_cluster_ips(obj["spec"], None)

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_update(obj, old)
        keep_allocated_values(obj["spec"], old["spec"])
        normalize_cluster_ips(obj["spec"], old["spec"])
        drop_type_dependent_fields(obj, old)

    def validate(self, obj: Object) -> list[FieldError]:
        return validate_service(obj, None)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_service_update(obj, old)

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_service_status(obj, old)

    def canonicalize(self, obj: Object) -> None:
        if obj["spec"].get("type") == "ExternalName":  # it is still accepted, but never read back
            obj["spec"].pop("internalTrafficPolicy", None)

    def warnings(self, obj: Object, old: Object | None = None) -> list[str]:
        return service_warnings(obj)

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        spec = obj.get("spec") or {}
        own = {"spec.clusterIP": spec.get("clusterIP") or "", "spec.type": spec.get("type") or ""}
        return super().selectable_fields(obj) | own


def _default_affinity(spec: Object) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        config = spec.get("sessionAffinityConfig") or {}
        if (config.get("clientIP") or {}).get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": AFFINITY_SECONDS}}


def service_warnings(service: Object) -> list[str]:
    spec = service["spec"]
    found: list[str] = []
    hints = "service.kubernetes.io/topology-aware-hints"
    if hints in (service["metadata"].get("annotations") or {}):
        found.append(f"annotation {hints} is deprecated, please use service.kubernetes.io/topology-mode instead")
    external, kind = spec.get("externalIPs") or [], spec.get("type")
    headless = is_headless(spec) and kind == "ClusterIP"
    if headless:
        if spec.get("loadBalancerIP"):
            found.append("spec.loadBalancerIP is ignored for headless services")
        if external:
            found.append("spec.externalIPs is ignored for headless services")
        if spec.get("sessionAffinity") != "None":
            found.append("spec.SessionAffinity is ignored for headless services")
    else:
        for index, ip in enumerate(spec.get("clusterIPs") or ()):
            found += ip_warnings(f"spec.clusterIPs[{index}]", ip)
    for index, ip in enumerate(external):
        found += ip_warnings(f"spec.externalIPs[{index}]", ip)
    if external and not headless and kind != "ExternalName":
        found.append("spec.externalIPs is deprecated and may no longer be implemented in some clusters")
    if spec.get("loadBalancerIP"):
        found += ip_warnings("spec.loadBalancerIP", spec["loadBalancerIP"])
    if kind == "ExternalName" and external:
        found.append('spec.externalIPs is ignored when spec.type is "ExternalName"')
    if kind != "ExternalName" and spec.get("externalName"):
        found.append('spec.externalName is ignored when spec.type is not "ExternalName"')
    if spec.get("trafficDistribution") == "PreferClose":
        found.append('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
    return found
