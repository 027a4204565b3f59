"""From a request to its endpoint: resources by what RequestInfo read off the path, everything else by path."""

from collections.abc import Awaitable, Callable

import orjson

from pynetes.apimachinery.errors import (
    bad_request,
    method_not_allowed,
    method_not_supported,
    not_found,
    route_not_found,
)
from pynetes.apis.resource import Resource
from pynetes.apiserver.endpoints.scope import Endpoint, Scope
from pynetes.apiserver.http import Answer, Handler, Request, Response, text
from pynetes.apiserver.requestinfo import RequestInfo

#: (group, version, resource, subresource, verb)
Route = tuple[str, str, str, str, str]
#: Asked before a resource is said to be missing: another server may have learnt of it first. Whether to look again.
Late = Callable[[RequestInfo], Awaitable[bool]]


#: Serves a path however it is asked for; a document answers GET alone, with and without slashes behind its path.
_Path = tuple[Handler, bool]
_ITEM_VERBS = frozenset(("get", "update", "patch", "delete"))


class Router:
    """All endpoints of the server."""

    def __init__(self) -> None:
        self._routes: dict[Route, Handler] = {}
        self._resources: dict[tuple[str, str, str], Resource] = {}
        self._paths: dict[str, _Path] = {}
        self._unlisted: set[str] = set()
        self._prefixes: list[tuple[str, Handler]] = []
        self.late: Late | None = None
        #: Group versions that another server serves, by the start of their paths (`/apis/GROUP/VERSION`).
        self.elsewhere: dict[str, Handler] = {}

    # --- building

    def add_resource(self, resource: Resource) -> None:
        """Makes the resource known; verbs that have no endpoint get a 405."""
        self._resources[resource.gvk.group, resource.gvk.version, resource.plural] = resource

    def add(self, resource: Resource, subresource: str, verb: str, handler: Handler) -> None:
        """`handler` serves the verb of a resource, at the paths that upstream has for it."""
        self._routes[resource.gvk.group, resource.gvk.version, resource.plural, subresource, verb] = handler

    def remove_resource(self, resource: Resource) -> None:
        """Withdraws a resource with all of its endpoints."""
        whose = (resource.gvk.group, resource.gvk.version, resource.plural)
        self._resources.pop(whose, None)
        for route in [route for route in self._routes if route[:3] == whose]:
            del self._routes[route]

    def add_path(self, path: str, handler: Handler, *, listed: bool = True) -> None:
        """`handler` is asked by any method. `listed`: the index names the path."""
        self._paths[path] = (handler, False)
        if not listed:
            self._unlisted.add(path)

    def add_document(self, path: str, handler: Handler) -> None:
        """`handler` is asked by GET alone."""
        self._paths[path] = (handler, True)

    def remove_path(self, path: str) -> None:
        self._paths.pop(path, None)

    def add_prefix(self, prefix: str, handler: Handler) -> None:
        """Serves everything below `prefix`, which ends with a slash."""
        self._prefixes.append((prefix, handler))

    @property
    def paths(self) -> list[str]:
        prefixes = {prefix for prefix, _ in self._prefixes}
        return sorted({*self._paths, *prefixes, *self.elsewhere} - self._unlisted)

    # --- serving

    async def handle(self, request: Request) -> Answer:
        info = request.info
        assert info is not None
        if self.elsewhere and (other := self.elsewhere.get(_root_of(request.path))) is not None:
            return await other(request)
        if request.path.startswith("//"):
            return no_page()  # RequestInfo reads over it, the original's router does not
        if not info.is_resource:
            return await self._handle_path(request)
        route = (info.group, info.version, info.resource, info.subresource, info.verb)
        handler = self._routes.get(route)
        if handler is None and self.late is not None and await self.late(info):
            handler = self._routes.get(route)
        if info.verb_in_path:
            if handler is None:
                raise route_not_found()
            if request.method != "GET":
                raise method_not_allowed()
        if handler is None:
            return self._missing(info)
        resource = self._resources[info.group, info.version, info.resource]
        if resource.schema is not None:
            return await _handle_custom(resource, request, info, handler)
        if len(info.parts) > 3 and info.subresource != "proxy":
            raise route_not_found()
        _check_scope(resource, info)
        if _has_no_items(resource, info):
            raise route_not_found()
        # The original's router knows no HEAD.
        refused = request.method == "HEAD" and info.subresource != "proxy"
        if refused or not _names_what_it_needs(info):
            raise method_not_allowed()
        return await handler(request)

    async def _handle_path(self, request: Request) -> Answer:
        path = request.path
        handler, is_document = self._paths.get(path) or self._paths.get(path.rstrip("/")) or (None, False)
        if handler is None or not (is_document or path in self._paths):
            below = (handler for prefix, handler in self._prefixes if path.startswith(prefix) and path != prefix)
            handler = next(below, None)
        if handler is None:
            return self._unknown(request)
        if is_document and request.method != "GET":
            raise method_not_allowed()
        return await handler(request)

    def _missing(self, info: RequestInfo) -> Answer:
        resource = self._resources.get((info.group, info.version, info.resource))
        if resource is not None and resource.schema is not None and not _in_scope(resource, info):
            return no_page()
        known = resource is not None and (not info.subresource or resource.subresource(info.subresource) is not None)
        if resource is not None and known:
            if resource.schema is not None:
                raise method_not_supported(resource.gvr.group_resource, info.verb)
            # Where nothing of a namespace's can be listed, there is nothing but in namespaces.
            nowhere = resource.namespaced and not info.namespace and "list" not in resource.verbs
            raise route_not_found() if nowhere or _has_no_items(resource, info) else method_not_allowed()
        if resource is not None and resource.schema is not None and info.subresource:
            raise not_found(resource.gvr.group_resource, info.name)
        if resource is not None or self._serves(info.api_prefix, info.group):
            raise route_not_found()
        return no_page()

    def _unknown(self, request: Request) -> Answer:
        """Below a served group, what is missing is answered as an API answers; elsewhere, as a web server does."""
        prefix, _, rest = request.path.removeprefix("/").partition("/")
        if prefix == "version" or self._serves(prefix, rest.partition("/")[0] if prefix == "apis" else ""):
            raise route_not_found()
        return no_page()

    def _serves(self, prefix: str, group: str) -> bool:
        """Groups of custom resources alone are not meant: of them the original knows no more than it is asked."""
        return prefix == "api" or (
            prefix == "apis" and any(group == r.gvk.group and r.schema is None for r in self._resources.values())
        )

    async def index(self, request: Request) -> Answer:
        """`/`: the list of paths."""
        return Response(200, orjson.dumps({"paths": self.paths}, option=orjson.OPT_INDENT_2))


