"""The kubelet: starts its parts, and ends them.

    async with Kubelet(client, config) as kubelet: ...      # or: await run(client, config)

Without a client it is a standalone node that runs static pods only.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pynetes.apimachinery import quantity
from pynetes.client.events import EventRecorder
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.tasks import Tasks, run_forever
from pynetes.kubelet import certificates, housekeeping, log_rotation, machine
from pynetes.kubelet.cgroups import PodCgroups
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.lease import NodeLease
from pynetes.kubelet.node_status import NodeStatus
from pynetes.kubelet.parts import Parts
from pynetes.kubelet.probes.http import HTTPProber
from pynetes.kubelet.runtime_connection import connected
from pynetes.kubelet.static_pods import StaticPodSource


class Kubelet:
    """An async context manager; leaving it ends the kubelet and leaves the pods running."""

    def __init__(self, client: Client | None, config: KubeletConfig) -> None:
        self.client, self.config = client, config
        self._started_at = clock.time_seconds()
        self._tasks = Tasks("kubelet")

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, traceback)

    async def _start(self, stack: AsyncExitStack) -> None:
        _make_directories(self.config)
        runtime = await stack.enter_async_context(connected(self.config))
        http = HTTPProber()
        stack.push_async_callback(http.close)
        await stack.enter_async_context(self._tasks)
        self.parts = parts = Parts(self.client, self.config, self._tasks, runtime, http, started_at=self._started_at)
        if parts.cgroups is not None:
            _limit_pods(parts.cgroups, self.config)
        parts.user_namespaces.load(parts.volumes.pods_on_disk())
        parts.allocations.load(parts.volumes.pods_on_disk())
        stack.push_async_callback(parts.server.close)
        await parts.server.start()
        await parts.runtime_state.update()
        if self.client is not None:
            self._keep_certificates(self.client)
        self._start_tasks()

    def _keep_certificates(self, client: Client) -> None:
        if self.config.rotate_certificates:
            wanted = certificates.Wanted(self.config.node_name)
            store = certificates.CertificateStore(Path(self.config.cert_directory), certificates.CLIENT_PAIR)
            manager = certificates.CertificateManager(client, lambda: wanted, store, lambda: None)
            self._tasks.start(manager.run(), name="client-certificate")
        self.parts.server.keep_certificate(client)

    def _start_tasks(self) -> None:
        config, parts, start = self.config, self.parts, self._tasks.start
        start(parts.runtime_state.run(parts.node_changed), name="runtime-state")
        start(parts.pleg.run(), name="pleg")
        start(parts.statuses.run(), name="statuses")
        start(parts.volumes.run(), name="volumes")
        if config.static_pod_path:
            source = StaticPodSource(config.static_pod_path, config.node_name, parts.static_pods_changed)
            start(source.run(), name="static-pods")
        if isinstance(parts.recorder, EventRecorder):
            start(parts.recorder.run(), name="events")
        if self.client is not None and parts.node_status is not None and parts.objects is not None:
            lease = NodeLease(
                self.client, config.node_name, duration=config.node_lease_duration_seconds, node=parts.node
            )
            start(parts.objects.run(), name="objects")
            start(parts.node_status.run(), name="node-status")
            start(lease.run(), name="lease")
            start(_watch_pods(parts.pod_informer, parts.node_status), name="pods")
            parts.node_event("Normal", "Starting", "Starting kubelet.")
        cleaning = run_forever(parts.housekeeping.step, period=housekeeping.PERIOD, name="housekeeping")
        start(cleaning, name="housekeeping")
        rotation = log_rotation.LogRotation(
            parts.runtime_service,
            log_rotation.Policy.of(config.container_log_max_size, config.container_log_max_files),
            period=config.container_log_monitor_interval,
            workers=config.container_log_max_workers,
        )
        start(rotation.run(), name="log-rotation")
        start(parts.stats.run(), name="stats")
        parts.collectors.start(self._tasks)


def _make_directories(config: KubeletConfig) -> None:
    for path, mode in (
        (config.root_dir, 0o750),
        (config.pods_dir, 0o750),
        (config.pod_logs_dir, 0o755),
        (config.container_logs_dir, 0o755),
    ):
        Path(path).mkdir(mode=mode, parents=True, exist_ok=True)


def _limit_pods(cgroups: PodCgroups, config: KubeletConfig) -> None:
    """Pods together get what the machine has, less what is reserved."""
    cpu, memory = machine.cpu_count() * 1000, machine.meminfo()["MemTotal"]
    for reserved in (config.kube_reserved, config.system_reserved):
        cpu -= quantity.parse(reserved.get("cpu", "0")).milli_value()
        memory -= quantity.parse(reserved.get("memory", "0")).value()
    enforced = "pods" in config.enforce_node_allocatable
    cgroups.setup(milli_cpu=cpu if enforced else 0, memory=memory if enforced else 0)


async def _watch_pods(informer: Informer, status: NodeStatus) -> None:
    """Pods are taken once the node is known: their admission asks for it."""
    await status.registered.wait()
    await informer.run()


async def run(client: Client | None, config: KubeletConfig) -> None:
    """Runs a kubelet until cancelled."""
    async with Kubelet(client, config):
        await asyncio.Event().wait()
