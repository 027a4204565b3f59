"""Every component as a coroutine that runs until it is cancelled: what `up` and the single commands start.

Each is imported where it runs: a process holds one of them, and `up` need not wait for all to start the first.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from pynetes import KUBERNETES_VERSION
from pynetes.apimachinery.errors import StatusError
from pynetes.cli import truststore  # noqa: F401
from pynetes.client import kubeconfig, serverlist
from pynetes.client.events import EventRecorder
from pynetes.client.https import HTTPSTransport
from pynetes.client.leaderelection import LeaderElector, default_identity
from pynetes.client.rest import Client
from pynetes.client.secureserving import SecureServing
from pynetes.client.servingconfig import Serving
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.component.health import Check, HealthGroup
from pynetes.component.tasks import Tasks

if TYPE_CHECKING:
    from pynetes.apiserver.config import APIServerConfig
    from pynetes.cli.etcd import MemberConfig
    from pynetes.cloud.config import CloudControllerManagerConfig
    from pynetes.cloud.providers.local.announcer import AnnouncerConfig
    from pynetes.controllers.config import ControllerManagerConfig
    from pynetes.kubelet.config import KubeletConfig
    from pynetes.kubelet.containerd import Containerd, ContainerdConfig
    from pynetes.network.config import NetworkConfig
    from pynetes.proxy.config import ProxyConfig
    from pynetes.scheduler.scheduler import SchedulerConfig

log = logging.getLogger(__name__)

_SYSTEM = "kube-system"
#: What components are called as managers of fields: the originals' names.
_AGENTS = {
    "controller-manager": "kube-controller-manager",
    "proxy": "kube-proxy",
    "scheduler": "kube-scheduler",
    "network": "pynetes-network",
    "announcer": "pynetes-announcer",
}
_POLL = 0.1


@asynccontextmanager
async def _client(path: Path, component: str, *more: HTTPSTransport) -> AsyncIterator[Client]:
    """A client that knows the cluster's API servers as they come and go, if the kubeconfig keeps a list of them.

    `more` are told, too.
    """
    config = kubeconfig.load(path)
    transport = kubeconfig.transport(config)
    client = Client(transport, user_agent=f"{_AGENTS.get(component, component)}/{KUBERNETES_VERSION}")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        if config.servers is not None:
            tasks = await stack.enter_async_context(Tasks("servers"))
            told = [serverlist.keep_in(path), *(each.set_servers for each in (transport, *more))]
            tasks.start(serverlist.ServerList(client, told).run(), name="list")
        yield client


async def _reachable(client: Client) -> None:
    """Returns when the API server is ready: started at the same time, the first attempt would be too early."""
    while True:
        try:
            if (await client.raw("GET", "/readyz")).status == 200:
                return
        except (StatusError, TransportError) as error:
            log.debug("the API server is not ready: %s", error)
        await clock.sleep(_POLL)


async def apiserver(config: "APIServerConfig") -> None:
    from pynetes.apiserver.server import APIServer

    async with APIServer(config) as server:
        log.info("listening on port %d", server.port)
        await asyncio.get_running_loop().create_future()


async def etcd_keeper(config: "MemberConfig") -> None:
    from pynetes.cli import etcdkeeper

    await etcdkeeper.run(config)


async def controller_manager(
    path: Path, config: "ControllerManagerConfig", served: Serving | None = None, *, host: str = ""
) -> None:
    """Every controller acts as its own service account. `served`: where it tells about itself, if it does.

    `host` names this candidate for the leader's lease.
    """
    from pynetes.cli import serving
    from pynetes.controllers import manager
    from pynetes.controllers.accounts import AccountClients
    from pynetes.controllers.context import ControllerContext

    nobody = replace(
        kubeconfig.load(path), cert=None, key=None, cert_file=None, key_file=None, token=None, token_file=None
    )
    anonymous = kubeconfig.transport(nobody)
    health = HealthGroup("healthz", ())
    async with AsyncExitStack() as stack:
        if served is not None:
            configz = serving.controller_manager_configz(config, served.config)
            endpoints = serving.manager_endpoints("kube-controller-manager", health, configz, served.flags)
            await stack.enter_async_context(SecureServing(served.config, endpoints))
        client = await stack.enter_async_context(_client(path, "controller-manager", anonymous))
        stack.push_async_callback(anonymous.close)
        await _reachable(client)
        context = ControllerContext(AccountClients(client, anonymous), config)
        await manager.run(context, identity=default_identity(host), health=health)


async def scheduler(
    path: Path,
    config: "SchedulerConfig | None" = None,
    *,
    leader_elect: bool = True,
    served: Serving | None = None,
    host: str = "",
) -> None:
    """`served`: where it tells about itself, if it does."""
    from pynetes.cli import serving
    from pynetes.scheduler import podresources
    from pynetes.scheduler.scheduler import Scheduler

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_client(path, "scheduler"))
        made = Scheduler(client, config)
        recorder = EventRecorder(client, "kube-scheduler")
        elector = LeaderElector(client, _SYSTEM, "kube-scheduler", default_identity(host), recorder=recorder)
        checks = [elector.check()] if leader_elect else []
        if served is not None:

            async def synced() -> None:
                if made.is_starting:
                    raise RuntimeError("handlers are not fully synchronized")

            endpoints = serving.scheduler_endpoints(
                HealthGroup("healthz", checks),
                [*checks, Check("sched-handler-sync", synced)],
                serving.scheduler_configz(made.profile_names, leader_elect=leader_elect),
                served.flags,
            )
            endpoints.add("/metrics/resources", podresources.handler(lambda: made.pods))
            await stack.enter_async_context(SecureServing(served.config, endpoints))
        await _reachable(client)
        if not leader_elect:
            await made.run()
            return
        tasks = await stack.enter_async_context(Tasks("leader election"))
        tasks.start(recorder.run(), name="events")
        await elector.run(made.run)


async def proxy(path: Path, config: "ProxyConfig") -> None:
    from pynetes.proxy.proxier import Proxier

    async with _client(path, "proxy") as client:
        await _reachable(client)
        await Proxier(client, config).run()


async def reach(path: Path) -> None:
    from pynetes.network import reach

    async with _client(path, "network") as client:
        await _reachable(client)
        await reach.run(client)


async def network(path: Path, config: "NetworkConfig") -> None:
    from pynetes.network import agent

    async with _client(path, "network") as client:
        await _reachable(client)
        await agent.run(client, config)


async def kubelet(path: Path, config: "KubeletConfig", runtime: "ContainerdConfig | None" = None) -> None:
    """`runtime`: a containerd of ours, which is given the pause image before the first pod."""
    from pynetes.kubelet import certificates
    from pynetes.kubelet.containerd import Containerd
    from pynetes.kubelet.kubelet import run

    if config.bootstrap_kubeconfig:
        await certificates.bootstrap(
            Path(config.bootstrap_kubeconfig), path, Path(config.cert_directory), config.node_name
        )
    async with _client(path, "kubelet") as client:
        if runtime is not None:
            containerd = Containerd(runtime)
            await containerd.wait_ready()
            await _ensure_pause_image(containerd)
        await run(client, config)


async def _ensure_pause_image(containerd: "Containerd") -> None:
    from pynetes.kubelet.cri.channel import Channel
    from pynetes.kubelet.cri.images import ImageService

    async with Channel(containerd.endpoint) as channel:
        if await ImageService(channel).image_status(containerd.config.sandbox_image) is not None:
            return
    await containerd.import_pause_image()


async def cloud_controller_manager(
    path: Path,
    provider: str,
    cloud_config: str,
    config: "CloudControllerManagerConfig",
    served: Serving | None = None,
    *,
    host: str = "",
) -> None:
    """`cloud_config`: the text of the provider's configuration."""
    from pynetes.cli import serving
    from pynetes.cloud import manager, providers
    from pynetes.cloud.context import CloudContext

    made = providers.load(provider, cloud_config)
    health = HealthGroup("healthz", ())
    async with AsyncExitStack() as stack:
        if served is not None:
            configz = serving.cloud_controller_manager_configz(config, served.config, provider)
            endpoints = serving.manager_endpoints("cloud-controller-manager", health, configz, None)
            await stack.enter_async_context(SecureServing(served.config, endpoints))
        client = await stack.enter_async_context(_client(path, "cloud-controller-manager"))
        await _reachable(client)
        context = CloudContext.for_client(client, made, config)
        await manager.run(context, identity=default_identity(host), health=health)


async def announcer(path: Path, config: "AnnouncerConfig") -> None:
    from pynetes.cloud.providers.local import announcer

    async with _client(path, "announcer") as client:
        await _reachable(client)
        await announcer.run(client, config)
