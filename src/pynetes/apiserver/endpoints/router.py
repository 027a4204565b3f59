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
        self._routes: dict[Route, tuple[Handler, bool]] = {}
        self._resources: dict[tuple[str, str, str], Resource] = {}
        self._paths: dict[str, Handler] = {}
        self._prefixes: list[tuple[str, Handler]] = []

    # --- building

    def add_resource(self, resource: Resource) -> None:
        """Makes the resource known; verbs that have no endpoint get a 405."""
        self._resources[resource.gvk.group, resource.gvk.version, resource.plural] = resource

    def add(self, resource: Resource, subresource: str, verb: str, handler: Handler) -> None:
        """`handler` serves the verb of a resource; its path must name a namespace if the resource is namespaced."""
        needs_namespace = resource.namespaced and verb not in ("list", "watch")
        self._routes[resource.gvk.group, resource.gvk.version, resource.plural, subresource, verb] = (
            handler,
            needs_namespace,
        )

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
        found = self._routes.get((info.group, info.version, info.resource, info.subresource, info.verb))
        if found is None:
            return self._missing(info)
        handler, needs_namespace = found
        if needs_namespace and not info.namespace:
            raise _not_allowed() if not info.name else route_not_found()
        if len(info.parts) > 3 and info.subresource != "proxy":
            raise route_not_found()
        return await handler(request)

    async def _handle_path(self, request: Request) -> Answer:
        path = request.path.rstrip("/") or "/"
        handler = self._paths.get(path)
        if handler is None:
            handler = next((handler for prefix, handler in self._prefixes if path.startswith(prefix)), None)
        if handler is None:
            return text("404 page not found\n", 404)
        if request.method not in ("GET", "HEAD"):
            raise _not_allowed()
        return await handler(request)

    def _missing(self, info: RequestInfo) -> Answer:
        resource = self._resources.get((info.group, info.version, info.resource))
        known = resource is not None and (not info.subresource or resource.subresource(info.subresource) is not None)
        if known:
            raise _not_allowed()
        if resource is not None:
            raise route_not_found()
        return text("404 page not found\n", 404)

    async def index(self, request: Request) -> Answer:
        """`/`: the list of paths."""
        return Response(200, orjson.dumps({"paths": self.paths}, option=orjson.OPT_INDENT_2))


def _not_allowed() -> StatusError:
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def bind(scope: Scope, endpoint: Endpoint) -> Handler:
    """An endpoint with what it serves."""

    async def handle(request: Request) -> Answer:
        return await endpoint(scope, request)

    return handle
