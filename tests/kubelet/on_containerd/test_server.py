"""Logs and streams of real containers through the kubelet's server."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from pynetes.apimachinery.streaming import spdy
from pynetes.apimachinery.streaming.dial import dial
from pynetes.component import pki
from pynetes.kubelet.cgroups import PodCgroups
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import Channel
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.log_rotation import LogRotation, Policy
from pynetes.kubelet.server.server import KubeletServer
from pynetes.kubelet.stats import StatsProvider
from pynetes.testing import images

pytestmark = [pytest.mark.root, pytest.mark.node]

SCRIPT = "echo out; echo err >&2; nc -l -p 8080 -e cat & n=0; while :; do n=$((n+1)); echo line $n; sleep 0.2; done"


@dataclass
class Served:
    """A running container behind the server."""

    runtime: RuntimeService
    server: KubeletServer
    session: aiohttp.ClientSession
    context: ssl.SSLContext
    container: str
    log: Path
    cgroups: PodCgroups

    async def text(self, path: str) -> str:
        async with self.session.get(path) as response:
            text = await response.text()
            assert response.status == 200, text
            return text

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[spdy.Connection]:
        headers = [
            ("Host", "kubelet"),
            ("Connection", "Upgrade"),
            ("Upgrade", "SPDY/3.1"),
            ("X-Stream-Protocol-Version", "v4.channel.k8s.io" if "portForward" not in path else "portforward.k8s.io"),
        ]
        answer = await dial("127.0.0.1", self.server.port, "POST", path, headers, tls=self.context)
        assert answer.status == 101, answer
        assert answer.duplex
        async with spdy.Connection(answer.duplex, client=True) as connection, asyncio.timeout(60):
            yield connection


@dataclass
class Host:
    all: list[dict[str, Any]]

    def pods(self) -> list[dict[str, Any]]:
        return self.all

    def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        return next((p for p in self.all if p["metadata"]["name"] == name), None)


@pytest.fixture
async def served(on_node: Any, tmp_path: Path) -> AsyncIterator[Served]:
    names = pki.ensure(tmp_path / "pki", nodes=(pki.Node("n1", ("127.0.0.1",)),))
    async with Channel(on_node.endpoint) as channel:
        runtime, image_service = RuntimeService(channel), ImageService(channel)
        cgroups = PodCgroups(on_node.cgroup_root)
        cgroups.setup()
        pod: dict[str, Any] = {
            "metadata": {"name": "p", "namespace": "ns", "uid": "uid-p"},
            "spec": {"containers": [{"name": "c", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {},
        }
        container, sandbox = await _run(runtime, image_service, pod, cgroups.ensure(pod), tmp_path)
        status = {"name": "c", "state": {"running": {}}, "containerID": f"containerd://{container}"}
        pod["status"] = {"containerStatuses": [status]}
        host = Host([pod])
        stats = StatsProvider(
            node_name="n1", pods=host.pods, cgroups=cgroups, runtime=runtime, images=image_service, root_dir=tmp_path
        )
        serving = names.kubelet_server("n1")
        config = KubeletConfig(
            node_name="n1",
            address="127.0.0.1",
            port=0,
            healthz_port=0,
            tls_cert_file=str(serving.certificate),
            tls_private_key_file=str(serving.key),
            client_ca_file=str(names.ca.certificate),
        )
        context = ssl.create_default_context(cafile=str(names.ca.certificate))
        context.load_cert_chain(names.apiserver_kubelet_client.certificate, names.apiserver_kubelet_client.key)
        async with KubeletServer(config, host=host, runtime=runtime, stats=stats, client=None) as server:
            base = f"https://127.0.0.1:{server.port}"
            connector = aiohttp.TCPConnector(ssl=context)
            async with aiohttp.ClientSession(base, connector=connector) as session:
                yield Served(runtime, server, session, context, container, tmp_path / "logs/c/0.log", cgroups)
        await runtime.stop_pod_sandbox(sandbox)
        await runtime.remove_pod_sandbox(sandbox)
        await cgroups.remove_all()


async def _run(
    runtime: RuntimeService, image_service: ImageService, pod: dict[str, Any], parent: str, directory: Path
) -> tuple[str, str]:
    meta = pod["metadata"]
    pod_labels = {
        "io.kubernetes.pod.name": meta["name"],
        "io.kubernetes.pod.namespace": meta["namespace"],
        "io.kubernetes.pod.uid": meta["uid"],
    }
    (directory / "logs/c").mkdir(parents=True)
    sandbox_config = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name="p", uid="uid-p", namespace="ns"),
        log_directory=str(directory / "logs"),
        labels=pod_labels,
        linux=pb.LinuxPodSandboxConfig(cgroup_parent=parent),
    )
    sandbox = await runtime.run_pod_sandbox(sandbox_config)
    image = await image_service.image_status(images.BUSYBOX)
    assert image
    config = pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name="c"),
        image=pb.ImageSpec(image=image.id),
        command=["sh", "-c", SCRIPT],
        log_path="c/0.log",
        stdin=True,
        labels={**pod_labels, "io.kubernetes.container.name": "c"},
        linux=pb.LinuxContainerConfig(),
    )
    container = await runtime.create_container(sandbox, config, sandbox_config)
    await runtime.start_container(container)
    return container, sandbox


async def lines(served: Served, last: str) -> None:
    """Waits for that line, and for the one of the other stream, by following the log."""
    missing = {last.encode(), b"err"}
    async with asyncio.timeout(60), served.session.get("/containerLogs/ns/p/c?follow=true") as response:
        while missing:
            missing.discard((await response.content.readline()).strip())


async def test_logs(served: Served) -> None:
    await lines(served, "line 3")
    text = await served.text("/containerLogs/ns/p/c")
    # The streams are two: a line of the one may come late.
    assert [line for line in text.splitlines() if line != "err"][:3] == ["out", "line 1", "line 2"]
    assert await served.text("/containerLogs/ns/p/c?stream=Stderr") == "err\n"
    assert (await served.text("/containerLogs/ns/p/c?tailLines=1")).startswith("line ")
    assert (await served.text("/containerLogs/ns/p/c?timestamps=true&limitBytes=20")).startswith("20")


async def test_following_survives_a_rotation(served: Served) -> None:
    await lines(served, "line 2")
    async with served.session.get("/containerLogs/ns/p/c?follow=true&tailLines=0") as response:
        first = int((await response.content.readline()).split()[1])
        await LogRotation(served.runtime, Policy(max_size=1)).rotate_all()
        numbers = [int((await response.content.readline()).split()[1]) for _ in range(5)]
    assert numbers == list(range(first + 1, first + 6)), "nothing lost, nothing twice"
    assert len(list(served.log.parent.iterdir())) == 2


async def test_following_ends_with_the_container(served: Served) -> None:
    async with served.session.get("/containerLogs/ns/p/c?follow=true") as response:
        await response.content.readline()
        await served.runtime.stop_container(served.container, 0)
        async with asyncio.timeout(60):
            await response.content.read()


async def test_exec_over_spdy_with_input_output_and_status(served: Served) -> None:
    command = "command=sh&command=-c&command=cat%3B+echo+oops+%3E%262%3B+exit+3"
    async with served.stream(f"/exec/ns/p/c?input=1&output=1&error=1&{command}") as connection:
        streams = {kind: await connection.open({"streamtype": kind}) for kind in ("error", "stdin", "stdout", "stderr")}
        await streams["stdin"].write(b"x" * 200_000)
        await streams["stdin"].close_write()
        assert await streams["stdout"].read_all() == b"x" * 200_000
        assert await streams["stderr"].read_all() == b"oops\n"
        # containerd breaks the stream off after the status, where one would end it.
        assert b'"3"' in await streams["error"].read()


async def test_exec_over_websocket(served: Served) -> None:
    path = "/exec/ns/p/c?output=1&command=echo&command=hello"
    async with served.session.ws_connect(path, protocols=["v4.channel.k8s.io"]) as socket:
        assert socket.protocol == "v4.channel.k8s.io"
        seen = dict.fromkeys(range(5), b"")
        async for message in socket:
            seen[message.data[0]] += message.data[1:]
    assert seen[1] == b"hello\n"
    assert b"Success" in seen[3]


async def test_attach(served: Served) -> None:
    await lines(served, "line 1")
    async with served.stream("/attach/ns/p/c?output=1") as connection:
        await connection.open({"streamtype": "error"})
        stdout = await connection.open({"streamtype": "stdout"})
        assert (await stdout.read()).startswith(b"line ")


async def test_port_forward(served: Served) -> None:
    echoed = b""
    while not echoed:  # until the container's server has come up, a forwarded connection ends at once
        async with served.stream("/portForward/ns/p") as connection:
            headers = {"port": "8080", "requestid": "0"}
            error = await connection.open({"streamtype": "error", **headers})
            data = await connection.open({"streamtype": "data", **headers})
            await data.write(b"echo me")
            with contextlib.suppress(ConnectionError):
                echoed = await data.read()
            if echoed:
                await data.close_write()
                assert await data.read_all() == b""
                assert await error.read_all() == b""
    assert echoed == b"echo me"


async def test_run_and_refusals(served: Served) -> None:
    async with served.session.post("/run/ns/p/c?cmd=echo+hi") as response:
        assert await response.text() == "hi\n"
    async with served.session.post("/exec/ns/p/none?output=1&command=x", headers={"Connection": "Upgrade"}) as response:
        assert (response.status, await response.text()) == (500, 'container not found ("none")')
    async with served.session.post("/exec/ns/p/c?output=1&command=x") as response:
        assert (response.status, await response.text()) == (400, "Upgrade request required")


async def test_running_pods(served: Served) -> None:
    async with served.session.get("/runningpods/") as response:
        found = (await response.json())["items"]
    assert [(p["metadata"]["name"], [c["name"] for c in p["spec"]["containers"]]) for p in found] == [("p", ["c"])]


async def test_statistics(served: Served) -> None:
    async with served.session.get("/stats/summary") as response:
        summary = await response.json()
    node, pod = summary["node"], summary["pods"][0]
    assert node["memory"]["workingSetBytes"] > 0
    assert node["fs"]["capacityBytes"] >= node["fs"]["availableBytes"] > 0
    assert node["rlimit"]["maxpid"] > node["rlimit"]["curproc"]
    assert pod["podRef"] == {"name": "p", "namespace": "ns", "uid": "uid-p"}
    assert pod["memory"]["workingSetBytes"] > 0
    assert 0 < pod["memory"]["availableBytes"] < 64 << 20
    assert pod["process_stats"]["process_count"] >= 2
    assert pod["network"]["name"] == "eth0"
    container = pod["containers"][0]
    assert container["name"] == "c"
    assert container["cpu"]["usageCoreNanoSeconds"] > 0
    assert container["rootfs"]["usedBytes"] >= 0
    text = await served.text("/metrics/resource")
    assert 'container_memory_working_set_bytes{container="c",namespace="ns",pod="p"}' in text
