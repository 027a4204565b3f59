"""The proxy's HTTP servers: its own health and metrics, and a health check port for each Service that asks for one.

An address that is taken is tried again: the proxy itself works without.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from msgspec import Struct, field
from pyroute2 import IPRoute

from pynetes import KUBERNETES_VERSION
from pynetes.apimachinery import meta
from pynetes.client.events import WARNING, EventRecorder
from pynetes.client.rest import Client
from pynetes.component import clock, zpages
from pynetes.component.endpoints import Endpoints
from pynetes.component.health import HealthGroup
from pynetes.component.serving import Answer, Handler, Request, Server, text
from pynetes.component.tasks import Tasks
from pynetes.proxy.config import ProxyConfig, bind_address
from pynetes.proxy.frame import PRIMARY
from pynetes.proxy.health import ProxyHealth, service_answer
from pynetes.proxy.services import HealthCheck

log = logging.getLogger(__name__)

_COMPONENT = "kube-proxy"
_RETRY_AFTER = 5.0
_EVERYWHERE = ("0.0.0.0",)


class _Open(Struct):
    """The servers of one Service's port, one for each address."""

    port: int
    servers: AsyncExitStack = field(default_factory=AsyncExitStack)


class HealthServer:
    """Serves while `run` runs. `replace` says which Services want a port, and what to answer there."""

    def __init__(self, health: ProxyHealth, client: Client, config: ProxyConfig) -> None:
        self._health = health
        self._config = config
        self._recorder = EventRecorder(client, _COMPONENT, config.node_name)
        self._wanted: dict[str, HealthCheck] = {}
        self._open: dict[str, _Open] = {}
        self._changed = asyncio.Event()
        self._node_address = ""

    def replace(self, checks: Mapping[str, HealthCheck], node_address: str) -> None:
        """`checks`: by key of a Service."""
        self._wanted, self._node_address = dict(checks), node_address
        self._changed.set()

    async def run(self) -> None:
        try:
            async with Tasks("health") as tasks:
                tasks.start(self._recorder.run(), name="events")
                own = Endpoints(with_metrics=False)
                own.add("/healthz", self._health.healthz)
                own.add("/livez", self._health.livez)
                for name, handler, address in (
                    ("healthz", own.handle, self._config.healthz_bind_address),
                    ("metrics", _metrics(self._config), self._config.metrics_bind_address),
                ):
                    if address:
                        tasks.start(_serve(name, handler, address), name=name)
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    await self._reconcile()
        finally:
            for opened in self._open.values():
                await opened.servers.aclose()
            self._open.clear()

    async def _reconcile(self) -> None:
        for service, opened in list(self._open.items()):
            wanted = self._wanted.get(service)
            if wanted is None or wanted.port != opened.port:
                await self._open.pop(service).servers.aclose()
        for service, wanted in self._wanted.items():
            if service not in self._open:
                await self._start(service, wanted.port)

    async def _start(self, service: str, port: int) -> None:
        async def answer(request: Request) -> Answer:
            check = self._wanted.get(service)
            return service_answer(service, check.endpoints if check else 0, healthy=self._health.healthy)

        opened = _Open(port)
        try:
            for address in await self._addresses():
                await opened.servers.enter_async_context(Server(answer, address, port))
        except OSError as error:
            await opened.servers.aclose()
            self._tell(service, port, error)
            return
        self._open[service] = opened

    async def _addresses(self) -> tuple[str, ...]:
        """Those that serve node ports."""
        ranges = self._config.nodeport_addresses
        if not ranges:
            return _EVERYWHERE
        if ranges == (PRIMARY,):
            return (self._node_address,) if self._node_address else _EVERYWHERE
        # In a thread, because pyroute2 runs an event loop of its own.
        return await asyncio.to_thread(_own_addresses, ranges) or _EVERYWHERE

    def _tell(self, service: str, port: int, error: OSError) -> None:
        message = f'node {self._config.node_name} failed to start healthcheck "{service}" on port {port}: {error}'
        log.error("%s", message)
        namespace, name = meta.split_key(service)
        about = {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": name}}
        self._recorder.event(about, WARNING, "FailedToStartServiceHealthcheck", message)


async def _serve(name: str, handler: Handler, address: str) -> None:
    """Until cancelled."""
    host, port = bind_address(address)
    while True:
        try:
            async with Server(handler, host, port):
                await asyncio.get_running_loop().create_future()
        except OSError as error:
            log.error("%s cannot be served at %s: %s", name, address, error)
        await clock.sleep(_RETRY_AFTER)


def _metrics(config: ProxyConfig) -> Handler:
    process = zpages.this_process(_COMPONENT, KUBERNETES_VERSION)
    endpoints = Endpoints(
        HealthGroup("healthz"), configz={"kubeproxy.config.k8s.io": _configz(config)}, process=process
    )
    endpoints.add("/proxyMode", _mode)
    return endpoints.handle


async def _mode(request: Request) -> Answer:
    return text("nftables")


def _configz(config: ProxyConfig) -> dict[str, Any]:
    """As KubeProxyConfiguration has it."""
    return {
        "kind": "KubeProxyConfiguration",
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "mode": "nftables",
        "hostnameOverride": config.node_name,
        "bindAddress": "0.0.0.0",
        "healthzBindAddress": config.healthz_bind_address,
        "metricsBindAddress": config.metrics_bind_address,
        "clusterCIDR": config.cluster_cidr,
        "detectLocalMode": config.detect_local_mode,
        "detectLocal": {
            "bridgeInterface": config.pod_bridge_interface,
            "interfaceNamePrefix": config.pod_interface_name_prefix,
        },
        "nodePortAddresses": list(config.nodeport_addresses) or None,
        "nftables": {
            "masqueradeAll": config.masquerade_all,
            "masqueradeBit": 14,
            "minSyncPeriod": f"{config.min_sync_period:g}s",
            "syncPeriod": f"{config.sync_period:g}s",
        },
    }


def _own_addresses(ranges: tuple[str, ...]) -> tuple[str, ...]:
    """This machine's addresses in the ranges, but for loopback. Blocking."""
    networks = [ipaddress.ip_network(range_, strict=False) for range_ in ranges]
    with IPRoute() as netlink:
        texts = [str(message.get_attr("IFA_ADDRESS")) for message in netlink.get_addr()]
    found = (ipaddress.ip_address(text) for text in texts)
    return tuple(str(ip) for ip in found if not ip.is_loopback and any(ip in network for network in networks))
