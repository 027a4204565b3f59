"""Which pods, addresses and ports stand behind a Service."""

import ipaddress
from typing import Any

from pynetes.apimachinery import meta
from pynetes.controllers.podcontrol import state

Object = dict[str, Any]


def has_endpoints(service: Object) -> bool:
    """Whether controllers make the endpoints: not for ExternalName, nor where a user does (no selector)."""
    spec = service["spec"]
    return spec.get("type") != "ExternalName" and spec.get("selector") is not None


def selects(service: Object, labels: dict[str, str]) -> bool:
    """Whether a pod with `labels` belongs to the Service; an empty selector selects all pods."""
    selector = service["spec"].get("selector")
    return selector is not None and selector.items() <= labels.items()


def is_headless(service: Object) -> bool:
    """No ClusterIP, or none yet."""
    return service["spec"].get("clusterIP") in (None, "", "None")


def may_be_endpoint(pod: Object, *, include_terminating: bool) -> bool:
    """Not finished, with an address, and not on its way out unless that is asked for."""
    if state.is_terminal(pod) or not pod_ips(pod):
        return False
    return include_terminating or not meta.is_deleting(pod)


def pod_ips(pod: Object) -> list[str]:
    status = pod.get("status") or {}
    found = [entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip")]
    if not found and status.get("podIP"):
        found = [status["podIP"]]
    return found


def addresses(pod: Object, family: str) -> list[str]:
    """The pod's addresses of `IPv4` or `IPv6`, in their usual form."""
    version = 6 if family == "IPv6" else 4
    parsed = (ipaddress.ip_address(ip) for ip in pod_ips(pod))
    return [str(ip) for ip in parsed if ip.version == version]


def families(service: Object) -> list[str]:
    """The address types that a Service needs."""
    spec = service["spec"]
    found = spec.get("ipFamilies")
    if found:
        return list(found)
    ip = spec.get("clusterIP")
    if ip and ip != "None":
        return [f"IPv{ipaddress.ip_address(ip).version}"]
    return ["IPv4"]


def hostname(pod: Object, service: Object) -> str:
    """The name under which a pod is found in DNS, if it asks for one in this Service."""
    spec = pod["spec"]
    name = spec.get("hostname") or ""
    return name if name and spec.get("subdomain") == meta.name(service) else ""


def container_port(pod: Object, port: Object) -> int | None:
    """The number that a Service's port means in this pod; None if the pod names no such port."""
    target = port.get("targetPort")
    if isinstance(target, int):
        return target or port["port"]
    if not target:
        return int(port["port"])
    protocol = port.get("protocol") or "TCP"
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in [*(spec.get("containers") or ()), *sidecars]:
        for candidate in container.get("ports") or ():
            if candidate.get("name") == target and (candidate.get("protocol") or "TCP") == protocol:
                return int(candidate["containerPort"])
    return None


def ports(service: Object, pod: Object) -> list[Object]:
    """The Service's ports as this pod serves them; those it does not name are left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        number = container_port(pod, port)
        if number is None:
            continue
        entry = {"name": port.get("name") or "", "port": number, "protocol": port.get("protocol") or "TCP"}
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        found.append(entry)
    return found


def target_reference(pod: Object) -> Object:
    return {
        "kind": "Pod",
        "namespace": meta.namespace(pod),
        "name": meta.name(pod),
        "uid": meta.uid(pod),
    }


def fingerprint(pod: Object) -> Any:
    """All of a pod that endpoints are made from; a change elsewhere moves nothing."""
    spec = pod.get("spec") or {}
    return (
        pod_ips(pod),
        state.is_ready(pod),
        state.is_terminal(pod),
        meta.is_deleting(pod),
        spec.get("nodeName"),
        spec.get("hostname"),
        spec.get("subdomain"),
        meta.uid(pod),
    )
