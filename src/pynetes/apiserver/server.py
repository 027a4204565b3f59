"""The API server: store, registry, admission, filters, endpoints and edge put together.

async with APIServer(config) as server:      # listens; /readyz tells when the bootstrap is done
    await server.ready()
    ...
"""

import logging
import socket
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pynetes import KUBERNETES_VERSION
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import (
    API_SERVICES,
    CUSTOM_RESOURCE_DEFINITIONS,
    ENDPOINT_SLICES,
    SERVICE_CIDRS,
    SERVICES,
)
from pynetes.apis.registry import RESOURCES
from pynetes.apis.resource import Resource
from pynetes.apiserver import healthchecks, installing, validation
from pynetes.apiserver.admission import chain as admission
from pynetes.apiserver.admission.configuration import Configurations
from pynetes.apiserver.admission.dynamic import DynamicAdmission
from pynetes.apiserver.aggregation.aggregator import Aggregator
from pynetes.apiserver.aggregation.connection import Connections, Identity
from pynetes.apiserver.aggregation.registration import Registration
from pynetes.apiserver.audit import auditor as audit
from pynetes.apiserver.authentication.authenticator import RequestAuthenticator
from pynetes.apiserver.authentication.user import LOOPBACK_USER, UserInfo
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.bootstrap.hooks import PostStartHooks
from pynetes.apiserver.bootstrap.objects import authentication_config
from pynetes.apiserver.certificatefiles import CertificateFiles
from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.customresources.controller import DefinitionController
from pynetes.apiserver.customresources.serving import CustomResources
from pynetes.apiserver.edge.serving import Edge
from pynetes.apiserver.edge.tls import ServingTLS
from pynetes.apiserver.enablement import EnablementError, served
from pynetes.apiserver.endpoints import openapi
from pynetes.apiserver.endpoints.discovery import Discovery
from pynetes.apiserver.endpoints.install import install
from pynetes.apiserver.endpoints.router import Router
from pynetes.apiserver.endpoints.scope import Backend
from pynetes.apiserver.filters import chain as filters
from pynetes.apiserver.filters.flowcontrol import with_flow_control
from pynetes.apiserver.flowcontrol import dumps
from pynetes.apiserver.flowcontrol.controller import FlowController
from pynetes.apiserver.http import Answer, Filter, Handler, Request
from pynetes.apiserver.local import LocalTransport
from pynetes.apiserver.objects import Change
from pynetes.apiserver.registry.registry import Registry
from pynetes.apiserver.registry.services.hooks import ServiceHooks
from pynetes.apiserver.requestinfo import RequestInfo
from pynetes.apiserver.security import Security, SecuritySetup
from pynetes.apiserver.streaming.kubelet import KubeletClient, KubeletSettings
from pynetes.apiserver.tokens.settings import service_account_tokens
from pynetes.apiserver.webhooks.client import WebhookClient
from pynetes.client.rest import Client
from pynetes.component import clock, metrics
from pynetes.component.features import FeatureGates
from pynetes.component.kubefeatures import GATES
from pynetes.component.tasks import Tasks
from pynetes.storage import Store
from pynetes.storage.compactor import Compactor
from pynetes.storage.opening import open_patiently

if TYPE_CHECKING:
    from pynetes.apiserver.encryption.encryption import Encryption

log = logging.getLogger(__name__)

#: Gates that change something here when they are set to what is not their default.
_HONOURED = frozenset(("PodLogsQuerySplitStreams",))


