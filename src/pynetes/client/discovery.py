"""What an API server serves: its groups, versions and resources."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionResource, split_api_version
from pynetes.client.rest import Client

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
Object = dict[str, Any]


class DiscoveryFailed(Exception):
    """A root of the API could not be read."""


class APIResource(Struct, frozen=True):
    """One served resource (never a subresource)."""

    gvr: GroupVersionResource
    kind: str
    namespaced: bool
    verbs: frozenset[str]


class Discovered(Struct, frozen=True):
    """Resources of every served version, a group's preferred version first, and group versions that are stale:
    their server did not answer, so their absence means nothing."""

    resources: tuple[APIResource, ...]
    stale: frozenset[str] = frozenset()

    def preferred(self, *verbs: str) -> list[APIResource]:
        """One version of each resource: the first that supports all `verbs`."""
        found: dict[tuple[str, str], APIResource] = {}
        for resource in self.resources:
            if resource.verbs.issuperset(verbs):
                found.setdefault((resource.gvr.group, resource.gvr.resource), resource)
        return list(found.values())

    def by_kind(self, api_version: str, kind: str) -> APIResource | None:
        for resource in self.resources:
            if resource.kind == kind and resource.gvr.api_version == api_version:
                return resource
        return None


async def discover(client: Client) -> Discovered:
    """All that is served: two requests where the server speaks aggregated discovery, else one a group version."""
    resources: list[APIResource] = []
    stale: set[str] = set()
    for root in ("/api", "/apis"):
        response = await client.raw("GET", root, headers={"Accept": f"{_AGGREGATED},application/json"})
        if response.status != 200:
            raise DiscoveryFailed(f"GET {root}: status {response.status}")
        document = orjson.loads(response.body)
        if document.get("kind") == "APIGroupDiscoveryList":
            resources += _aggregated(document)
            stale.update(_stale(document))
        else:
            await _legacy(client, document, resources, stale)
    return Discovered(tuple(resources), frozenset(stale))


def _aggregated(document: Object) -> Iterator[APIResource]:
    for group in document.get("items") or ():
        name = group["metadata"].get("name", "")
        for version in group.get("versions") or ():
            for resource in version.get("resources") or ():
                yield APIResource(
                    GroupVersionResource(name, version["version"], resource["resource"]),
                    (resource.get("responseKind") or {}).get("kind", ""),
                    resource.get("scope") == "Namespaced",
                    frozenset(resource.get("verbs") or ()),
                )


def _stale(document: Object) -> Iterator[str]:
    for group in document.get("items") or ():
        name = group["metadata"].get("name", "")
        for version in group.get("versions") or ():
            if version.get("freshness") == "Stale":
                yield f"{name}/{version['version']}" if name else version["version"]


async def _legacy(client: Client, document: Object, into: list[APIResource], stale: set[str]) -> None:
    for group_version in _group_versions(document):
        root = "/apis/" if "/" in group_version else "/api/"
        response = await client.raw("GET", root + group_version)
        if response.status == 200:
            into += _resources(group_version, orjson.loads(response.body).get("resources") or ())
        elif response.status != 404:
            stale.add(group_version)


def _group_versions(document: Object) -> list[str]:
    if document.get("kind") == "APIVersions":
        return list(document.get("versions") or ())
    found = []
    for group in document.get("groups") or ():
        preferred = (group.get("preferredVersion") or {}).get("groupVersion")
        versions = [v["groupVersion"] for v in group.get("versions") or ()]
        found += sorted(versions, key=lambda v: v != preferred)
    return found


def _resources(group_version: str, entries: Iterable[Object]) -> Iterator[APIResource]:
    group, version = split_api_version(group_version)
    for entry in entries:
        if "/" not in entry["name"]:
            yield APIResource(
                GroupVersionResource(group, version, entry["name"]),
                entry["kind"],
                bool(entry.get("namespaced")),
                frozenset(entry.get("verbs") or ()),
            )
