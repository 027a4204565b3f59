"""Every operation of a resource: its path, verb, parameters, body and answer, as upstream names them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema import find_definition_name
from pynetes.apis.deletion import tells_deleted
from pynetes.apis.resource import Resource, Subresource
from pynetes.apiserver.openapi import parameters
from pynetes.apiserver.openapi.parameters import Parameter

Media = Literal["object", "stream", "raw", "log", "json", "keys"]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
STATUS = _META + "Status"
PATCH = _META + "Patch"
WATCH_EVENT = _META + "WatchEvent"
DELETE_OPTIONS = _META + "DeleteOptions"
RESOURCE_LIST = _META + "APIResourceList"
API_GROUP = _META + "APIGroup"
API_GROUP_LIST = _META + "APIGroupList"
API_VERSIONS = _META + "APIVersions"

_BREAK = re.compile(r"^\d|[^A-Za-z0-9_]")
"""What an identifier leaves out; the letter behind it becomes a capital."""
_CONNECT = frozenset(("attach", "exec", "portforward", "proxy"))
_CONNECT_METHODS = {
    "create": ("post",),
    "delete": ("delete",),
    "get": ("get", "head", "options"),
    "patch": ("patch",),
    "update": ("put",),
}


class Operation(Struct, frozen=True):
    """One method on one path. `body` and `answer` are definition names ("" for none; an answer of "" is a text)."""

    path: str
    method: str
    id: str
    action: str
    description: str
    gvk: GroupVersionKind | None
    tag: str
    path_parameters: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    body: str = ""
    answer: str = ""
    codes: tuple[int, ...] = (200,)
    media: Media = "object"
    takes: Media | None = "raw"
    """What version 2 says that it consumes."""
    custom: bool = False
    """Of a custom resource: no protobuf, no strategic merge. The original describes them apart from the others, and
    somewhat differently: what takes part in a watch or a delete of many is not said."""


def definition_of(gvk: GroupVersionKind, extra: Mapping[str, dict[str, Any]]) -> str:
    """The name of a kind's definition, built in or custom; empty if it has none."""
    name = find_definition_name(gvk)
    if name is not None:
        return name
    wanted = {"group": gvk.group, "version": gvk.version, "kind": gvk.kind}
    for name, schema in extra.items():
        if wanted in (schema.get("x-kubernetes-group-version-kind") or ()):
            return name
    return ""


def _identifier(text: str, *, capital: bool = True) -> str:
    """`rbac.authorization` → `RbacAuthorization`: letters, digits and `_`, in camel case."""
    first, *rest = _BREAK.split(text)
    return (_upper(first) if capital else first) + "".join(map(_upper, rest))


def _upper(word: str) -> str:
    return word[:1].upper() + word[1:]


def _trimmed(group: str) -> str:
    return group.removesuffix(".k8s.io") or "core"


def tag(group: str, version: str) -> str:
    name = _identifier(_trimmed(group), capital=False)
    return f"{name}_{version}" if version else name


def prefix(group: str, version: str) -> str:
    """`AppsV1`, as operation ids have it."""
    return _identifier(_trimmed(group)) + _identifier(version)