class APIServer:
    """One server. `store`, `authenticator` and `authorizer` replace what the configuration describes (for tests)."""

    def __init__(
        self,
        config: APIServerConfig,
        *,
        store: Store | None = None,
        authenticator: RequestAuthenticator | None = None,
        authorizer: Authorizer | None = None,
    ) -> None:
        self.config = config
        self._given_store = store
        self._given_authenticator = authenticator
        self._given_authorizer = authorizer
        self._stack = AsyncExitStack()
        self._certificates = CertificateFiles()
        self._stopping = False
        self.encryption: Encryption | None = None
        # Made by the start.
        self.registry: Registry
        self._tasks: Tasks
        self._hooks: PostStartHooks
        self._inside: Handler
        self._edge: Edge

    # --- life

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopping = True
        try:
            await self._drain()
        finally:
            await self._stack.aclose()

    async def _drain(self) -> None:
        """Clients are told to go to another server, and have the time to hear it, before connections end."""
        others = await self._hooks.withdraw()
        self._edge.drain()
        if others:
            await clock.sleep(self.config.shutdown_delay_duration)

    async def _start(self, stack: AsyncExitStack) -> None:
        """Each part asks those that were made before it; `stack` ends them in reverse."""
        config = self.config
        # Before anything runs: configurations that cannot be end the start.
        validation.check(config)
        resources = self._served()
        self._set_features()
        metrics.disable(config.disabled_metrics)
        setup = SecuritySetup(
            config,
            stack,
            authenticator=self._given_authenticator,
            authorizer=self._given_authorizer,
            files=self._certificates,
        )
        tls = self._tls()
        self.encryption = await self._encrypting(stack)
        tokens = await service_account_tokens(config, stack)
        store = await self._open_store(stack)
        self._tasks = await stack.enter_async_context(Tasks("apiserver"))
        services = self._make_registry(store)
        loopback = LocalTransport(self, LOOPBACK_USER)
        client = Client(loopback, user_agent=f"kube-apiserver/{KUBERNETES_VERSION}")
        security = await setup.start(self.registry, client, self._tasks, tokens)
        webhooks = await stack.enter_async_context(WebhookClient(self.registry, loopback))
        plugins = await self._admission(stack, security, client, webhooks)
        backend = Backend(config, self.registry, plugins, security.authorizer)
        kubelets = await stack.enter_async_context(KubeletClient(self.registry, self._kubelet_settings()))
        await self._claim(services)
        router = Router()
        self._inside = filters.build_trusted(router.handle, security.authorizer, config)
        registration = Registration(self.registry, client, resources)
        groups = {resource.gvk.group for resource in resources}
        self._hooks = PostStartHooks(client, self.registry, config, self._public_address, registration.built_in, groups)
        install(router, backend, resources, installing.special(backend, security, kubelets, store, tokens))
        asked = healthchecks.checks(
            config, store, self.registry, self.encryption, self._hooks.checks(), lambda: self._stopping
        )
        installing.add_paths(router, config, asked, store, tokens)
        discovery = Discovery(router, resources, config.external_address)
        documents = openapi.OpenAPI(router, resources)
        await self._serve_custom(CustomResources(backend, router, discovery, documents, webhooks, self._tasks))
        connections = await self._connections(stack)
        aggregator = Aggregator(
            self.registry, client, connections, router, discovery, documents, lambda: self._hooks.are_done, self._tasks
        )
        await self._aggregate(aggregator, registration)
        handler = self._outside(stack, security, client, router)
        self._edge = await stack.enter_async_context(self._listen(handler, tls))
        self._certificates.follow(self._authorities(), partial(authentication_config, client, config))
        self._tasks.start(self._hooks.run(), name="post-start hooks")
        self._tasks.start(self._certificates.run(), name="certificate files")
        self._tasks.start(registration.run(), name="registration of APIServices")

    def _served(self) -> tuple[Resource, ...]:
        try:
            return served(RESOURCES, self.config.runtime_config)
        except EnablementError as error:
            raise ConfigurationError(str(error)) from None

    def _set_features(self) -> None:
        gates = FeatureGates(GATES)
        try:
            gates.set(self.config.feature_gates)
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        metrics.told("kubernetes_feature_enabled", gates.families)
        for name in gates.differing():
            if name not in _HONOURED:
                log.warning("feature gate %s has no effect: things are as by its default", name)

    async def _encrypting(self, stack: AsyncExitStack) -> "Encryption | None":
        path, reload = self.config.encryption_provider_config, self.config.encryption_provider_config_automatic_reload
        if path is None:
            if reload:
                raise ConfigurationError(
                    "--encryption-provider-config-automatic-reload must be set with --encryption-provider-config"
                )
            return None
        # Ciphers and gRPC are loaded only where they are asked for.
        from pynetes.apiserver.encryption.config import ConfigError
        from pynetes.apiserver.encryption.encryption import Encryption

        try:
            return await stack.enter_async_context(Encryption(path, reload=reload))
        except ConfigError as error:
            raise ConfigurationError(str(error)) from None

    async def _open_store(self, stack: AsyncExitStack) -> Store:
        if self._given_store is not None:
            return self._given_store
        store = await open_patiently(self.config.storage, self.config.storage_initialization_timeout)
        stack.push_async_callback(store.close)
        return store

    def _make_registry(self, store: Store) -> ServiceHooks:
        """Its caches begin to fill. What Services claim is returned: that is known once they are filled."""
        config = self.config
        services = ServiceHooks(store, config.service_cluster_ip_range, config.service_node_port_range)
        self.registry = Registry(
            store, hooks={SERVICES: services}, event_ttl=int(config.event_ttl), encryption=self.encryption
        )
        self.registry.start(self._tasks)
        self._tasks.start(Compactor(store, period=config.etcd_compaction_interval).run(), name="compactor")
        return services

    async def _admission(
        self, stack: AsyncExitStack, security: Security, client: Client, webhooks: WebhookClient
    ) -> admission.Chain:
        configurations = Configurations.load(self.config.admission_control_config_file)
        dynamic = DynamicAdmission(self.registry, webhooks, security.authorizer, configurations)
        for gvr, observer in dynamic.observers.items():
            await self.registry.feed(gvr, observer, self._tasks)
        given = (*security.plugins, *dynamic.plugins)
        plugins = admission.build(self.config, self.registry, client, security.authorizer, configurations, given)
        stack.push_async_callback(plugins.close)
        return plugins

    async def _claim(self, services: ServiceHooks) -> None:
        """Returns when all caches are filled and it is known which addresses and ports Services hold."""
        await self.registry.ready()
        await self.registry.feed(SERVICE_CIDRS, services.ranges.changed, self._tasks)
        await services.rebuild(self._services)
        self._tasks.start(services.run(self._services), name="service claims")

    async def _services(self) -> list[dict[str, Any]]:
        await self.registry.store_of(SERVICES).cacher.fresh()
        return self.registry.cached_list(SERVICES)

    async def _connections(self, stack: AsyncExitStack) -> Connections:
        """To the servers of APIServices."""
        identity = Identity(self.config.proxy_client_cert_file, self.config.proxy_client_key_file)
        return await stack.enter_async_context(Connections(self.registry, identity))

    def _outside(self, stack: AsyncExitStack, security: Security, client: Client, router: Router) -> Handler:
        """The router behind all filters: what requests over the network meet."""
        auditor = audit.build(self.config, self._tasks)
        if auditor is not None:
            stack.push_async_callback(auditor.close)
        flow_control = self._flow_control(client, router) if self.config.enable_priority_and_fairness else None
        return filters.build(
            router.handle, self.config, security.authenticator, security.authorizer, auditor, flow_control
        )

    def _flow_control(self, client: Client, router: Router) -> Filter:
        config, registry = self.config, self.registry
        seats = config.max_requests_inflight + config.max_mutating_requests_inflight
        controller = FlowController(registry, client, seats)
        self._tasks.start(controller.run(), name="flow control")
        for path, handler in dumps.handlers(controller).items():
            router.add_path(path, handler, listed=False)

        def count(info: RequestInfo) -> int:
            gvr = GroupVersionResource(info.group, info.version, info.resource)
            return registry.store_of(gvr).cacher.size if registry.has(gvr) else 0

        return with_flow_control(controller, count, config.request_timeout)

    def _tls(self) -> ServingTLS:
        config = self.config
        if config.tls_cert_file is None or config.tls_private_key_file is None:
            raise ConfigurationError("--tls-cert-file and --tls-private-key-file are required")
        try:
            tls = ServingTLS(
                config.tls_cert_file,
                config.tls_private_key_file,
                self._authorities(),
                named=config.tls_sni_certificates,
                min_version=config.tls_min_version,
                cipher_suites=config.tls_cipher_suites,
                curves=config.tls_curve_preferences,
            )
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        self._certificates.follow(tls.files, tls.reload)
        return tls

    def _authorities(self) -> list[Path]:
        """Of clients' certificates."""
        files = (self.config.client_ca_file, self.config.requestheader_client_ca_file)
        return [file for file in files if file is not None]

    def _listen(self, handler: Handler, tls: ServingTLS) -> Edge:
        config = self.config
        return Edge(
            handler,
            host=config.bind_address,
            port=config.secure_port,
            tls=tls.context,
            max_body_bytes=config.max_resource_write_bytes,
            shutdown_grace=config.shutdown_grace_period,
            reuse_port=config.permit_port_sharing,
        )

    async def ready(self) -> None:
        """Returns when the bootstrap is done."""
        await self._hooks.finished()

    # --- use

    @property
    def port(self) -> int:
        return self._edge.port

    async def handle(self, request: Request) -> Answer:
        """A request from within the process; its user is trusted to be who it says."""
        return await self._inside(request)

    def client(self, user: UserInfo = LOOPBACK_USER, *, user_agent: str = "pynetes") -> Client:
        """A client that needs no connection."""
        return Client(LocalTransport(self, user), user_agent=user_agent)

    def _public_address(self) -> tuple[str, int]:
        """Where the cluster reaches this server."""
        config = self.config
        address = config.advertise_address
        if not address:
            address = config.bind_address if config.bind_address not in ("0.0.0.0", "::", "") else _own_address()
        return address, self.port

    # --- parts

    def _kubelet_settings(self) -> KubeletSettings:
        config = self.config
        return KubeletSettings(
            client_certificate=config.kubelet_client_certificate,
            client_key=config.kubelet_client_key,
            certificate_authority=config.kubelet_certificate_authority,
            preferred_address_types=config.kubelet_preferred_address_types,
            timeout=config.kubelet_timeout,
        )

    async def _serve_custom(self, custom: CustomResources) -> None:
        """Returns when all definitions that exist are served."""
        controller = DefinitionController(self.registry, custom)

        def observe(change: Change, definition: dict[str, Any]) -> None:
            custom.observe(change, definition)
            controller.observe(change, definition)

        await self.registry.feed(CUSTOM_RESOURCE_DEFINITIONS, observe, self._tasks)
        self._tasks.start(controller.run(), name="custom resource definitions' status")

    async def _aggregate(self, aggregator: Aggregator, registration: Registration) -> None:
        """Returns when all APIServices that exist are served."""

        def observe(change: Change, api_service: dict[str, Any]) -> None:
            aggregator.observe(change, api_service)
            registration.observe(change, api_service)

        for gvr, observer in (
            (API_SERVICES, observe),
            (SERVICES, aggregator.observe_service),
            (ENDPOINT_SLICES, aggregator.observe_slice),
            (CUSTOM_RESOURCE_DEFINITIONS, registration.observe_definition),
        ):
            await self.registry.feed(gvr, observer, self._tasks)


def _own_address() -> str:
    """The address that this machine talks to others from; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address
