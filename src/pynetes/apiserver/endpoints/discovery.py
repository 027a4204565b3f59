"""Discovery: which groups, versions and resources there are, in the classic form and aggregated."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import Resource, Subresource
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import MediaType, negotiate

Object = dict[str, Any]

_AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Discovery:
    """Documents made once, from the table of resources."""

    def __init__(self, resources: Iterable[Resource], server_address: str) -> None:
        self._address = server_address
        self._groups: dict[str, dict[str, list[Resource]]] = {}
        for resource in resources:
            self._groups.setdefault(resource.gvk.group, {}).setdefault(resource.gvk.version, []).append(resource)

    def handlers(self) -> dict[str, Handler]:
        """By path."""
        named = {group: versions for group, versions in self._groups.items() if group}
        core = {"": self._groups.get("", {})}
        out: dict[str, Handler] = {
            "/api": _document(self._api_versions(), aggregated(core)),
            "/apis": _document(
                {"kind": "APIGroupList", "apiVersion": "v1", "groups": [self._group(g) for g in named]},
                aggregated(named),
            ),
        }
        for group, versions in self._groups.items():
            root = f"/apis/{group}" if group else "/api"
            if group:
                out[root] = _document({"kind": "APIGroup", "apiVersion": "v1", **self._group(group)})
            for version, resources in versions.items():
                out[f"{root}/{version}"] = _document(resource_list(group, version, resources))
        return out

    def _api_versions(self) -> Object:
        address = {"clientCIDR": "0.0.0.0/0", "serverAddress": self._address}
        return {
            "kind": "APIVersions",
            "versions": list(self._groups.get("", {})),
            "serverAddressByClientCIDRs": [address],
        }

    def _group(self, group: str) -> Object:
        versions = [{"groupVersion": f"{group}/{v}", "version": v} for v in self._groups[group]]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}


# --- one group version


def resource_list(group: str, version: str, resources: Sequence[Resource]) -> Object:
    """The APIResourceList of a group version, sorted by name as upstream's."""
    entries: list[Object] = []
    for resource in resources:
        entries.append(_entry(resource))
        entries += [_sub_entry(resource, sub) for sub in resource.subresources]
    entries.sort(key=lambda entry: entry["name"])
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}


def _entry(resource: Resource) -> Object:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.gvk.kind,
        "verbs": sorted(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.storage_version_hash:
        entry["storageVersionHash"] = resource.storage_version_hash
    return entry


def _sub_entry(resource: Resource, sub: Subresource) -> Object:
    kind = sub.gvk or resource.gvk
    entry: Object = {"name": f"{resource.plural}/{sub.name}", "singularName": "", "namespaced": resource.namespaced}
    if (kind.group, kind.version) != (resource.gvk.group, resource.gvk.version):
        if kind.group:
            entry["group"] = kind.group
        entry["version"] = kind.version
    return {**entry, "kind": kind.kind, "verbs": sorted(sub.verbs)}


# --- aggregated


def aggregated(groups: dict[str, dict[str, list[Resource]]]) -> Object:
    """The APIGroupDiscoveryList of some groups."""
    items = [
        {
            "metadata": {"name": group, "creationTimestamp": None} if group else {"creationTimestamp": None},
            "versions": [
                {"version": version, "resources": _aggregated_resources(resources), "freshness": "Current"}
                for version, resources in versions.items()
            ],
        }
        for group, versions in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_resources(resources: Sequence[Resource]) -> list[Object]:
    return [_aggregated_entry(resource) for resource in sorted(resources, key=lambda resource: resource.plural)]


def _aggregated_entry(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.plural,
        "responseKind": _kind(resource.gvk),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": sorted(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {"subresource": sub.name, "responseKind": _kind(sub.gvk or resource.gvk), "verbs": sorted(sub.verbs)}
            for sub in sorted(resource.subresources, key=lambda sub: sub.name)
        ]
    return entry


def _kind(gvk: GroupVersionKind) -> Object:
    return {"group": gvk.group, "version": gvk.version, "kind": gvk.kind}


# --- serving


def _document(classic: Object, aggregate: Object | None = None) -> Handler:
    whole = orjson.dumps(aggregate, option=orjson.OPT_APPEND_NEWLINE) if aggregate else b""
    etag = f'"{hashlib.sha512(whole).hexdigest().upper()}"'

    async def handle(request: Request) -> Answer:
        media = negotiate(request, "discovery" if aggregate else "plain")
        if media.transform is not None and media.transform.version == "v2":
            return _aggregated_answer(request, whole, etag)
        return _classic_answer(classic, media)

    return handle


def _classic_answer(document: Object, media: MediaType) -> Response:
    return Response(200, media.codec.encode(document, media.pretty), media.codec.media_type)


def _aggregated_answer(request: Request, body: bytes, etag: str) -> Response:
    headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "public"}
    if request.headers.get("If-None-Match") == etag:
        return Response(304, b"", _AGGREGATED_TYPE, headers)
    return Response(200, body, _AGGREGATED_TYPE, headers)
