"""Discovery: which groups, versions and resources there are, in the classic form and aggregated."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.versions import version_key
from pynetes.apis.resource import Resource, Subresource
from pynetes.apiserver.aggregation.priorities import listed, ordered, priority
from pynetes.apiserver.encoding import JSON
from pynetes.apiserver.endpoints.router import Router
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import MediaType, negotiate

Object = dict[str, Any]

_AGGREGATED = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class Elsewhere(Struct, frozen=True):
    """A group version that another server serves; its resources as entries of aggregated discovery."""

    group: str
    version: str
    priority: tuple[int, int]
    resources: Sequence[Object] = field(default_factory=tuple)
    #: False if that server does not answer: then the resources are those of the past.
    current: bool = True


class Discovery:
    """The documents at their paths in a router; each is made when it is first asked for after a change."""

    def __init__(self, router: Router, resources: Iterable[Resource], server_address: str) -> None:
        self._router = router
        self._built_in = tuple(resources)
        self._address = server_address
        self._groups: dict[str, dict[str, list[Resource]]] = {}
        self._elsewhere: dict[tuple[str, str], Elsewhere] = {}
        self._paths: dict[str, Callable[[], _Document]] = {}
        self._made: dict[str, _Document] = {}
        self.update(())

    def update(self, custom: Iterable[Resource]) -> None:
        """What is served besides the built-in resources."""
        self._groups = _grouped(self._built_in, custom)
        self._refresh()

    def extend(self, others: Iterable[Elsewhere]) -> None:
        """What other servers serve."""
        self._elsewhere = {(other.group, other.version): other for other in others}
        self._refresh()

    def _refresh(self) -> None:
        self._made.clear()
        before, self._paths = self._paths, self._makers()
        for path in before.keys() - self._paths.keys():
            self._router.remove_path(path)
            self._router.remove_path(f"{path}/")
        for path in self._paths.keys() - before.keys():
            if path in ("/apis", "/apis/"):
                self._router.add_path(path, self._handler(path))
            elif path.startswith("/apis/") and path.count("/") == 2:  # a group is told by any method
                self._router.add_path(path, self._handler(path))
                self._router.add_path(f"{path}/", self._handler(path), listed=False)
            else:
                self._router.add_document(path, self._handler(path))

    def _handler(self, path: str) -> Handler:
        async def handle(request: Request) -> Answer:
            document = self._made.get(path)
            if document is None:
                document = self._made[path] = self._paths[path]()
            return document.answer(request)

        return handle

    def _makers(self) -> dict[str, Callable[[], "_Document"]]:
        out: dict[str, Callable[[], _Document]] = {"/api": self._core, "/apis": self._named, "/apis/": self._listed}
        for group in self._versions():
            if group:
                out[f"/apis/{group}"] = partial(self._one_group, group)
        for group, versions in self._groups.items():
            root = f"/apis/{group}" if group else "/api"
            for version, resources in versions.items():
                out[f"{root}/{version}"] = partial(_resources, group, version, resources)
        return out

    def _core(self) -> "_Document":
        return _Document(self._api_versions(), self._aggregated(""), family="discovery")

    def _named(self) -> "_Document":
        named = [group for group in self._versions() if group]
        return _Document(self._group_list(), self._aggregated(*named), family="groups")

    def _listed(self) -> "_Document":
        """With a slash behind it, /apis knows the classic form alone."""
        return _Document(self._group_list(), family="group")

    def _group_list(self) -> Object:
        groups = [self._group(group) for group in listed(self._ranks()) if group]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _one_group(self, group: str) -> "_Document":
        return _Document({"kind": "APIGroup", "apiVersion": "v1", **self._group(group)}, family="group")

    def _api_versions(self) -> Object:
        address = {"clientCIDR": "0.0.0.0/0", "serverAddress": self._address}
        return {
            "kind": "APIVersions",
            "versions": list(self._groups.get("", {})),
            "serverAddressByClientCIDRs": [address],
        }

    def _group(self, group: str) -> Object:
        versions = [{"groupVersion": f"{group}/{v}", "version": v} for v in self._versions()[group]]
        return {"name": group, "versions": versions, "preferredVersion": versions[0]}

    def _versions(self) -> dict[str, list[str]]:
        """All groups with their versions, in order."""
        if not self._elsewhere:
            return {group: list(versions) for group, versions in self._groups.items()}
        return ordered(self._ranks())

    def _ranks(self) -> dict[tuple[str, str], tuple[int, int]]:
        """The priorities of all groups and versions."""
        own = {(group, v): priority(group, v) for group, versions in self._groups.items() for v in versions}
        return own | {key: other.priority for key, other in self._elsewhere.items()}

    def _aggregated(self, *groups: str) -> Object:
        versions = self._versions()
        return aggregated({group: {v: self._entry(group, v) for v in versions.get(group, ())} for group in groups})

    def _entry(self, group: str, version: str) -> Object:
        """One version of aggregated discovery."""
        other = self._elsewhere.get((group, version))
        if other is None:
            resources = _aggregated_resources(self._groups[group][version])
            return {"version": version, "resources": resources, "freshness": "Current"}
        told: Object = {"resources": list(other.resources)} if other.resources else {}
        return {"version": version, **told, "freshness": "Current" if other.current else "Stale"}


def _grouped(built_in: Iterable[Resource], custom: Iterable[Resource]) -> dict[str, dict[str, list[Resource]]]:
    """Groups of custom resources follow the built-in ones, by name; their versions in the order of preference. Built-in
    versions are told without the custom resources that someone defines in them."""
    groups: dict[str, dict[str, list[Resource]]] = {}
    for resource in built_in:
        groups.setdefault(resource.gvk.group, {}).setdefault(resource.gvk.version, []).append(resource)
    taken = {(group, version) for group, versions in groups.items() for version in versions}
    others = (each for each in custom if (each.gvk.group, each.gvk.version) not in taken)
    order = sorted(others, key=lambda r: (r.gvk.group, version_key(r.gvk.version), r.plural))
    for resource in order:
        groups.setdefault(resource.gvk.group, {}).setdefault(resource.gvk.version, []).append(resource)
    return groups


def _resources(group: str, version: str, resources: Sequence[Resource]) -> "_Document":
    return _Document(resource_list(group, version, resources))


# --- one group version


def resource_list(group: str, version: str, resources: Sequence[Resource]) -> Object:
    """The APIResourceList of a group version, sorted by name as upstream's."""
    entries: list[Object] = []
    for resource in resources:
        entries.append(_entry(resource))
        entries += [_sub_entry(resource, sub) for sub in resource.subresources]
    if all(resource.schema is None for resource in resources):
        entries.sort(key=lambda entry: entry["name"])
    if not group:  # the oldest of the documents does not say its version
        return {"kind": "APIResourceList", "groupVersion": version, "resources": entries}
    head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/{version}"}
    return {**head, "resources": entries}


