"""The server itself: TLS, who may do what, and the endpoints."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from pynetes.client.rest import Client
from pynetes.component.health import HealthGroup
from pynetes.component.serving import MAX_HEAD_BYTES
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.server import authentication
from pynetes.kubelet.server.authentication import TokenAuthenticator, User
from pynetes.kubelet.server.authorization import AuthorizationUnavailable, Authorizer, subresources, verb
from pynetes.kubelet.server.container_logs import ContainerLogs
from pynetes.kubelet.server.host import Host
from pynetes.kubelet.server.host_logs import HostLogs
from pynetes.kubelet.server.pods import PodEndpoints
from pynetes.kubelet.server.resources import ResourceEndpoints
from pynetes.kubelet.server.streams import StreamEndpoints
from pynetes.kubelet.stats import StatsProvider

log = logging.getLogger(__name__)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_SHUTDOWN_SECONDS = 1.0


class KubeletServer:
    """An async context manager: serves while its block runs.

    HTTPS on `config.address:config.port`, and `/healthz` in the clear on `config.healthz_bind_address` (port 0 turns it
    off). `client` answers about tokens and permissions; without one only privileged certificates are let in.
    """

    def __init__(
        self,
        config: KubeletConfig,
        *,
        host: Host,
        runtime: RuntimeService,
        stats: StatsProvider,
        client: Client | None,
        health: HealthGroup | None = None,
        log_directory: Path = Path("/var/log"),
    ) -> None:
        self._config = config
        self._tokens = TokenAuthenticator(client) if client else None
        self._authorizer = Authorizer(client, config.node_name) if client else None
        self._health = health or HealthGroup("healthz")
        self._endpoints = (
            ContainerLogs(host, runtime),
            HostLogs(log_directory),
            StreamEndpoints(host, runtime),
            PodEndpoints(host, runtime),
            ResourceEndpoints(stats),
        )
        self._runners: list[web.AppRunner] = []
        self.port = config.port

    async def __aenter__(self) -> Self:
        try:
            await self._listen()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _listen(self) -> None:
        config = self._config
        self._tls = authentication.tls_context(config.tls_cert_file, config.tls_private_key_file, config.client_ca_file)
        secure = web.Application(middlewares=[self._check])
        for endpoints in self._endpoints:
            secure.add_routes(endpoints.routes())
        secure.add_routes(self._health_routes())
        runner = await self._start(secure)
        site = web.TCPSite(runner, config.address, config.port, ssl_context=self._tls)
        await site.start()
        self.port = runner.addresses[0][1]
        if config.healthz_port:
            plain = web.Application()
            plain.add_routes(self._health_routes())
            address = config.healthz_bind_address
            await web.TCPSite(await self._start(plain), address, config.healthz_port).start()

    def reload_certificate(self) -> None:
        """Takes a renewed serving certificate from its files for connections to come."""
        self._tls.load_cert_chain(self._config.tls_cert_file, self._config.tls_private_key_file)

    async def _start(self, application: web.Application) -> web.AppRunner:
        runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=_SHUTDOWN_SECONDS,
            handler_cancellation=True,
            max_line_size=MAX_HEAD_BYTES,  # a long command is a long request line
            max_field_size=MAX_HEAD_BYTES,
        )
        await runner.setup()
        self._runners.append(runner)
        return runner

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for runner in reversed(self._runners):
            await runner.cleanup()
        self._runners.clear()

    def _health_routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/healthz", self._healthz)
        yield web.get("/healthz/{check}", self._healthz)

    async def _healthz(self, request: web.Request) -> web.Response:
        status, text = await self._health.answer(
            request.match_info.get("check", ""),
            verbose="verbose" in request.query,
            exclude=request.query.getall("exclude", []),
        )
        return web.Response(status=status, text=text)

    @web.middleware
    async def _check(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        user = await self._user(request)
        if user is None:
            return web.Response(status=401, text="Unauthorized")
        denied = await self._denial(user, request)
        return denied if denied is not None else await handler(request)

    async def _user(self, request: web.Request) -> User | None:
        certificate = request.get_extra_info("peercert")
        if user := authentication.from_certificate(certificate):
            return user
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if self._tokens is None or scheme.lower() != "bearer" or not token.strip():
            return None
        return await self._tokens.authenticate(token.strip())

    async def _denial(self, user: User, request: web.Request) -> web.Response | None:
        about = f"user={user.name}, verb={verb(request.method)}, resource=nodes"
        try:
            if self._authorizer is not None and await self._authorizer.allowed(user, request.method, request.path):
                return None
        except AuthorizationUnavailable as error:
            log.error("authorization error: %s", error)
            first = subresources(request.path)[0]
            return web.Response(status=500, text=f"Authorization error ({about}, subresource={first})")
        if self._authorizer is None and "system:masters" in user.groups:
            return None
        wanted = " ".join(subresources(request.path))
        return web.Response(status=403, text=f"Forbidden ({about}, subresource(s)=[{wanted}])\n")
