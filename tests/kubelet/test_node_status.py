"""Registering the node and reporting its status."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.node_conditions import Pressures
from pynetes.kubelet.node_status import NodeStatus, addresses, changed, status_patch
from pynetes.kubelet.runtime_state import RuntimeState

NODE = "/api/v1/nodes/n1"


class Runtime:
    """A runtime whose network can be down."""

    def __init__(self) -> None:
        self.network, self.looks = True, 0
        self.images: list[pb.Image] = [pb.Image(id="1", repo_tags=["a:1"], repo_digests=["a@sha256:1"], size=5)]

    async def version(self) -> pb.VersionResponse:
        return pb.VersionResponse(runtime_name="containerd", runtime_version="1.6.20")

    async def status(self) -> pb.StatusResponse:
        self.looks += 1
        network = pb.RuntimeCondition(type="NetworkReady", status=self.network)
        if not self.network:
            network.reason, network.message = "NetworkPluginNotReady", "cni plugin not initialized"
        ready = pb.RuntimeCondition(type="RuntimeReady", status=True)
        return pb.StatusResponse(status=pb.RuntimeStatus(conditions=[ready, network]))

    async def list_images(self) -> list[pb.Image]:
        return self.images


class Fixture:
    def __init__(self, api: Any, root: Path) -> None:
        self.api, self.runtime, self.pressures = api, Runtime(), Pressures()
        self.events: list[tuple[str, str, str]] = []
        self.config = KubeletConfig(
            node_name="n1", node_ip="192.0.2.1", root_dir=str(root), node_status_update_frequency=0.05
        )

    def status(self) -> NodeStatus:
        return NodeStatus(
            self.api.client,
            self.config,
            runtime=self.runtime,  # type: ignore[arg-type]
            images=self.runtime,  # type: ignore[arg-type]
            state=RuntimeState(self.runtime),  # type: ignore[arg-type]
            pressures=lambda: self.pressures,
            event=lambda *event: self.events.append(event),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[NodeStatus]:
        status = self.status()
        async with Tasks("test") as tasks, asyncio.timeout(60):
            tasks.start(status.run(), name="status")
            await status.registered.wait()
            yield status

    async def until(self, status: str) -> dict[str, Any]:
        """Waits for the Ready condition to have this status."""
        await self.api.until(lambda: self.node()["status"]["conditions"][-1]["status"] == status)
        return self.node()["status"]["conditions"][-1]  # type: ignore[no-any-return]

    async def looks(self, more: int) -> None:
        """Waits for so many further looks at the runtime."""
        enough = self.runtime.looks + more
        while self.runtime.looks < enough:
            await clock.sleep(0.01)

    def node(self) -> Any:
        return self.api.objects[NODE]


@pytest.fixture
def setup(api: Any, tmp_path: Path) -> Fixture:
    return Fixture(api, tmp_path)


async def test_a_new_node_has_all_that_clients_look_for(setup: Fixture) -> None:
    taint = {"key": "k", "effect": "NoSchedule"}
    setup.config = replace(setup.config, node_labels={"role": "x"}, register_with_taints=(taint,))
    async with setup.running():
        node = setup.node()
    assert node["metadata"]["labels"] == {
        "kubernetes.io/hostname": "n1",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": node["status"]["nodeInfo"]["architecture"],
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": node["status"]["nodeInfo"]["architecture"],
        "role": "x",
    }
    assert node["metadata"]["annotations"] == {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
    assert node["spec"]["taints"] == [{"key": "k", "effect": "NoSchedule"}]
    status = node["status"]
    assert status["addresses"] == [
        {"type": "InternalIP", "address": "192.0.2.1"},
        {"type": "Hostname", "address": "n1"},
    ]
    assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert status["capacity"]["pods"] == "110"
    assert set(status["allocatable"]) == set(status["capacity"])
    assert status["nodeInfo"]["containerRuntimeVersion"] == "containerd://1.6.20"
    assert status["nodeInfo"]["kubeletVersion"].startswith("v1.36.")
    assert status["declaredFeatures"] == [
        "InPlacePodVerticalScalingInitContainers",
        "RestartAllContainersOnContainerExits",
    ]
    assert status["images"] == [{"names": ["a@sha256:1", "a:1"], "sizeBytes": 5}]
    assert status["conditions"][-1]["type"] == "Ready"
    assert status["conditions"][-1]["status"] == "True"


async def test_an_existing_node_keeps_what_others_set(setup: Fixture) -> None:
    setup.api.put(
        NODE,
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"labels": {"mine": "yes", "kubernetes.io/os": "plan9"}},
            "spec": {"podCIDR": "10.244.1.0/24"},
            "status": {
                "capacity": {"example.com/gpu": "4"},
                "conditions": [{"type": "NetworkUnavailable", "status": "False"}],
            },
        },
    )
    async with setup.running() as status:
        await setup.api.until(lambda: "nodeInfo" in setup.node()["status"])
        node = setup.node()
        assert status.host_ips() == ["192.0.2.1"]
    assert node["metadata"]["labels"]["mine"] == "yes"
    assert node["metadata"]["labels"]["kubernetes.io/os"] == "linux"
    assert node["spec"]["podCIDR"] == "10.244.1.0/24"
    assert node["status"]["capacity"]["example.com/gpu"] == "4"
    types = [c["type"] for c in node["status"]["conditions"]]
    assert sorted(types) == ["DiskPressure", "MemoryPressure", "NetworkUnavailable", "PIDPressure", "Ready"]


async def test_changes_are_reported_at_once_and_nothing_else(setup: Fixture) -> None:
    async with setup.running() as status:
        await setup.until("True")
        await setup.looks(2)
        written = len(setup.api.writes(NODE + "/status"))
        assert written == 1
        await setup.looks(5)
        assert len(setup.api.writes(NODE + "/status")) == written
        setup.runtime.network = False
        status.refresh()
        ready = await setup.until("False")
        assert ready["reason"] == "KubeletNotReady"
        assert ready["message"] == (
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
            "message:cni plugin not initialized"
        )
        setup.runtime.network = True
        await setup.until("True")
    reasons = [reason for _, reason, _ in setup.events]
    assert reasons[-2:] == ["NodeNotReady", "NodeReady"]
    assert setup.events[-1] == ("Normal", "NodeReady", "Node n1 status is now: NodeReady")


async def test_pressure_shows_in_the_conditions(setup: Fixture) -> None:
    async with setup.running() as status:
        setup.pressures = Pressures(disk=True)
        status.refresh()
        await setup.api.until(lambda: setup.node()["status"]["conditions"][1]["status"] == "True")
    assert ("Normal", "NodeHasDiskPressure", "Node n1 status is now: NodeHasDiskPressure") in setup.events


async def test_registration_waits_for_the_api_server(setup: Fixture) -> None:
    from pynetes.apimachinery.errors import service_unavailable

    setup.api.refuse = service_unavailable("starting")
    status = setup.status()
    async with Tasks("test") as tasks, asyncio.timeout(60):
        tasks.start(status.run(), name="status")
        await setup.api.until(lambda: setup.api.requests)
        setup.api.refuse = None
        await status.registered.wait()
    assert NODE in setup.api.objects


def test_addresses_by_configuration() -> None:
    config = KubeletConfig(node_name="n1", node_ip="192.0.2.1,fd00::1")
    assert [a["address"] for a in addresses(config)] == ["192.0.2.1", "fd00::1", "n1"]


def test_what_counts_as_a_change() -> None:
    ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": "1"}
    old = {"conditions": [{"type": "Other"}, ready], "nodeInfo": {"a": "1"}, "images": []}
    new = {"conditions": [{**ready, "lastHeartbeatTime": "2"}], "nodeInfo": {"a": "1", "b": ""}, "images": []}
    assert changed(old, new) == {}
    assert changed(old, {**new, "images": [1]}) == {"images": [1]}
    assert "conditions" in changed(old, {**new, "conditions": [{**ready, "status": "False"}]})


def test_addresses_are_replaced_as_a_whole() -> None:
    assert status_patch({"addresses": [{"type": "InternalIP"}]}) == {
        "addresses": [{"type": "InternalIP"}, {"$patch": "replace"}]
    }
