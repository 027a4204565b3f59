"""What an extension serves, in the form of aggregated discovery, whichever form it speaks."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from pynetes.apiserver.aggregation.connection import Connections
from pynetes.apiserver.aggregation.extension import Extension

Object = dict[str, Any]

_V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_V2_BETA = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"


class DiscoveryError(Exception):
    """The extension does not tell what it serves."""


async def fetch(connections: Connections, extension: Extension) -> list[Object]:
    """The resources of the extension's group version; DiscoveryError, or an error of the connection."""
    answer = await connections.fetch(extension, "/apis", f"{_V2},{_V2_BETA}")
    if answer.status == 503:
        raise DiscoveryError(f"service {extension.service} returned non-success response code: 503")
    document = _parsed(answer.body) if answer.status == 200 else {}
    if document.get("kind") == "APIGroupDiscoveryList":
        return picked(document, extension.group, extension.version)
    answer = await connections.fetch(extension, extension.root, "application/json")
    if answer.status != 200:
        raise DiscoveryError(f"failed to download legacy discovery for {extension.root}: {answer.status}")
    return list(converted(_parsed(answer.body), extension.group, extension.version))


def _parsed(body: bytes) -> Object:
    try:
        document = orjson.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def picked(document: Object, group: str, version: str) -> list[Object]:
    """A group version's resources out of an APIGroupDiscoveryList; none if it is not there."""
    for item in document.get("items") or ():
        if (item.get("metadata") or {}).get("name", "") == group:
            for found in item.get("versions") or ():
                if found.get("version") == version:
                    return [_complete(resource) for resource in found.get("resources") or ()]
    return []


def _complete(resource: Object) -> Object:
    """Clients rely on a `responseKind`, even an empty one."""
    out = {**resource, "responseKind": resource.get("responseKind") or {}}
    if resource.get("subresources"):
        out["subresources"] = [
            {**sub, "responseKind": sub.get("responseKind") or {}} for sub in resource["subresources"]
        ]
    return out


def converted(resources: Object, group: str, version: str) -> Iterator[Object]:
    """The entries of an APIResourceList, subresources below what they belong to."""
    entries: list[Object] = list(resources.get("resources") or ())
    for entry in entries:
        if "/" in entry["name"]:
            continue
        out: Object = {
            "resource": entry["name"],
            "responseKind": _kind(entry, group, version),
            "scope": "Namespaced" if entry.get("namespaced") else "Cluster",
            "singularResource": entry.get("singularName") or "",
            "verbs": list(entry.get("verbs") or ()),
        }
        for key in ("shortNames", "categories"):
            if entry.get(key):
                out[key] = list(entry[key])
        subresources = list(_subresources(entry["name"], entries, group, version))
        if subresources:
            out["subresources"] = subresources
        yield out


def _subresources(plural: str, entries: Iterable[Object], group: str, version: str) -> Iterator[Object]:
    for entry in entries:
        parent, slash, name = entry["name"].partition("/")
        if slash and parent == plural:
            yield {
                "subresource": name,
                "responseKind": _kind(entry, group, version),
                "verbs": list(entry.get("verbs") or ()),
            }


def _kind(entry: Object, group: str, version: str) -> Object:
    return {
        "group": entry.get("group") or group,
        "version": entry.get("version") or version,
        "kind": entry.get("kind") or "",
    }
