"""Who asks and what they may: the authenticators and authorizers of the configuration, and the admission plugins that
are part of them.

`SecuritySetup` reads the configuration before anything runs, so that one that cannot be ends the start; `start` makes
what it says, once there is a registry to ask.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from msgspec import Struct

from pynetes.apiserver.admission.attributes import Plugin
from pynetes.apiserver.admission.rbacescalation import RBACEscalation
from pynetes.apiserver.admission.resourceclaimauthorization import ResourceClaimAuthorization
from pynetes.apiserver.authentication import config as authentication_config
from pynetes.apiserver.authentication import union as authentication
from pynetes.apiserver.authentication.authenticator import RequestAuthenticator, TokenAuthenticator
from pynetes.apiserver.authentication.config import Anonymous, AuthenticationConfigError, Structured, configured
from pynetes.apiserver.authentication.issuers import Issuers
from pynetes.apiserver.authentication.request_header import Headers
from pynetes.apiserver.authentication.webhook import VERSIONS, WebhookTokenAuthenticator
from pynetes.apiserver.authorization import abac
from pynetes.apiserver.authorization import config as authorization
from pynetes.apiserver.authorization.abac import Policy
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.authorization.config import Link
from pynetes.apiserver.authorization.union import OBSERVED, ClusterAuthorizer
from pynetes.apiserver.authorization.webhook import WebhookAuthorizer
from pynetes.apiserver.certificatefiles import CertificateFiles
from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.registry.registry import Registry
from pynetes.apiserver.reload import Follower, RejectedError
from pynetes.apiserver.tokens.settings import ServiceAccountTokens
from pynetes.apiserver.webhooks.reviews import ReviewClient
from pynetes.client.kubeconfig import ConfigError
from pynetes.client.rest import Client
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)


class Security(Struct, frozen=True):
    authenticator: RequestAuthenticator
    authorizer: Authorizer
    plugins: Sequence[Plugin]


class SecuritySetup:
    """What the configuration says; `authenticator` and `authorizer` stand in for it where they are given.

    Connections to issuers and webhooks end with `stack`. ConfigurationError if the configuration cannot be.
    """

    def __init__(
        self,
        config: APIServerConfig,
        stack: AsyncExitStack,
        *,
        authenticator: RequestAuthenticator | None = None,
        authorizer: Authorizer | None = None,
        files: CertificateFiles | None = None,
    ) -> None:
        self._config = config
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._stack = stack
        self._certificates = files
        # Read before they are made sense of: what changes in between is seen as a change.
        self._files = {path: _content(path) for path in (config.authentication_config, config.authorization_config)}
        self._links = _links(config) if authorizer is None else ()
        self._chain = _chain(self._links, stack)
        self._policies = _policies(config) if authorization.ABAC in self._links else ()
        self._identities = _identities(config) if authenticator is None else Structured()
        self._issuers = Issuers(self._identities.issuers, config.api_audiences or (config.service_account_issuer,))
        self._tokens = _remote_tokens(config, stack) if authenticator is None else []
        self._anonymous = self._identities.anonymous or Anonymous(_strangers(config, self._links))

    async def start(self, registry: Registry, client: Client, tasks: Tasks, tokens: ServiceAccountTokens) -> Security:
        """Returns when the authorizer knows all roles and what else it decides by. `client` writes as the server."""
        authenticator = self._authenticator or authentication.build(
            _settings(self._config, self._anonymous),
            registry,
            client,
            last_tokens=(self._issuers, *self._tokens),
            files=self._certificates,
            keys=tokens.keys,
        )
        self._issuers.start()
        self._stack.push_async_callback(self._issuers.close)
        if self._authenticator is None:
            self._follow("authentication", self._config.authentication_config, self._reload_issuers, tasks)
        authorizer = self._authorizer
        plugins: list[Plugin] = []
        if authorizer is None:
            authorizer = ClusterAuthorizer(chain=self._chain, policies=self._policies)
            plugins.append(RBACEscalation(authorizer))
            for gvr in OBSERVED:
                await registry.feed(gvr, authorizer.observe, tasks)
            reload = partial(self._reload_chain, authorizer)
            self._follow("authorization", self._config.authorization_config, reload, tasks)
        plugins.append(ResourceClaimAuthorization(registry, authorizer))
        return Security(authenticator, authorizer, plugins)

    def _follow(self, kind: str, path: Path | None, apply: Callable[[bytes], Awaitable[None]], tasks: Tasks) -> None:
        if path is not None:
            tasks.start(Follower(kind, path, self._files[path], apply).run(), name=f"{kind} configuration")

    async def _reload_issuers(self, data: bytes) -> None:
        assert self._config.authentication_config is not None
        try:
            found = authentication_config.parse(
                self._config.authentication_config, data, (self._config.service_account_issuer,)
            )
        except AuthenticationConfigError as error:
            raise RejectedError(str(error)) from None
        if found.anonymous != self._identities.anonymous:
            raise RejectedError("anonymous: Forbidden: changed from initial configuration file")
        await self._issuers.replace(found.issuers)

    async def _reload_chain(self, authorizer: ClusterAuthorizer, data: bytes) -> None:
        try:
            own = [link for link in self._links if isinstance(link, str)]
            links = authorization.parse(data, needed=own)
            for mode in (authorization.ABAC, "Node", "RBAC"):
                if mode in links and mode not in self._links:
                    told = "is not allowed if it was not enabled at initial server startup"
                    raise RejectedError(f"authorizer type {mode} {told}")
            authorizer.use(_chain(links, self._stack))
        except (authorization.AuthorizationConfigError, ConfigurationError) as error:
            raise RejectedError(str(error)) from None


def _content(path: Path | None) -> bytes:
    """Empty where there is nothing to read: making sense of it says why."""
    try:
        return b"" if path is None else path.read_bytes()
    except OSError:
        return b""


def _settings(config: APIServerConfig, anonymous: Anonymous) -> authentication.Settings:
    return authentication.Settings(
        client_ca_file=config.client_ca_file,
        service_account_issuers=(config.service_account_issuer,),
        service_account_lookup=config.service_account_lookup,
        api_audiences=config.api_audiences,
        enable_bootstrap_token_auth=config.enable_bootstrap_token_auth,
        token_auth_file=config.token_auth_file,
        requestheader_client_ca_file=config.requestheader_client_ca_file,
        requestheader_allowed_names=config.requestheader_allowed_names,
        requestheaders=Headers(
            config.requestheader_username_headers,
            config.requestheader_uid_headers,
            config.requestheader_group_headers,
            config.requestheader_extra_headers_prefix,
        ),
        anonymous_auth=anonymous.enabled,
        anonymous_paths=anonymous.paths,
    )


def _identities(config: APIServerConfig) -> Structured:
    try:
        return configured(config)
    except AuthenticationConfigError as error:
        raise ConfigurationError(str(error)) from None


def _remote_tokens(config: APIServerConfig, stack: AsyncExitStack) -> list[TokenAuthenticator]:
    """Tokens that a webhook knows."""
    audiences = config.api_audiences or (config.service_account_issuer,)
    file = config.authentication_token_webhook_config_file
    if file is None:
        return []
    version = config.authentication_token_webhook_version
    if version not in VERSIONS:
        told = f'unsupported authentication webhook version "{version}", supported versions are "v1", "v1beta1"'
        raise ConfigurationError(told)
    seconds = config.authentication_token_webhook_cache_ttl
    webhook = WebhookTokenAuthenticator(_reviews(file, 30.0), audiences, version=version, seconds=seconds)
    stack.push_async_callback(webhook.close)
    return [webhook]


def _strangers(config: APIServerConfig, links: Sequence[Link]) -> bool:
    """Whether anonymous requests are let in: not where the flags would let them do everything."""
    if config.anonymous_auth and config.authorization_config is None and authorization.ALWAYS_ALLOW in links:
        log.warning("anonymous requests are refused, because AlwaysAllow would allow them everything")
        return False
    return config.anonymous_auth


def _policies(config: APIServerConfig) -> tuple[Policy, ...]:
    try:
        return abac.load(config.authorization_policy_file)
    except abac.PolicyFileError as error:
        raise ConfigurationError(str(error)) from None


def _links(config: APIServerConfig) -> tuple[Link, ...]:
    try:
        return authorization.configured(config)
    except authorization.AuthorizationConfigError as error:
        raise ConfigurationError(str(error)) from None


def _chain(links: Sequence[Link], stack: AsyncExitStack) -> list[str | Authorizer]:
    """Connections of webhooks, also of those that a reload has replaced, end with `stack`."""
    chain: list[str | Authorizer] = []
    for link in links:
        if isinstance(link, str):
            chain.append(link)
            continue
        client = _reviews(link.kubeconfig, link.timeout)
        stack.push_async_callback(client.close)
        chain.append(WebhookAuthorizer(link.name, client, link.settings))
    return chain


def _reviews(file: Path, timeout: float) -> ReviewClient:
    try:
        return ReviewClient.from_kubeconfig(file, timeout=timeout)
    except ConfigError as error:
        raise ConfigurationError(str(error)) from None