class _Builder:
    """The operations of one resource."""

    def __init__(self, resource: Resource, extra: Mapping[str, dict[str, Any]]) -> None:
        self._resource = resource
        self._custom = resource.schema is not None
        self._extra = extra
        gvk = resource.gvk
        self._prefix = prefix(gvk.group, gvk.version)
        self._tag = tag(gvk.group, gvk.version)
        self._root = ("/apis/" + gvk.group if gvk.group else "/api") + f"/{gvk.version}"
        self._scope = "Namespaced" if resource.namespaced else ""
        self._definition = definition_of(gvk, extra)
        self._list = definition_of(GroupVersionKind(gvk.group, gvk.version, resource.list_kind), extra)
        namespace = (parameters.in_path("namespace", gvk.kind),) if resource.namespaced else ()
        self._collection_parameters = namespace
        self._object_parameters = (parameters.in_path("name", gvk.kind), *namespace)

    def _path(self, watch: bool = False, all_namespaces: bool = False, name: bool = False) -> str:
        parts = [self._root]
        if watch:
            parts.append("watch")
        if self._resource.namespaced and not all_namespaces:
            parts.append("namespaces/{namespace}")
        parts.append(self._resource.plural)
        return "/".join([*parts, "{name}"] if name else parts)

    def _operation(self, path: str, method: str, verb: str, suffix: str, description: str, **more: Any) -> Operation:
        """`suffix` is the operation id behind the group and version."""
        more.setdefault("gvk", self._resource.gvk)
        more.setdefault("action", method)
        more["custom"] = self._custom
        queries = tuple(parameters.query(name) for name in more.pop("queries", ()))
        return Operation(
            path=path,
            method=method,
            id=f"{verb}{self._prefix}{_identifier(suffix)}",
            description=description,
            tag=self._tag,
            query=queries + more.pop("query", ()),
            **more,
        )

    def build(self) -> Iterator[Operation]:
        verbs = self._resource.verbs
        yield from self._collection(verbs)
        yield from self._object(verbs)
        if "watch" in verbs and not self._custom:
            yield from self._watches()
        for subresource in self._resource.subresources:
            yield from self._subresource(subresource)

    def _collection(self, verbs: tuple[str, ...]) -> Iterator[Operation]:
        kind = self._resource.gvk.kind
        path = self._path()
        where: dict[str, Any] = {"path_parameters": self._collection_parameters}
        if "list" in verbs:
            what = "list or watch" if "watch" in verbs and not self._custom else "list"
            text = f"{what} objects of kind {kind}"
            listing = {"answer": self._list, "action": "list", "media": "stream", "queries": parameters.LIST}
            yield self._operation(path, "get", "list", self._scope + kind, text, **where, **listing)
            if self._resource.namespaced:
                everywhere = self._path(all_namespaces=True)
                yield self._operation(everywhere, "get", "list", f"{kind}ForAllNamespaces", text, **listing)
        if "create" in verbs:
            yield self._operation(
                path, "post", "create", self._scope + kind, f"create {_with_article(kind)}", **where,
                body=self._definition, answer=self._definition, codes=(200, 201, 202), queries=parameters.CREATE,
            )  # fmt: skip
        if "deletecollection" in verbs:
            yield self._operation(
                path, "delete", "delete", f"Collection{self._scope}{kind}", f"delete collection of {kind}", **where,
                body="" if self._custom else DELETE_OPTIONS, answer=STATUS, action="deletecollection",
                queries=parameters.LIST if self._custom else parameters.DELETE_COLLECTION,
            )  # fmt: skip

    def _object(self, verbs: tuple[str, ...]) -> Iterator[Operation]:
        yield from self._read_write(self._path(name=True), verbs, "", self._resource.gvk, "")
        if "delete" in verbs:
            kind = self._resource.gvk.kind
            yield self._operation(
                self._path(name=True), "delete", "delete", self._scope + kind, f"delete {_with_article(kind)}",
                path_parameters=self._object_parameters, body=DELETE_OPTIONS, codes=(200, 202),
                answer=self._definition if tells_deleted(self._resource.gvk) else STATUS, queries=parameters.DELETE,
            )  # fmt: skip

    def _read_write(
        self, path: str, verbs: tuple[str, ...], suffix: str, gvk: GroupVersionKind, what: str
    ) -> Iterator[Operation]:
        """get, put and patch of an object or a subresource (`what` in descriptions)."""
        kind = self._resource.gvk.kind
        definition = definition_of(gvk, self._extra)
        name = f"{self._scope}{kind}{suffix}"
        told = self._resource.gvk if self._custom else gvk
        common: dict[str, Any] = {"path_parameters": self._object_parameters, "answer": definition, "gvk": told}
        of = f"{what}the specified {kind}"
        if "get" in verbs:
            queries = parameters.CUSTOM_GET if self._custom else ()
            yield self._operation(path, "get", "read", name, f"read {of}", **common, queries=queries)
        if "update" in verbs:
            yield self._operation(
                path, "put", "replace", name, f"replace {of}", **common,
                body=definition, codes=(200, 201), queries=parameters.UPDATE,
            )  # fmt: skip
        if "patch" in verbs:
            yield self._operation(
                path, "patch", "patch", name, f"partially update {of}", **common,
                body=PATCH, codes=(200,) if self._custom else (200, 201), queries=parameters.PATCH,
            )  # fmt: skip

    def _watches(self) -> Iterator[Operation]:
        """The deprecated paths under /watch."""
        kind = self._resource.gvk.kind
        common: dict[str, Any] = {"answer": WATCH_EVENT, "media": "stream", "queries": parameters.LIST}
        text = f"watch individual changes to a list of {kind}. deprecated: use the 'watch' parameter with a list"
        one = f"watch changes to an object of kind {kind}. deprecated: use the 'watch' parameter with a list"
        yield self._operation(
            self._path(watch=True), "get", "watch", f"{self._scope}{kind}List", text,
            path_parameters=self._collection_parameters, action="watchlist", **common,
        )  # fmt: skip
        if self._resource.namespaced:
            everywhere = self._path(watch=True, all_namespaces=True)
            name = f"{kind}ListForAllNamespaces"
            yield self._operation(everywhere, "get", "watch", name, text, action="watchlist", **common)
        if "get" in self._resource.verbs:
            yield self._operation(
                self._path(watch=True, name=True), "get", "watch", f"{self._scope}{kind}", one,
                path_parameters=self._object_parameters, action="watch", **common,
            )  # fmt: skip

    def _subresource(self, subresource: Subresource) -> Iterator[Operation]:
        gvk = subresource.gvk or self._resource.gvk
        path = f"{self._path(name=True)}/{subresource.name}"
        if subresource.name in _CONNECT:
            yield from self._connect(subresource, gvk, path)
        elif subresource.name == "log":
            yield self._operation(
                path, "get", "read", f"{self._scope}{self._resource.gvk.kind}Log", "read log of the specified "
                + self._resource.gvk.kind, path_parameters=self._object_parameters, query=parameters.CONNECT["log"],
                media="log",
            )  # fmt: skip
        else:
            title = subresource.name.capitalize()
            yield from self._read_write(path, subresource.verbs, title, gvk, f"{subresource.name} of ")
            if "create" in subresource.verbs:
                definition = definition_of(gvk, self._extra)
                yield self._operation(
                    path, "post", "create", f"{self._scope}{self._resource.gvk.kind}{title}",
                    f"create {subresource.name} of {_with_article(self._resource.gvk.kind)}",
                    path_parameters=self._object_parameters, gvk=gvk, body=definition, answer=definition,
                    codes=(200, 201, 202), queries=parameters.CREATE,
                )  # fmt: skip

    def _connect(self, subresource: Subresource, gvk: GroupVersionKind, path: str) -> Iterator[Operation]:
        kind = self._resource.gvk.kind
        title = subresource.name.capitalize()
        places = [(path, "", self._object_parameters)]
        if subresource.name == "proxy":
            inner = parameters.in_path("path", kind)
            places.append((path + "/{path}", "WithPath", (*self._object_parameters, inner)))
        for place, suffix, path_parameters in places:
            for method in (method for verb in subresource.verbs for method in _CONNECT_METHODS.get(verb, ())):
                if method in ("head", "options") and subresource.name != "proxy":
                    continue
                yield self._operation(
                    place, method, "connect", f"{method.capitalize()}{self._scope}{kind}{title}{suffix}",
                    f"connect {method.upper()} requests to {subresource.name} of {kind}",
                    path_parameters=path_parameters, action="connect", gvk=gvk, media="raw",
                    query=parameters.CONNECT[subresource.name],
                )  # fmt: skip


