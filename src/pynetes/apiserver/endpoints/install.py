"""Puts the endpoints of all resources into a router: the generic verbs, and what is special to some."""

from collections.abc import Iterable, Mapping

from pynetes.apis.names import PODS
from pynetes.apis.resource import Resource, Subresource
from pynetes.apiserver.endpoints import delete, patch, read, watch, write
from pynetes.apiserver.endpoints.router import Router, bind
from pynetes.apiserver.endpoints.scope import Backend, Endpoint, Scope
from pynetes.apiserver.endpoints.subresources import binding, eviction, scale
from pynetes.apiserver.http import Answer, Handler, Request
from pynetes.component import metrics

_deprecated = metrics.gauge(
    "apiserver_requested_deprecated_apis",
    "Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, subresource, and "
    "removed_release.",
    ("group", "version", "resource", "subresource", "removed_release"),
)

_VERBS: dict[str, Endpoint] = {
    "get": read.get,
    "list": read.list_,
    "watch": watch.watch,
    "create": write.create,
    "update": write.update,
    "patch": patch.patch,
    "delete": delete.delete,
    "deletecollection": delete.delete_collection,
}

#: Subresources that are not the object itself, by name: verb → endpoint.
_SUBRESOURCES: dict[str, dict[str, Endpoint]] = {
    "scale": {"get": scale.get, "update": scale.update, "patch": scale.patch},
    "binding": {"create": binding.create},
    "eviction": {"create": eviction.create},
}

#: Endpoints made elsewhere: (group, resource, subresource) → verb → handler.
Extra = Mapping[tuple[str, str, str], Mapping[str, Handler]]


def install(router: Router, backend: Backend, resources: Iterable[Resource], extra: Extra) -> None:
    for resource in resources:
        install_resource(router, backend, resource, extra)


def install_resource(router: Router, backend: Backend, resource: Resource, extra: Extra = {}) -> None:  # noqa: B006
    """One resource, which the registry must have."""
    router.add_resource(resource)
    _install_resource(router, backend, resource, extra)
    for subresource in resource.subresources:
        _install_subresource(router, backend, resource, subresource, extra)


def _warning(handler: Handler, resource: Resource) -> Handler:
    """What is deprecated says so with every answer, to the audit log and in the metrics."""
    if not resource.deprecation:
        return handler

    async def handle(request: Request) -> Answer:
        request.warnings.append(resource.deprecation)
        request.annotations["k8s.io/deprecated"] = "true"
        info = request.info
        if info is not None:
            _deprecated.labels(info.group, info.version, info.resource, info.subresource, "").set(1)
        return await handler(request)

    return handle


def _install_resource(router: Router, backend: Backend, resource: Resource, extra: Extra) -> None:
    special = extra.get((resource.gvk.group, resource.plural, ""))
    if special is not None:
        for verb, handler in special.items():
            router.add(resource, "", verb, _warning(handler, resource))
        return
    if resource.gvk.kind == "Binding":
        scope = Scope(backend, resource, backend.registry.store_of(PODS), resource.gvk)
        router.add(resource, "", "create", bind(scope, binding.create))
        return
    if not backend.registry.has(resource.gvr):
        return
    scope = Scope(backend, resource, backend.registry.store_of(resource.gvr), resource.gvk)
    for verb in resource.verbs:
        router.add(resource, "", verb, _warning(bind(scope, _VERBS[verb]), resource))


def _install_subresource(
    router: Router, backend: Backend, resource: Resource, subresource: Subresource, extra: Extra
) -> None:
    special = extra.get((resource.gvk.group, resource.plural, subresource.name))
    if special is not None:
        for verb, handler in special.items():
            router.add(resource, subresource.name, verb, handler)
        return
    if not backend.registry.has(resource.gvr):
        return
    store = backend.registry.store_of(resource.gvr)
    scope = Scope(backend, resource, store, subresource.gvk or resource.gvk, subresource)
    table = _SUBRESOURCES.get(subresource.name)
    if table is None and (subresource.name == "status" or subresource.strategy is not None):
        table = _VERBS
    for verb in subresource.verbs if table is not None else ():
        router.add(resource, subresource.name, verb, _warning(bind(scope, (table or {})[verb]), resource))