def _entry(resource: Resource) -> Object:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.gvk.kind,
        "verbs": _verbs(resource),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.storage_version_hash:
        entry["storageVersionHash"] = resource.storage_version_hash
    return entry


def _verbs(resource: Resource) -> list[str]:
    """Sorted, but for custom resources, as upstream's."""
    return list(resource.verbs) if resource.schema is not None else sorted(resource.verbs)


def _subresources(resource: Resource) -> Sequence[Subresource]:
    if resource.schema is not None:
        return resource.subresources
    return sorted(resource.subresources, key=lambda sub: sub.name)


def _sub_entry(resource: Resource, sub: Subresource) -> Object:
    kind = sub.gvk or resource.gvk
    entry: Object = {"name": f"{resource.plural}/{sub.name}", "singularName": "", "namespaced": resource.namespaced}
    if (kind.group, kind.version) != (resource.gvk.group, resource.gvk.version):
        if kind.group:
            entry["group"] = kind.group
        entry["version"] = kind.version
    return {**entry, "kind": kind.kind, "verbs": sorted(sub.verbs)}


# --- aggregated


def aggregated(groups: Mapping[str, Mapping[str, Object]]) -> Object:
    """The APIGroupDiscoveryList of some groups, from their versions' entries."""
    items = [
        {
            "metadata": {"name": group} if group else {},
            "versions": list(versions.values()),
        }
        for group, versions in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _aggregated_resources(resources: Sequence[Resource]) -> list[Object]:
    return [_aggregated_entry(resource) for resource in sorted(resources, key=lambda resource: resource.plural)]


def _aggregated_entry(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.plural,
        "responseKind": _kind(resource.gvk, resource),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": _verbs(resource),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": _kind(sub.gvk or resource.gvk, resource),
                "verbs": sorted(sub.verbs),
            }
            for sub in _subresources(resource)
        ]
    return entry


def _kind(gvk: GroupVersionKind, resource: Resource) -> Object:
    """Built-in kinds leave out the group version that they are listed under."""
    if resource.schema is None and (gvk.group, gvk.version) == (resource.gvk.group, resource.gvk.version):
        return {"group": "", "version": "", "kind": gvk.kind}
    return {"group": gvk.group, "version": gvk.version, "kind": gvk.kind}


# --- serving


class _Document:
    """One document in its classic form, and aggregated where there is such a form."""

    def __init__(self, classic: Object, aggregate: Object | None = None, *, family: str = "plain") -> None:
        """`family`, see `negotiate`."""
        self._classic = classic
        self._family = family
        self._aggregate = aggregate
        self._whole = JSON.encode(aggregate, False) if aggregate else b""
        self._etag = f'"{hashlib.sha512(self._whole).hexdigest().upper()}"'

    def answer(self, request: Request) -> Response:
        media = negotiate(request, self._family)
        if media.transform is not None and media.transform.version == "v2":
            plain = media.codec is JSON and not media.pretty
            body = self._whole if plain else media.codec.encode(self._aggregate, media.pretty)
            return _aggregated_answer(request, body, self._etag, f"{media.codec.media_type};{_AGGREGATED}")
        return _classic_answer(self._classic, media)


def _classic_answer(document: Object, media: MediaType) -> Response:
    return Response(200, media.codec.encode(document, media.pretty), media.codec.media_type)


def _aggregated_answer(request: Request, body: bytes, etag: str, content_type: str) -> Response:
    headers = {"ETag": etag, "Vary": "Accept", "Cache-Control": "public"}
    if request.headers.get("If-None-Match") == etag:
        return Response(304, b"", "", headers)
    return Response(200, body, content_type, headers)