def _with_article(kind: str) -> str:
    """`a Pod`, `an Event`; a name that is a plural has none."""
    if kind.endswith("s") and not kind.endswith("ss"):
        return kind
    return ("an " if kind[:1] in "AEIOU" else "a ") + kind


def operations(resource: Resource, extra: Mapping[str, dict[str, Any]]) -> Iterator[Operation]:
    return _Builder(resource, extra).build()


def _unbound(path: str, verb: str, description: str, group_tag: str, answer: str, media: Media = "object") -> Operation:
    takes = media if answer else None
    return Operation(path, "get", verb, "", description, None, group_tag, answer=answer, media=media, takes=takes)


def version_root(group: str, version: str) -> Operation:
    """`/apis/apps/v1/`: the resources of a version."""
    path = f"/apis/{group}/{version}/" if group else f"/api/{version}/"
    identity = f"get{prefix(group, version)}APIResources"
    return _unbound(path, identity, "get available resources", tag(group, version), RESOURCE_LIST)


def group_root(group: str) -> Operation:
    """`/apis/apps/`: the versions of a group; the core group's `/api/`."""
    if not group:
        return _unbound("/api/", "getCoreAPIVersions", "get available API versions", "core", API_VERSIONS)
    identity = f"get{prefix(group, '')}APIGroup"
    return _unbound(f"/apis/{group}/", identity, "get information of a group", tag(group, ""), API_GROUP)


