"""From a request to its endpoint: resources by what RequestInfo read off the path, everything else by path."""

import orjson

from pynetes.apimachinery.errors import StatusError, route_not_found
from pynetes.apis.resource import Resource
from pynetes.apiserver.endpoints.scope import Endpoint, Scope
from pynetes.apiserver.http import Answer, Handler, Request, Response, text
from pynetes.apiserver.requestinfo import RequestInfo

#: (group, version, resource, subresource, verb)
Route = tuple[str, str, str, str, str]


class Router:
    """All endpoints of the server."""

    def __init__(self) -> None:
        self._routes: dict[Route, Handler] = {}
        self._resources: dict[tuple[str, str, str], Resource] = {}
        self._paths: dict[str, Handler] = {}
        self._prefixes: list[tuple[str, Handler]] = []

    # --- building

    def add_resource(self, resource: Resource) -> None:
        """Makes the resource known; verbs that have no endpoint get a 405."""
        self._resources[resource.gvk.group, resource.gvk.version, resource.plural] = resource

    def add(self, resource: Resource, subresource: str, verb: str, handler: Handler) -> None:
        """`handler` serves the verb of a resource, at the paths that upstream has for it."""
        self._routes[resource.gvk.group, resource.gvk.version, resource.plural, subresource, verb] = handler

    def add_path(self, path: str, handler: Handler) -> None:
        self._paths[path] = handler

    def add_prefix(self, prefix: str, handler: Handler) -> None:
        """Serves `prefix` and everything below it."""
        self._paths[prefix] = handler
        self._prefixes.append((prefix.rstrip("/") + "/", handler))

    @property
    def paths(self) -> list[str]:
        return sorted(self._paths)

    # --- serving

    async def handle(self, request: Request) -> Answer:
        info = request.info
        assert info is not None
        if not info.is_resource:
            return await self._handle_path(request)
        handler = self._routes.get((info.group, info.version, info.resource, info.subresource, info.verb))
        if handler is None:
            return self._missing(info)
        if len(info.parts) > 3 and info.subresource != "proxy":
            raise route_not_found()
        _check_scope(self._resources[info.group, info.version, info.resource], info)
        if (request.method == "HEAD" and info.subresource != "proxy") or not _names_what_it_needs(info):
            raise _not_allowed()
        return await handler(request)

    async def _handle_path(self, request: Request) -> Answer:
        path = request.path.rstrip("/") or "/"
        handler = self._paths.get(path)
        if handler is None:
            handler = next((handler for prefix, handler in self._prefixes if path.startswith(prefix)), None)
        if handler is None:
            return self._unknown(request)
        if request.method not in ("GET", "HEAD"):
            raise _not_allowed()
        return await handler(request)

    def _missing(self, info: RequestInfo) -> Answer:
        resource = self._resources.get((info.group, info.version, info.resource))
        known = resource is not None and (not info.subresource or resource.subresource(info.subresource) is not None)
        if known:
            raise _not_allowed()
        if resource is not None or self._serves(info.api_prefix, info.group):
            raise route_not_found()
        return text("404 page not found\n", 404)

    def _unknown(self, request: Request) -> Answer:
        """Below a served group, what is missing is answered as an API answers; elsewhere, as a web server does."""
        prefix, _, rest = request.path.removeprefix("/").partition("/")
        if self._serves(prefix, rest.partition("/")[0] if prefix == "apis" else ""):
            raise route_not_found()
        return text("404 page not found\n", 404)

    def _serves(self, prefix: str, group: str) -> bool:
        return prefix == "api" or (prefix == "apis" and any(group == served for served, _, _ in self._resources))

    async def index(self, request: Request) -> Answer:
        """`/`: the list of paths."""
        return Response(200, orjson.dumps({"paths": self.paths}, option=orjson.OPT_INDENT_2))


def _not_allowed() -> StatusError:
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def _check_scope(resource: Resource, info: RequestInfo) -> None:
    """A namespace in the path where there must be one, and only there.

    The second is more than tidiness: rights in a namespace are no rights to what belongs to the whole cluster.
    """
    if resource.namespaced:
        if not info.namespace and info.verb not in ("list", "watch"):
            raise _not_allowed() if not info.name else route_not_found()
    elif info.namespace and not (info.resource == "namespaces" and info.name == info.namespace):
        raise route_not_found()


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
