"""What tests of the API server's parts share: keys of a server on loopback, and objects without a registry."""

from typing import Any

import pytest

from pynetes.apimachinery import errors
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.component import pki
from pynetes.component.pki import PKI


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    return pki.ensure(tmp_path_factory.mktemp("pki"), addresses=("127.0.0.1",), dns_names=("localhost",))


class MemoryObjects:
    """An `ObjectReader` over a dict."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str, str], dict[str, Any]] = {}

    def add(self, plural: str, obj: dict[str, Any]) -> dict[str, Any]:
        metadata = obj["metadata"]
        self.found[plural, metadata.get("namespace", ""), metadata["name"]] = obj
        return obj

    def remove(self, plural: str, obj: dict[str, Any]) -> None:
        metadata = obj["metadata"]
        del self.found[plural, metadata.get("namespace", ""), metadata["name"]]

    async def get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> dict[str, Any]:
        found = self.cached_get(gvr, name, namespace)
        if found is None:
            raise errors.not_found(gvr.group_resource, name)
        return found

    def cached_get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        return self.found.get((gvr.resource, namespace or "", name))

    def cached_list(self, gvr: GroupVersionResource, namespace: str | None = None) -> list[dict[str, Any]]:
        return [
            obj for (plural, ns, _), obj in self.found.items() if plural == gvr.resource and namespace in (None, ns)
        ]


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()
