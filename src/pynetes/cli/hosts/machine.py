"""What runs on the machine itself beside its hosts: the balancer before the API servers, and the image registry."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial

from msgspec.structs import asdict

from pynetes.apimachinery.errors import StatusError
from pynetes.cli import cluster, supervisor
from pynetes.cli.hosts import record
from pynetes.cli.hosts.balancer import CONNECT_SECONDS, Backend, Balancer, Health, always_ready, reachable
from pynetes.cli.hosts.places import Places
from pynetes.cli.hosts.plan import Plan
from pynetes.cli.layout import Layout
from pynetes.cli.running import run_component
from pynetes.cli.settings import Settings
from pynetes.cli.supervisor import Process
from pynetes.client import kubeconfig
from pynetes.client.kubeconfig import Config
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import logs
from pynetes.component.pki import PKI


def processes(layout: Layout, settings: Settings) -> list[Process]:
    def log(name: str) -> "partial[None]":
        return partial(run_component, lambda: balance(layout, settings), verbosity=settings.verbosity)

    made = [Process("balancer", layout.logs / "balancer.log", main=log("balancer"), modules=(__name__,))]
    if settings.registry_port:
        command = ("docker-registry", "serve", str(cluster.registry_file(layout)))
        made.append(Process("registry", layout.logs / "registry.log", command=command))
    return made


def start(layout: Layout, settings: Settings) -> None:
    """Starts them under a supervisor, which outlives the caller."""
    if settings.registry_port:
        layout.registry.mkdir(parents=True, exist_ok=True)
        cluster.registry_file(layout).write_text(cluster.registry_config(layout, settings))

    def supervise() -> None:
        logs.configure()
        supervisor.Supervisor(processes(layout, settings), layout.supervisor_state, asdict(settings)).run()

    supervisor.daemonize(supervise, log_file=layout.logs / "supervisor.log", pid_file=layout.supervisor_pid)


def masters(plan: Plan, settings: Settings) -> list[Backend]:
    return [Backend(host.address, settings.secure_port) for host in plan.of("master")]


async def balance(layout: Layout, settings: Settings) -> None:
    """Runs until cancelled. Which masters there are is read again all the time."""
    plan = record.required(layout)
    async with AsyncExitStack() as stack:
        health = ServerHealth(PKI(layout.pki).ca.certificate.read_bytes())
        stack.push_async_callback(health.close)

        def servers() -> Sequence[Backend]:
            return masters(record.required(layout), settings)

        await stack.enter_async_context(Balancer("0.0.0.0", settings.secure_port, servers, health))
        if settings.registry_port:
            registry = Backend("127.0.0.1", settings.registry_port)
            gate = Balancer(plan.gateway, settings.registry_port, lambda: [registry], always_ready)
            await stack.enter_async_context(gate)
        await asyncio.get_running_loop().create_future()


class ServerHealth:
    """Asks API servers for /readyz; one that does not answer in time is tried at TCP's level."""

    def __init__(self, authority: bytes) -> None:
        self._authority = authority
        self._clients: dict[Backend, Client] = {}

    async def __call__(self, backend: Backend) -> Health:
        if backend not in self._clients:
            config = Config(f"https://{backend}", ca=self._authority)
            self._clients[backend] = kubeconfig.client_from_config(config, "pynetes-balancer")
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                answer = await self._clients[backend].raw("GET", "/readyz")
        except (TransportError, StatusError, TimeoutError):
            return await reachable(backend)
        return Health.READY if answer.status == 200 else Health.UNREADY

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


def offer_registry(own: Places, plan: Plan, settings: Settings) -> None:
    """`localhost:PORT/…` in a host means the machine's registry, too. Read by containerd at every pull."""
    directory = own.layout.data / "certs.d" / f"localhost:{settings.registry_port or 5000}"
    if not settings.registry_port:
        return
    directory.mkdir(parents=True, exist_ok=True)
    address = f"http://{plan.gateway}:{settings.registry_port}"
    text = f'server = "{address}"\n\n[host."{address}"]\n  capabilities = ["pull", "resolve"]\n'
    (directory / "hosts.toml").write_text(text)
