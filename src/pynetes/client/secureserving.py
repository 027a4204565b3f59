"""HTTPS for what a component tells about itself, to those whom the API server lets: metrics, health, configuration.

Callers are known by a client certificate of the cluster's CA or by a token (TokenReview), and may what the API server
says (SubjectAccessReview); health is open to all. Names and defaults are the flags' of the originals.

    async with SecureServing(config, endpoints):
        ...
"""

import json
import logging
import ssl
from contextlib import AsyncExitStack
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Self

from pynetes.apimachinery import errors
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.client import kubeconfig
from pynetes.client.authentication import ANONYMOUS, TokenAuthenticator, User, bearer_token, from_certificate
from pynetes.client.authorization import PRIVILEGED_GROUP, AccessReviewer, AuthorizationUnavailable, Decision
from pynetes.client.https import CertificateFiles
from pynetes.client.rest import Client
from pynetes.client.servingconfig import ServingConfig
from pynetes.client.transport import TransportError
from pynetes.component import certificates, clock
from pynetes.component.endpoints import Endpoints
from pynetes.component.serving import Answer, Handler, Request, Server, text
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

_CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
_AUTHENTICATION = ("extension-apiserver-authentication", "kube-system")
_RETRY, _REFRESH = 1.0, 60.0


class Guard:
    """Who asks, and may they? `tokens` and `reviewer` are None where nobody can be asked."""

    def __init__(
        self, tokens: TokenAuthenticator | None, reviewer: AccessReviewer | None, always_allowed: tuple[str, ...] = ()
    ) -> None:
        self._tokens = tokens
        self._reviewer = reviewer
        self._always_allowed = always_allowed

    async def refusal(self, request: Request) -> Answer | None:
        """The answer to a request that is not let in; None lets it in."""
        user = await self._user(request)
        if user is None:
            return refused(errors.unauthorized())
        try:
            decision = await self._decide(user, request)
        except AuthorizationUnavailable as error:
            log.error("%s may not be decided about: %s", user.name, error)
            return text(escape(f'Internal Server Error: "{request.path}": {error}', quote=False) + "\n", 500)
        if decision.allowed:
            return None
        message = escape(f'User "{user.name}" cannot {request.method.lower()} path "{request.path}"', quote=False)
        return refused(errors.forbidden("", "", f"{message}: {decision.reason}" if decision.reason else message))

    async def _user(self, request: Request) -> User | None:
        """None for a caller whose token is none."""
        if user := from_certificate(request.certificate):
            return user
        token = bearer_token(request.headers.get("authorization", ""))
        if not token or self._tokens is None:
            return ANONYMOUS
        return await self._tokens.authenticate(token)

    async def _decide(self, user: User, request: Request) -> Decision:
        if PRIVILEGED_GROUP in user.groups or is_among(request.path, self._always_allowed):
            return Decision(True)
        if self._reviewer is None:
            return Decision(False)
        attributes = {"path": request.path, "verb": request.method.lower()}
        return await self._reviewer.review(user, {"nonResourceAttributes": attributes})


def is_among(path: str, patterns: tuple[str, ...]) -> bool:
    """`/healthz` stands for itself, `/healthz/*` for what begins with `/healthz/`; the first slash may be missing."""
    path = path.removeprefix("/")
    for pattern in (p.removeprefix("/") for p in patterns):
        if path == pattern or (pattern.endswith("*") and path.startswith(pattern[:-1])):
            return True
    return False


def refused(error: StatusError) -> Answer:
    return Answer(
        json.dumps(error.status()).encode() + b"\n",
        error.code,
        "application/json",
        {"X-Content-Type-Options": "nosniff"},
    )


class SecureServing:
    """Serves while its block runs. `port` is the port in use."""

    def __init__(self, config: ServingConfig, endpoints: Endpoints) -> None:
        self._config = config
        self._endpoints = endpoints
        self._stack = AsyncExitStack()
        self._client: Client | None = None
        self.port = config.secure_port

    async def __aenter__(self) -> Self:
        config = self._config
        async with AsyncExitStack() as stack:
            guard = self._guard(stack)
            tls = _tls(config)
            server = await stack.enter_async_context(
                Server(self._guarded(guard), config.bind_address, config.secure_port, tls=tls)
            )
            self.port = server.port
            tasks = await stack.enter_async_context(Tasks("secure serving"))
            tasks.start(self._keep_current(tls), name="certificates")
            log.info("serving on %s:%d", config.bind_address, self.port)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _guard(self, stack: AsyncExitStack) -> Guard:
        config = self._config
        tokens = reviewer = None
        if config.authentication_kubeconfig is not None:
            self._client = _client(config.authentication_kubeconfig, stack)
            tokens = TokenAuthenticator(self._client, config.authentication_token_webhook_cache_ttl)
        if config.authorization_kubeconfig is not None:
            reviewer = AccessReviewer(
                _client(config.authorization_kubeconfig, stack),
                allowed_seconds=config.authorization_webhook_cache_authorized_ttl,
                denied_seconds=config.authorization_webhook_cache_unauthorized_ttl,
            )
        return Guard(tokens, reviewer, config.authorization_always_allow_paths)

    def _guarded(self, guard: Guard) -> Handler:
        async def handle(request: Request) -> Answer:
            return await guard.refusal(request) or await self._endpoints.handle(request)

        return handle

    async def _keep_current(self, tls: ssl.SSLContext) -> None:
        """Takes up a renewed serving certificate, and the CA of client certificates that the cluster names."""
        config, known = self._config, ""
        files = None
        if config.tls_cert_file and config.tls_private_key_file:
            files = CertificateFiles(config.tls_cert_file, config.tls_private_key_file)
        looks_up = self._client is not None and config.client_ca_file is None and not config.authentication_skip_lookup
        while True:
            if files is not None and files.changed():
                try:
                    files.load_into(tls)
                except (OSError, ssl.SSLError) as error:
                    log.warning("the serving certificate is not renewed: %s", error)
            found = await self._cluster_authority() if looks_up else ""
            if found and found != known:
                tls.load_verify_locations(cadata=found)
                tls.verify_mode = ssl.CERT_OPTIONAL
                known = found
            await clock.sleep(_RETRY if looks_up and not known else _REFRESH)

    async def _cluster_authority(self) -> str:
        """Empty if it cannot be had now."""
        assert self._client is not None
        try:
            found = await self._client.get(_CONFIG_MAPS, *_AUTHENTICATION)
        except (StatusError, TransportError) as error:
            log.debug("the CA of client certificates is not known: %s", error)
            return ""
        return str((found.get("data") or {}).get("client-ca-file") or "")


def _client(path: Path, stack: AsyncExitStack) -> Client:
    client = kubeconfig.client_from_kubeconfig(path, "pynetes-delegated-auth")
    stack.push_async_callback(client.close)
    return client


def _tls(config: ServingConfig) -> ssl.SSLContext:
    authorities = (config.client_ca_file,) if config.client_ca_file else ()
    if config.tls_cert_file and config.tls_private_key_file:
        return certificates.server_context(config.tls_cert_file, config.tls_private_key_file, authorities)
    return certificates.self_signed_context(authorities)
