"""The control plane's components tell about themselves over HTTPS, as the originals do, beside a real API server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from pynetes.apiserver.server import APIServer
from pynetes.cli import cluster, components, kubeconfigs, serving
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings
from pynetes.client.servingconfig import Serving, ServingConfig
from pynetes.cloud.config import CloudControllerManagerConfig
from pynetes.component import certificates, pki
from pynetes.component.health import Check, HealthGroup
from pynetes.component.pki import PKI
from pynetes.component.serving import Request
from pynetes.component.tasks import Tasks
from pynetes.testing import apiserver
from tests.ports import free_port


@dataclass
class Plane:
    """An API server, and the files that components need."""

    layout: Layout
    settings: Settings
    files: PKI
    port: int

    async def get(self, path: str) -> tuple[int, str]:
        """As the administrator; status 0 while nobody listens."""
        tls = certificates.client_context(None, self.files.admin.certificate, self.files.admin.key)
        url = f"https://127.0.0.1:{self.port}{path}"
        try:
            async with (
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session,
                session.get(url) as answer,
            ):
                return answer.status, await answer.text()
        except aiohttp.ClientConnectionError:
            return 0, ""

    async def until(self, path: str, wanted: Callable[[int, str], bool]) -> str:
        status, text = 0, ""
        try:
            async with asyncio.timeout(60):
                while not wanted(status, text):
                    await asyncio.sleep(0.02)
                    status, text = await self.get(path)
        except TimeoutError:
            raise AssertionError(f"{path} answers {status} {text}") from None
        return text

    @asynccontextmanager
    async def running(self, component: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        async with Tasks("component") as tasks:
            tasks.start(component, name="component")
            yield


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    layout.make()
    files = pki.ensure(layout.pki, addresses=("127.0.0.1",), nodes=(pki.Node("n1"),))
    config = apiserver.config(files)
    async with APIServer(config) as server:
        await server.ready()
        settings = Settings("n1", "127.0.0.1", api_server=f"https://127.0.0.1:{server.port}")
        kubeconfigs.write_all(layout, settings, files)
        yield Plane(layout, settings, files, free_port())


#: Server and managers share a loop, which a busy machine may let wait for longer than a lease lasts.
PATIENT: dict[str, Any] = {"leader_elect_lease_duration": 150.0, "leader_elect_renew_deadline": 100.0}


async def test_controller_manager(plane: Plane) -> None:
    config = replace(cluster.controller_manager_config(plane.layout, plane.settings), **PATIENT)
    served = cluster.serving(plane.layout, "controller-manager", plane.port)
    path = plane.layout.kubeconfig("controller-manager")
    async with plane.running(components.controller_manager(path, config, served)):
        text = await plane.until("/healthz?verbose", lambda _, text: "[+]garbage-collector-controller ok" in text)
        assert text.startswith("[+]leaderElection ok\n")
        assert text.endswith("healthz check passed\n")
        assert (await plane.get("/healthz/leaderElection"))[0] == 404
        metrics = await plane.until("/metrics", lambda status, _: status == 200)
        assert 'leader_election_master_status{name="kube-controller-manager"} 1' in metrics
        assert 'workqueue_adds_total{name="deployment"}' in metrics
        running = 'running_managed_controllers{manager="kube-controller-manager",name="garbage-collector-controller"} 1'
        assert running in metrics
        assert 'rest_client_requests_total{code="200",host="127.0.0.1:' in metrics
        await plane.until("/metrics", lambda _, text: "node_collector_update_all_nodes_health_duration" in text)
        slis = (await plane.get("/metrics/slis"))[1]
        assert 'kubernetes_healthcheck{name="leaderElection",type="healthz"} 1' in slis
        configz = json.loads((await plane.get("/configz"))[1])["kubecontrollermanager.config.k8s.io"]
        assert configz["Generic"]["LeaderElection"]["leaseDuration"] == "2m30s"
        assert configz["KubeCloudShared"]["ClusterCIDR"] == "10.244.0.0/16"
        assert f"\nsecure-port={plane.port}\n" in (await plane.get("/flagz"))[1]
        assert "Paths: /configz /flagz /healthz /metrics /statusz" in (await plane.get("/statusz"))[1]
        assert (await plane.get("/livez"))[0] == 404


async def test_scheduler(plane: Plane) -> None:
    served = cluster.serving(plane.layout, "scheduler", plane.port)
    async with plane.running(components.scheduler(plane.layout.kubeconfig("scheduler"), served=served)):
        metrics = await plane.until("/metrics", lambda _, text: 'status{name="kube-scheduler"} 1' in text)
        assert "scheduler_schedule_attempts_total" in metrics
        await plane.until("/readyz", lambda status, _: status == 200)
        ready = (await plane.get("/readyz?verbose"))[1]
        assert ready == "[+]leaderElection ok\n[+]sched-handler-sync ok\nreadyz check passed\n"
        assert (await plane.get("/livez?verbose"))[1] == "[+]ping ok\nlivez check passed\n"
        assert (await plane.get("/healthz/leaderElection")) == (200, "ok")
        configz = json.loads((await plane.get("/configz"))[1])["componentconfig"]
        assert configz["kind"] == "KubeSchedulerConfiguration"
        assert configz["profiles"] == [{"schedulerName": "default-scheduler"}]


async def test_cloud_controller_manager(plane: Plane) -> None:
    tls = ServingConfig(plane.port, "127.0.0.1", client_ca_file=plane.files.ca.certificate)
    path, config = plane.layout.kubeconfig("admin"), CloudControllerManagerConfig(**PATIENT)
    served = Serving(tls)
    async with plane.running(components.cloud_controller_manager(path, "local", "", config, served)):
        await plane.until("/healthz?verbose", lambda _, text: "[+]leaderElection ok" in text)
        configz = json.loads((await plane.get("/configz"))[1])["cloudcontrollermanager.config.k8s.io"]
        assert configz["KubeCloudShared"]["CloudProvider"] == {"Name": "local"}
        assert (await plane.get("/statusz"))[0] == 404


async def test_component_serves_before_the_api_server_is_there(tmp_path: Path, plane: Plane) -> None:
    plane.settings = Settings("n1", "127.0.0.1", api_server=f"https://127.0.0.1:{free_port()}")
    kubeconfigs.write_all(plane.layout, plane.settings, plane.files)
    served = cluster.serving(plane.layout, "scheduler", plane.port)
    async with plane.running(components.scheduler(plane.layout.kubeconfig("scheduler"), served=served)):
        await plane.until("/healthz", lambda status, _: status == 200)


def test_port_zero_serves_nothing(plane: Plane) -> None:
    assert cluster.serving(plane.layout, "scheduler", 0) is None


async def test_scheduler_is_not_ready_while_it_does_not_know_the_cluster() -> None:
    async def starting() -> None:
        raise RuntimeError("handlers are not fully synchronized")

    endpoints = serving.scheduler_endpoints(HealthGroup("healthz"), [Check("sched-handler-sync", starting)], {}, {})
    assert (await endpoints.handle(Request("/readyz"))).status == 500
    assert (await endpoints.handle(Request("/livez"))).status == 200
