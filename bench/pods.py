"""Pod start with its image present: from the create request to condition Ready, one at a time and ten at once.

Anchor in the same run: bare calls to the same containerd's CRI (RunPodSandbox, CreateContainer, StartContainer) for
the same image with the same pod network, without a Kubernetes. They run with the kubelet paused, which would end
what it does not know.
"""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import machine
from bench.frame import Options, Table, median, percentile, progress, ratio
from pynetes.apimachinery import meta
from pynetes.apis.names import PODS
from pynetes.client.rest import Client
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import Channel
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.testing import images

AT_ONCE = 10
ONE, TEN = "one at a time", "ten at once"
COMMAND = ["sleep", "3600"]
_numbers = itertools.count(1)

Start = Callable[[], Awaitable[float]]


def run(options: Options) -> list[Table]:
    with machine.cluster(options) as cluster:
        cluster.start()
        cluster.wait()
        archive = cluster.place / "busybox.tar"
        archive.write_bytes(images.busybox())
        cluster.host.run(f"ctr --address {cluster.containerd_socket} -n k8s.io images import {archive}")
        times = cluster.host.call(lambda: asyncio.run(_measure(cluster, options.rounds)))
    columns = ["", "p50 ms", "p99 ms", "bare CRI p50 ms", "bare CRI p99 ms", "p50 ÷ bare"]
    table = Table("From request to Ready", columns)
    for case in (ONE, TEN):
        found = [times[case], times[f"bare {case}"]]
        cells = [f"{percentile(values, share) * 1000:.0f}" for values in found for share in (0.5, 0.99)]
        table.rows.append([case, *cells, ratio(median(found[0]), median(found[1]))])
    return [table]


async def _measure(cluster: machine.Cluster, rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {ONE: [], TEN: [], f"bare {ONE}": [], f"bare {TEN}": []}
    kubelet = cluster.processes()["kubelet"]
    async with cluster.client() as client, Channel(f"unix://{cluster.containerd_socket}") as channel:
        runtime = RuntimeService(channel)
        for number in range(rounds):
            progress(f"pods: round {number + 1} of {rounds}")
            await _settled(client)
            async with PodStarts(client) as starts:
                await _round(starts.one, times, "")
            with _paused(kubelet):
                bare = BareStarts(runtime, cluster.place)
                await _round(bare.one, times, "bare ")
                await bare.remove()
    return times


async def _round(start: Start, times: dict[str, list[float]], prefix: str) -> None:
    for _ in range(AT_ONCE):
        times[prefix + ONE].append(await start())
    times[prefix + TEN] += await asyncio.gather(*(start() for _ in range(AT_ONCE)))


async def _settled(client: Client) -> None:
    """The first pod waits for the namespace's service account, or for a kubelet that was paused: not measured."""
    async with PodStarts(client) as starts:
        await starts.one()


@contextmanager
def _paused(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class PodStarts:
    """Pods through the API; a watch tells when they are ready. All are gone when the context ends."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ready: dict[str, asyncio.Future[float]] = {}
        self._gone: dict[str, asyncio.Future[None]] = {}

    async def one(self) -> float:
        name = f"bench-{next(_numbers)}"
        loop = asyncio.get_running_loop()
        self._ready[name], self._gone[name] = loop.create_future(), loop.create_future()
        began = time.monotonic()
        await self._create(name)
        async with asyncio.timeout(60):
            return await self._ready[name] - began

    async def _create(self, name: str) -> None:
        container = {"name": "main", "image": images.BUSYBOX, "imagePullPolicy": "IfNotPresent", "command": COMMAND}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}
        await self._client.create(PODS, pod)

    async def __aenter__(self) -> "PodStarts":
        found = await self._client.list(PODS, "default", limit=1)
        self._watching = asyncio.create_task(self._watch(found["metadata"]["resourceVersion"]))
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            for name in self._ready:
                await self._client.delete(PODS, name, "default", grace_period_seconds=0)
            async with asyncio.timeout(60):
                await asyncio.gather(*self._gone.values())
        finally:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self, version: str) -> None:
        async for event in self._client.watch(PODS, "default", resource_version=version):
            now, name = time.monotonic(), event.object["metadata"].get("name", "")
            if event.type == "DELETED" and name in self._gone:
                self._gone[name].set_result(None)
            elif name in self._ready and not self._ready[name].done() and _is_ready(event.object):
                self._ready[name].set_result(now)


def _is_ready(pod: dict[str, Any]) -> bool:
    condition = meta.get_condition((pod.get("status") or {}).get("conditions") or [], "Ready")
    return condition is not None and condition["status"] == "True"


class BareStarts:
    """The same with nothing but the runtime."""

    def __init__(self, runtime: RuntimeService, place: Path) -> None:
        self._runtime = runtime
        self._place = place
        self._sandboxes: list[str] = []

    async def one(self) -> float:
        name = f"bare-{next(_numbers)}"
        sandbox = pb.PodSandboxConfig(
            metadata=pb.PodSandboxMetadata(name=name, namespace="bench", uid=name),
            hostname=name,
            log_directory=str(self._place / "logs" / name),
            linux=pb.LinuxPodSandboxConfig(cgroup_parent=f"/pynetes-bench/{name}"),
        )
        container = pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name="main"),
            image=pb.ImageSpec(image=images.BUSYBOX),
            command=COMMAND,
            log_path="main.log",
        )
        began = time.monotonic()
        sandbox_id = await self._runtime.run_pod_sandbox(sandbox)
        self._sandboxes.append(sandbox_id)
        container_id = await self._runtime.create_container(sandbox_id, container, sandbox)
        await self._runtime.start_container(container_id)
        return time.monotonic() - began

    async def remove(self) -> None:
        for sandbox in self._sandboxes:
            await self._runtime.stop_pod_sandbox(sandbox)
            await self._runtime.remove_pod_sandbox(sandbox)
