"""The node's HTTPS server with its certificate: the configuration's, or one that the API server issues."""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.kubelet import certificates
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.server.server import KubeletServer


class NodeServer:
    """Serves from `start` to `close`; without a certificate, from when there is one.

    `make` builds the server for a configuration; `host_ips` are those that an issued certificate must stand for.
    """

    def __init__(
        self,
        config: KubeletConfig,
        make: Callable[[KubeletConfig], KubeletServer],
        host_ips: Callable[[], Sequence[str]],
        tasks: Tasks,
    ) -> None:
        self._config, self._make, self._host_ips, self._tasks = config, make, host_ips, tasks
        self._store = certificates.CertificateStore(Path(config.cert_directory), certificates.SERVING_PAIR)
        self._server: KubeletServer | None = None

    @property
    def port(self) -> int:
        return self._server.port if self._server else self._config.port

    async def start(self) -> None:
        if self._config.tls_cert_file:
            await self._serve(self._config)
        elif self._config.server_tls_bootstrap and certificates.is_valid(
            self._store.load(), self._wanted(), clock.now()
        ):
            await self._serve_with_issued()

    def keep_certificate(self, client: Client) -> None:
        """Asks for a certificate and renews it, where it is to come from the API server."""
        if self._config.server_tls_bootstrap and not self._config.tls_cert_file:
            manager = certificates.CertificateManager(client, self._wanted, self._store, self._issued)
            self._tasks.start(manager.run(), name="serving-certificate")

    async def close(self) -> None:
        if self._server is not None:
            await self._server.__aexit__(None, None, None)

    def _wanted(self) -> certificates.Wanted:
        return certificates.serving(self._config.node_name, self._host_ips())

    def _issued(self) -> None:
        if self._server is not None:
            self._server.reload_certificate()
        else:
            self._tasks.start(self._serve_with_issued(), name="server")

    async def _serve_with_issued(self) -> None:
        current = str(self._store.current)
        await self._serve(replace(self._config, tls_cert_file=current, tls_private_key_file=current))

    async def _serve(self, config: KubeletConfig) -> None:
        server = self._make(config)
        await server.__aenter__()
        self._server = server