def no_page() -> Response:
    """Nothing is served there."""
    return text("404 page not found\n", 404)


def _root_of(path: str) -> str:
    """The start of a path that names a group version, if it does: `/apis/GROUP/VERSION`, `/api/VERSION`."""
    parts = path.strip("/").split("/", 3)
    return "/" + "/".join(parts[:2] if parts[0] == "api" else parts[:3])


def _check_scope(resource: Resource, info: RequestInfo) -> None:
    """A namespace in the path where there must be one, and only there.

    The second is more than tidiness: rights in a namespace are no rights to what belongs to the whole cluster.
    """
    if resource.namespaced:
        if not info.namespace and info.verb not in ("list", "watch"):
            raise method_not_allowed() if not info.name and "list" in resource.verbs else route_not_found()
    elif info.namespace and not _is_namespace(info):
        raise route_not_found()


def _is_namespace(info: RequestInfo) -> bool:
    """`/api/v1/namespaces/NAME`, whose name is also that of the namespace that the request is in."""
    return info.resource == "namespaces" and info.name == info.namespace and info.path.count("/namespaces/") == 1


async def _handle_custom(resource: Resource, request: Request, info: RequestInfo, handler: Handler) -> Answer:
    """The original serves custom resources without its router: by their verb, whatever else the path says."""
    if not _in_scope(resource, info):
        return no_page()
    if not info.name and info.verb in ("update", "patch"):
        raise bad_request("name must be provided")
    return await handler(request)


def _in_scope(resource: Resource, info: RequestInfo) -> bool:
    """The same for custom resources, which are not there at all in the wrong place."""
    if resource.namespaced:
        return bool(info.namespace) or info.verb in ("list", "watch")
    return not info.namespace


def _has_no_items(resource: Resource, info: RequestInfo) -> bool:
    """Whether the path names an object of a kind that is only ever created: bindings, reviews."""
    return len(info.parts) == 2 and not _ITEM_VERBS.intersection(resource.verbs)


def _names_what_it_needs(info: RequestInfo) -> bool:
    """Objects are created in a collection, and changed by name."""
    if info.subresource:
        return True
    return not info.name if info.verb == "create" else bool(info.name) or info.verb not in ("update", "patch")


def bind(scope: Scope, endpoint: Endpoint) -> Handler:
    """An endpoint with what it serves."""

    async def handle(request: Request) -> Answer:
        return await endpoint(scope, request)

    return handle
