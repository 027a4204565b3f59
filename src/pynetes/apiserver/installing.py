"""What the router serves from the start: built-in resources, those of them that are answered in a way of their own, and
the paths beside resources.
"""

from collections.abc import Mapping, Sequence

from pynetes.apis.names import COMPONENT_STATUSES, SERVICE_ACCOUNTS
from pynetes.apiserver.authentication.union import Authenticator
from pynetes.apiserver.authorization.union import ClusterAuthorizer
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.encoding import JSON
from pynetes.apiserver.endpoints import component_status, health, version
from pynetes.apiserver.endpoints.router import Router, bind
from pynetes.apiserver.endpoints.scope import Backend, Scope
from pynetes.apiserver.endpoints.subresources import connect, reviews, token
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import require
from pynetes.apiserver.registry.measures import note_size
from pynetes.apiserver.security import Security
from pynetes.apiserver.streaming.kubelet import KubeletClient
from pynetes.apiserver.tokens import discovery as token_discovery
from pynetes.apiserver.tokens.request import TokenRequests
from pynetes.apiserver.tokens.settings import ServiceAccountTokens
from pynetes.component import metrics
from pynetes.component.health import Check, HealthGroup
from pynetes.storage import Store

Handlers = dict[tuple[str, str, str], Mapping[str, Handler]]


def special(
    backend: Backend, security: Security, kubelets: KubeletClient, store: Store, tokens: ServiceAccountTokens
) -> Handlers:
    """Verb → handler by (group, resource, subresource), for what is not simply stored and read."""
    made: Handlers = {**connect.handlers(backend, kubelets), **_tokens(backend, tokens)}
    if isinstance(security.authenticator, Authenticator) and isinstance(security.authorizer, ClusterAuthorizer):
        answerers = reviews.answerers(security.authenticator, security.authorizer)
        for resource in backend.registry.resources:
            answerer = answerers.get((resource.gvk.group, resource.plural))
            if answerer is not None:
                made[resource.gvk.group, resource.plural, ""] = {"create": reviews.create(backend, resource, answerer)}
    components = next(r for r in backend.registry.resources if r.gvr == COMPONENT_STATUSES)
    probes = component_status.probes(store, backend.config.storage)
    made["", components.plural, ""] = component_status.handlers(components, probes)
    return made


def _tokens(backend: Backend, settings: ServiceAccountTokens) -> Handlers:
    config, registry = backend.config, backend.registry
    if settings.issuer is None:
        return {}
    tokens = TokenRequests(
        settings.issuer,
        registry,
        api_audiences=config.api_audiences,
        extend=config.service_account_extend_token_expiration,
        maximum_seconds=settings.maximum_seconds,
        extended_seconds=settings.extended_seconds,
    )
    resource = next(r for r in registry.resources if r.gvr == SERVICE_ACCOUNTS)
    subresource = resource.subresource("token")
    assert subresource is not None
    assert subresource.gvk is not None
    scope = Scope(backend, resource, registry.store_of(resource.gvr), subresource.gvk, subresource)
    return {("", "serviceaccounts", "token"): {"create": bind(scope, token.create(tokens))}}


def add_paths(
    router: Router,
    config: APIServerConfig,
    checks: Mapping[str, Sequence[Check]],
    store: Store,
    tokens: ServiceAccountTokens,
) -> None:
    """`checks` by health endpoint: `livez`."""
    for name, each in checks.items():
        handler = health.handler(HealthGroup(name, each))
        for path in (f"/{name}", *(f"/{name}/{check.name}" for check in each)):
            router.add_path(path, handler)
    oldest = config.min_compatibility_version.rpartition("=")[2]
    router.add_document("/version", _version(oldest))
    version.tell()
    router.add_path("/metrics", _metrics(store))
    router.add_path("/metrics/slis", _slis)
    router.add_path("/statusz", health.statusz())
    router.add_path("/flagz", health.flagz(config))
    for path in ("/", "/index.html"):
        router.add_path(path, router.index, listed=False)
    if tokens.issuer is None or tokens.keys is None:
        return
    keys_uri = config.service_account_jwks_uri or f"https://{config.external_address}{token_discovery.KEYS_PATH}"
    for path, handler in token_discovery.handlers(config.service_account_issuer, keys_uri, tokens.keys).items():
        router.add_document(path, handler)


def _version(oldest: str) -> Handler:
    async def handle(request: Request) -> Answer:
        require(request, JSON.media_type)
        return Response(200, JSON.encode(version.document(oldest), True), JSON.media_type)

    return handle


def _metrics(store: Store) -> Handler:
    async def handle(request: Request) -> Answer:
        await note_size(store)
        return Response(200, metrics.render(), metrics.CONTENT_TYPE)

    return handle


async def _slis(request: Request) -> Answer:
    return Response(200, metrics.render(metrics.SLIS), metrics.CONTENT_TYPE)
