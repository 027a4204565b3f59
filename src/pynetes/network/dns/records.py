"""The zone's view of the cluster, held by informers."""

from collections.abc import Iterable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apis.names import ENDPOINT_SLICES, NAMESPACES, SERVICES
from pynetes.client.informer import InformerFactory

_IP, _SERVICE = "ip", "service"
SERVICE_NAME_LABEL = "kubernetes.io/service-name"


class ClusterRecords:
    """Implements `zone.Records` on shared informers."""

    def __init__(self, informers: InformerFactory) -> None:
        self._services = informers.informer(SERVICES)
        self._slices = informers.informer(ENDPOINT_SLICES)
        self._namespaces = informers.informer(NAMESPACES, metadata_only=True)
        self._services.add_index(_IP, lambda service: list(service.get("spec", {}).get("clusterIPs") or ()))
        self._slices.add_index(_SERVICE, _service_of)
        self._slices.add_index(_IP, _addresses)

    @property
    def has_synced(self) -> bool:
        return self._services.has_synced and self._slices.has_synced and self._namespaces.has_synced

    def service(self, namespace: str, name: str) -> dict[str, Any] | None:
        return self._services.get(f"{namespace}/{name}")

    def endpoint_slices(self, namespace: str, service: str) -> Iterable[dict[str, Any]]:
        return self._slices.by_index(_SERVICE, f"{namespace}/{service}")

    def namespace_exists(self, namespace: str) -> bool:
        return self._namespaces.get(namespace) is not None

    def service_by_ip(self, ip: str) -> dict[str, Any] | None:
        found = self._services.by_index(_IP, ip)
        return found[0] if found else None

    def slices_by_ip(self, ip: str) -> Iterable[dict[str, Any]]:
        return self._slices.by_index(_IP, ip)


def _service_of(slice_: dict[str, Any]) -> list[str]:
    name = meta.labels(slice_).get(SERVICE_NAME_LABEL)
    return [f"{meta.namespace(slice_)}/{name}"] if name else []


def _addresses(slice_: dict[str, Any]) -> list[str]:
    return [ip for endpoint in slice_.get("endpoints") or () for ip in endpoint.get("addresses", ())]
