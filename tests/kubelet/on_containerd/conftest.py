"""A kubelet on the private node, with a real API server in the process."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import EVENTS, PODS, SERVICE_ACCOUNTS
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.server import APIServer
from pynetes.client.rest import Client
from pynetes.component import pki
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.kubelet import Kubelet
from pynetes.testing import apiserver, images


@dataclass
class Cluster:
    """An API server of our own, in the process, with the node's identity beside the administrator's."""

    server: APIServer
    client: Client
    node_client: Client
    pki: pki.PKI


NODE_NAME = "node-1"


@pytest.fixture
async def cluster(on_node: Any, tmp_path: Path) -> AsyncIterator[Cluster]:
    names = pki.ensure(tmp_path / "pki", addresses=("127.0.0.1",), nodes=(pki.Node(NODE_NAME, ("127.0.0.1",)),))
    config = apiserver.config(
        names,
        service_account_key_files=(names.service_account_public_key,),
        kubelet_client_certificate=names.apiserver_kubelet_client.certificate,
        kubelet_client_key=names.apiserver_kubelet_client.key,
        kubelet_certificate_authority=names.ca.certificate,
    )
    async with APIServer(config) as server:
        await server.ready()
        user = UserInfo(f"system:node:{NODE_NAME}", groups=("system:nodes", "system:authenticated"))
        client = server.client()
        account = {"metadata": {"name": "default"}, "automountServiceAccountToken": False}
        await client.create(SERVICE_ACCOUNTS, account, "default")
        yield Cluster(server, client, server.client(user, user_agent="kubelet"), names)


@pytest.fixture
def kubelet_config(on_node: Any, cluster: Cluster, tmp_path: Path) -> KubeletConfig:
    serving = cluster.pki.kubelet_server(NODE_NAME)
    return KubeletConfig(
        node_name=NODE_NAME,
        node_ip="127.0.0.1",
        address="127.0.0.1",
        port=0,
        healthz_port=0,
        tls_cert_file=str(serving.certificate),
        tls_private_key_file=str(serving.key),
        client_ca_file=str(cluster.pki.ca.certificate),
        container_runtime_endpoint=on_node.endpoint,
        root_dir=str(on_node.directory / "kubelet"),
        pod_logs_dir=str(on_node.directory / "logs"),
        container_logs_dir=str(on_node.directory / "log-links"),
        cgroup_root=on_node.cgroup_root,
        eviction_hard={},
        image_gc_high_threshold_percent=100,
        image_gc_low_threshold_percent=100,
        registry_config=str(tmp_path / "none.json"),
    )


@dataclass
class Pods:
    """Makes pods in `default` and waits for what becomes of them."""

    client: Client

    async def create(self, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
        spec = {"nodeName": NODE_NAME, "terminationGracePeriodSeconds": 1, **spec}
        for kind in ("containers", "initContainers"):
            for container in spec.get(kind) or ():
                container.setdefault("image", images.BUSYBOX)
        return await self.client.create(PODS, {"metadata": {"name": name, **metadata}, "spec": spec}, "default")

    async def get(self, name: str) -> dict[str, Any]:
        return await self.client.get(PODS, name, "default")

    async def delete(self, name: str, **options: Any) -> None:
        await self.client.delete(PODS, name, "default", **options)

    async def wait(
        self, name: str, condition: Callable[[dict[str, Any]], Any], timeout: float = 60.0
    ) -> dict[str, Any]:
        """The pod as soon as it is so; `None` is a pod that is gone."""
        last: dict[str, Any] = {}
        try:
            async with asyncio.timeout(timeout):
                selector = f"metadata.name={name}"
                async with contextlib.aclosing(self.client.watch(PODS, "default", field_selector=selector)) as events:
                    async for event in events:
                        last = event.object
                        if event.type != "BOOKMARK" and event.type != "DELETED" and condition(last):
                            return last
        except TimeoutError:
            pytest.fail(f"pod {name} is not so; last seen: {json.dumps(last.get('status'), indent=1)}")
        raise AssertionError

    async def running(self, name: str) -> dict[str, Any]:
        return await self.wait(name, lambda pod: pod["status"].get("phase") == "Running")

    async def gone(self, name: str, timeout: float = 60.0) -> None:
        try:
            async with asyncio.timeout(timeout):
                while True:
                    with contextlib.suppress(StatusError):
                        await self.get(name)
                        await asyncio.sleep(0.05)
                        continue
                    return
        except TimeoutError:
            pytest.fail(f"pod {name} is still there: {json.dumps((await self.get(name))['status'], indent=1)}")

    async def events(self, name: str) -> list[tuple[str, str, str]]:
        """(type, reason, message), oldest first."""
        found = await self.client.list(EVENTS, "default", field_selector=f"involvedObject.name={name}")
        items = sorted(found["items"], key=lambda e: int(e["metadata"]["resourceVersion"]))
        return [(e["type"], e["reason"], e["message"]) for e in items]

    async def event(self, name: str, reason: str) -> str:
        """The message of the first event with that reason, once there is one."""
        async with asyncio.timeout(60):
            while True:
                for _, found, message in await self.events(name):
                    if found == reason:
                        return message
                await asyncio.sleep(0.05)


@pytest.fixture
def pods(cluster: Cluster) -> Pods:
    return Pods(cluster.client)


@pytest.fixture
async def kubelet(cluster: Cluster, kubelet_config: KubeletConfig) -> AsyncIterator[Kubelet]:
    async with Kubelet(cluster.node_client, kubelet_config) as running:
        yield running
