"""Environment variables that tell containers where Services are: `REDIS_SERVICE_HOST` and Docker's link variables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Variable = tuple[str, str]


def _variable_name(name: str) -> str:
    return name.replace("-", "_").upper()


def _host_port(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def has_cluster_ip(service: Mapping[str, Any]) -> bool:
    return (service.get("spec") or {}).get("clusterIP") not in (None, "", "None")


def visible_services(
    services: Iterable[Mapping[str, Any]], namespace: str, enable_service_links: bool
) -> list[Mapping[str, Any]]:
    """The Services a pod hears of: its namespace's if it wants links, and always `default/kubernetes`, which a
    namesake in the pod's own namespace replaces."""
    found: dict[str, Mapping[str, Any]] = {}
    for service in services:
        if not has_cluster_ip(service):
            continue
        name, service_namespace = service["metadata"]["name"], service["metadata"]["namespace"]
        if service_namespace == "default" and name == "kubernetes":
            found.setdefault(name, service)
        elif service_namespace == namespace and enable_service_links:
            found[name] = service
    return [found[name] for name in sorted(found)]


def variables(services: Sequence[Mapping[str, Any]]) -> Iterator[Variable]:
    for service in services:
        ports = service["spec"].get("ports") or []
        if not ports:
            continue
        prefix, ip = _variable_name(service["metadata"]["name"]), service["spec"]["clusterIP"]
        yield f"{prefix}_SERVICE_HOST", ip
        yield f"{prefix}_SERVICE_PORT", str(ports[0]["port"])
        for port in ports:
            if port.get("name"):
                yield f"{prefix}_SERVICE_PORT_{_variable_name(port['name'])}", str(port["port"])
        yield from _links(prefix, ip, ports)


def _links(prefix: str, ip: str, ports: Sequence[Mapping[str, Any]]) -> Iterator[Variable]:
    for index, port in enumerate(ports):
        number, protocol = port["port"], port.get("protocol") or "TCP"
        url = f"{protocol.lower()}://{_host_port(ip, number)}"
        if index == 0:
            yield f"{prefix}_PORT", url
        base = f"{prefix}_PORT_{number}_{protocol.upper()}"
        yield base, url
        yield f"{base}_PROTO", protocol.lower()
        yield f"{base}_PORT", str(number)
        yield f"{base}_ADDR", ip
