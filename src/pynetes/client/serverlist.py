"""Which API servers a cluster has, told to its clients while they run: the endpoints of the Service `kubernetes`."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client import kubeconfig
from pynetes.client.reflector import Reflector
from pynetes.client.rest import Client
from pynetes.client.watch import DELETED, WatchEvent

log = logging.getLogger(__name__)

Object = dict[str, Any]

NAME, NAMESPACE = "kubernetes", "default"
ENDPOINT_SLICES = GroupVersionResource("discovery.k8s.io", "v1", "endpointslices")

Told = Callable[[list[str]], object]


def addresses(endpoint_slice: Mapping[str, Any]) -> list[str]:
    """The servers' URLs, in the slice's order."""
    ports = [port["port"] for port in endpoint_slice.get("ports") or () if port.get("name") == "https"]
    found = []
    for endpoint in endpoint_slice.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready") is False:
            continue
        hosts = [f"[{address}]" if ":" in address else address for address in endpoint["addresses"]]
        found += [f"https://{host}:{port}" for host in hosts for port in ports]
    return found


class ServerList:
    """Follows the slice and tells every list that is not empty. A `Consumer` of the reflector."""

    def __init__(self, client: Client, told: Sequence[Told]) -> None:
        self._told = told
        self._reflector = Reflector(
            client, ENDPOINT_SLICES, self, namespace=NAMESPACE, field_selector=f"metadata.name={NAME}"
        )

    async def run(self) -> None:
        """Until cancelled."""
        await self._reflector.run()

    def replace(self, items: list[Object]) -> None:
        for item in items:
            self._tell(item)

    def apply(self, event: WatchEvent) -> None:
        if event.type != DELETED:
            self._tell(event.object)

    def _tell(self, endpoint_slice: Object) -> None:
        found = addresses(endpoint_slice)
        if found:
            for told in self._told:
                told(found)


def keep_in(path: Path) -> Told:
    """Writes the list into a kubeconfig that keeps one: whoever starts next begins with it."""

    def told(servers: list[str]) -> None:
        try:
            document = kubeconfig.read(path)
            changed = kubeconfig.with_servers(document, servers)
            if changed != document:
                kubeconfig.write(path, changed)
                log.info("the API servers are %s", ", ".join(servers))
        except (kubeconfig.ConfigError, OSError) as error:
            log.warning("the API servers are not written down: %s", error)

    return told