def groups_root() -> Operation:
    return _unbound("/apis/", "getAPIVersions", "get available API versions", "apis", API_GROUP_LIST)


def version_info() -> Operation:
    answer = "io.k8s.apimachinery.pkg.version.Info"
    return _unbound(
        "/version/", "getCodeVersion", "get the version information for this server", "version", answer, "json"
    )


def issuer_documents() -> dict[str, Operation]:
    """What token verifiers read about service accounts, by path."""
    configuration = ("OpenIDConfiguration", "get the OpenID configuration of the issuer", "WellKnown")
    keys = ("OpenIDKeyset", "get the public keys of the issuer", "openid")
    found: dict[str, tuple[tuple[str, str, str], Media]] = {
        ".well-known/openid-configuration": (configuration, "json"),
        "openid/v1/jwks": (keys, "keys"),
    }
    return {
        path: _unbound(f"/{path}/", f"getServiceAccountIssuer{name}", text, tag, "", media)
        for path, ((name, text, tag), media) in found.items()
    }


class Path(Struct, frozen=True):
    """The operations on one path; parameters that all of them take stand with the path, not with each."""

    shared: tuple[Parameter, ...]
    operations: tuple[Operation, ...]

    def own(self, operation: Operation) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in operation.query if parameter not in self.shared)


def by_path(found: Iterable[Operation]) -> dict[str, Path]:
    groups: dict[str, list[Operation]] = {}
    for operation in found:
        groups.setdefault(operation.path, []).append(operation)
    return {path: _path(members) for path, members in sorted(groups.items())}


def _path(members: list[Operation]) -> Path:
    first = members[0]
    if first.gvk is None and not first.path_parameters:
        return Path((), tuple(members))
    common = [parameter for parameter in first.query if all(parameter in other.query for other in members)]
    pretty = [] if first.action == "connect" else [parameters.query("pretty")]
    shared = sorted({*common, *first.path_parameters, *pretty}, key=lambda found: (found.name, found.place))
    return Path(tuple(shared), tuple(members))


def all_operations(resources: Iterable[Resource], extra: Mapping[str, dict[str, Any]]) -> list[Operation]:
    """Of every resource and every root, by path and method."""
    found: list[Operation] = [groups_root(), version_info(), *issuer_documents().values()]
    groups: set[str] = set()
    versions: set[tuple[str, str]] = set()
    for resource in resources:
        group, version = resource.gvk.group, resource.gvk.version
        if group not in groups:
            groups.add(group)
            found.append(group_root(group))
        if (group, version) not in versions:
            versions.add((group, version))
            found.append(version_root(group, version))
        found += operations(resource, extra)
    return sorted(found, key=lambda operation: (operation.path, operation.method))
