"""The questions of `pynetes status`, asked of a real API server, of a dead one, and of one that hangs."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from pynetes.apimachinery.times import format_micro_time
from pynetes.apis.names import LEASES, NODES, PODS, SERVICE_ACCOUNTS
from pynetes.apiserver.server import APIServer
from pynetes.cli import kubeconfigs, status
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings
from pynetes.cli.status import masters, view
from pynetes.cli.status.view import Cluster, View
from pynetes.client import kubeconfig
from pynetes.component import clock, pki
from pynetes.testing import apiserver
from tests.ports import free_port


@dataclass
class Plane:
    layout: Layout
    files: pki.PKI
    server: APIServer

    def settings(self, role: str = "server", address: str = "") -> Settings:
        """Writes what this machine knows, too."""
        made = Settings("n1", "127.0.0.1", role=role, api_server=address or f"https://127.0.0.1:{self.server.port}")
        kubeconfigs.write_all(self.layout, made, self.files)
        return made

    async def look(self, settings: Settings) -> View:
        found = View(True, server=settings.server)
        async with asyncio.timeout(60):
            await Cluster(self.layout, settings, found).look()
        return found


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there answers, however slow the machine."""
    for asking in (masters, view):
        monkeypatch.setattr(asking, "SECONDS", 60.0)


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Plane]:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    layout.make()
    files = pki.ensure(layout.pki, addresses=("127.0.0.1",), nodes=(pki.Node("n1"),))
    config = apiserver.config(files, storage=f"sqlite://{layout.database}", advertise_address="127.0.0.1")
    async with APIServer(config) as server:
        await server.ready()
        yield Plane(layout, files, server)


async def _populate(server: APIServer) -> None:
    client = server.client()
    conditions = [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ok"}]
    for name in ("n1", "n2"):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"conditions": conditions}}
        await client.create(NODES, node)
    renewed = format_micro_time(clock.now() + timedelta(hours=1))  # however long the test takes
    for namespace, name in (
        ("kube-system", "kube-scheduler"),
        ("kube-system", "kube-controller-manager"),
        ("kube-node-lease", "n1"),
    ):
        spec = {"holderIdentity": "n1_x", "renewTime": renewed, "leaseDurationSeconds": 15, "leaseTransitions": 0}
        metadata = {"name": name, "namespace": namespace}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        await client.create(LEASES, lease)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    await client.create(SERVICE_ACCOUNTS, account, "default")
    for name, node in (("here", "n1"), ("there", "n2")):
        spec = {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        await client.create(PODS, pod, "default")


async def test_a_control_planes_machine_sees_all(plane: Plane) -> None:
    await _populate(plane.server)
    found = await plane.look(plane.settings())
    (master,) = found.masters
    assert (master.name, master.ready, master.message) == ("n1", True, "")
    assert master.since is not None
    assert [(leader.lease, leader.host) for leader in found.leaders or ()] == [
        ("kube-controller-manager", "n1"),
        ("kube-scheduler", "n1"),
    ]
    assert found.store is not None
    assert (found.store.engine, found.store.location) == ("sqlite", str(plane.layout.database))
    assert found.store.size
    assert found.store.revision
    assert [(node.name, node.pods) for node in found.nodes or ()] == [("n1", 1), ("n2", 1)]
    assert found.phases == {"Pending": 2}
    assert found.dns is not None
    assert found.dns.servers == 0
    assert [remark.section for remark in found.remarks] == ["dns"]
    assert json.loads(json.dumps(found.document()))["level"] == "bad"


async def test_a_node_sees_itself_and_says_so(plane: Plane) -> None:
    await _populate(plane.server)
    settings = plane.settings("agent")
    found = await plane.look(settings)
    assert [(node.name, node.heartbeat is not None) for node in found.nodes or ()] == [("n1", True)]
    assert found.phases == {"Pending": 1}
    assert (found.leaders, found.store) == (None, None)
    assert "may see itself" in found.unseen


async def test_every_server_behind_the_service_is_asked(plane: Plane) -> None:
    settings, dead = plane.settings(), free_port()
    ports = [{"name": "https", "port": port} for port in (plane.server.port, dead)]
    slices = [{"ports": ports, "endpoints": [{"addresses": ["127.0.0.1"]}]}]
    config = kubeconfig.load(plane.layout.kubeconfig("admin"))
    found = await Cluster(plane.layout, settings, View(True)).others(config, slices)
    by_address = {master.address: master.ready for master in found}
    assert by_address == {f"https://127.0.0.1:{dead}": False, f"https://127.0.0.1:{plane.server.port}": True}
    assert await Cluster(plane.layout, plane.settings("agent"), View(True)).others(config, slices) == []


async def test_a_dead_server_leaves_the_rest(plane: Plane) -> None:
    found = await plane.look(plane.settings(address=f"https://127.0.0.1:{free_port()}"))
    assert not found.api_ready
    assert (found.nodes, found.leaders, found.phases) == (None, None, None)
    assert found.store is not None
    assert found.store.size
    assert "no API server answers" in found.remarks[0].what


async def test_a_server_that_hangs_is_given_up(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masters, "SECONDS", 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await plane.look(plane.settings(address=f"https://127.0.0.1:{port}"))
    assert found.masters[0].message == "no answer within 0.2 s"


async def test_a_server_that_is_not_ready_says_which_check_fails(plane: Plane) -> None:
    plane.server._stopping = True
    found = await plane.look(plane.settings())
    assert found.masters[0].message == "not ready: shutdown"
    assert found.nodes is None
    plane.server._stopping = False


def test_without_a_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout = Layout(tmp_path / "data", tmp_path / "run")
    assert not status.show(layout, "json")
    assert json.loads(capsys.readouterr().out) == {"running": False, "state": None}
    layout.make()
    Settings("n1", "127.0.0.1").save(layout.settings)
    assert not status.show(layout, "text")
    assert capsys.readouterr().out == "No cluster runs. `pynetes up` starts it.\n"
