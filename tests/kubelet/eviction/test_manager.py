"""The eviction manager: reclaim first, then one pod at a time; conditions that do not flap."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from pynetes.component import clock
from pynetes.kubelet.eviction import Eviction, EvictionManager
from pynetes.kubelet.eviction.thresholds import parse
from pynetes.kubelet.node_conditions import Pressures


def pod(name: str, priority: int = 0, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "ns", "uid": name},
        "spec": {"priority": priority, "containers": [{"name": "c"}], **spec},
    }


@dataclass
class Node:
    """A node's numbers, and what is done about them."""

    memory: int = 1000
    disk: int = 1000
    disk_after_reclaim: int | None = None
    pods: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    killed: list[tuple[str, Eviction]] = field(default_factory=list)
    events: list[tuple[str, str, str]] = field(default_factory=list)
    changes: int = 0

    async def summary(self) -> dict[str, Any]:
        fs = {"availableBytes": self.disk, "capacityBytes": 1000, "inodesFree": 500, "inodes": 1000}
        pods = [
            {
                "podRef": {"uid": uid},
                "memory": {"workingSetBytes": amount},
                "containers": [{"name": "c", "memory": {"workingSetBytes": amount}}],
            }
            for uid, amount in self.usage.items()
        ]
        memory = {"availableBytes": self.memory, "workingSetBytes": 1000 - self.memory}
        return {"node": {"memory": memory, "fs": fs, "runtime": {"imageFs": fs}}, "pods": pods}

    async def kill(self, pod: dict[str, Any], eviction: Eviction) -> None:
        self.killed.append((pod["metadata"]["name"], eviction))
        self.pods.remove(pod)

    async def reclaim(self) -> None:
        if self.disk_after_reclaim is not None:
            self.disk = self.disk_after_reclaim

    async def no(self) -> bool:
        return False

    def changed(self) -> None:
        self.changes += 1

    def manager(self, soft: dict[str, str] | None = None, **options: Any) -> EvictionManager:
        thresholds = parse(
            {"memory.available": "100", "nodefs.available": "10%"}, soft or {}, {"memory.available": 30.0}, {}
        )
        return EvictionManager(
            thresholds,
            summary=self.summary,
            active_pods=lambda: list(self.pods),
            kill=self.kill,
            cleaned_up=lambda uid: True,
            reclaim_disk=self.reclaim,
            dedicated_image_fs=self.no,
            pod_event=lambda pod, type, reason, message: self.events.append((type, reason, message)),
            node_event=lambda type, reason, message: self.events.append((type, reason, message)),
            changed=self.changed,
            **options,
        )


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: time[0])
    return time


async def test_nothing_happens_while_there_is_enough() -> None:
    node = Node(pods=[pod("a")])
    manager = node.manager()
    assert await manager.synchronize() == []
    assert (manager.pressures(), node.killed, node.changes) == (Pressures(), [], 0)


async def test_memory_pressure_evicts_one_pod_and_says_why() -> None:
    node = Node(memory=50, pods=[pod("small"), pod("big"), pod("vip", 100)])
    node.usage = {"small": 10, "big": 600, "vip": 340}
    manager = node.manager()
    assert [p["metadata"]["name"] for p in await manager.synchronize()] == ["big"]
    ((name, eviction),) = node.killed
    assert name == "big"
    assert eviction.grace_seconds == 1
    assert eviction.disruption_target
    assert eviction.message == (
        "The node was low on resource: memory. Threshold quantity: 100, available: 50. "
        "Container c was using 600, request is 0, has larger consumption of memory. "
    )
    assert node.events == [
        ("Warning", "EvictionThresholdMet", "Attempting to reclaim memory"),
        ("Warning", "Evicted", eviction.message),
    ]
    assert manager.pressures() == Pressures(memory=True)
    assert node.changes == 1


async def test_disk_is_freed_before_anybody_dies() -> None:
    node = Node(disk=50, disk_after_reclaim=500, pods=[pod("a")])
    assert await node.manager().synchronize() == []
    assert node.killed == []
    assert node.manager().pressures() == Pressures()


async def test_disk_that_stays_full_costs_a_pod() -> None:
    node = Node(disk=50, pods=[pod("a")])
    manager = node.manager()
    assert len(await manager.synchronize()) == 1
    assert manager.pressures() == Pressures(disk=True)
    assert node.killed[0][1].message.startswith("The node was low on resource: ephemeral-storage. ")


async def test_critical_pods_stay() -> None:
    node = Node(memory=50, pods=[pod("critical", 2_000_000_000)])
    assert await node.manager().synchronize() == []
    assert node.killed == []


async def test_soft_thresholds_wait_and_leave_some_grace(now: list[float]) -> None:
    node = Node(memory=150, pods=[pod("a", terminationGracePeriodSeconds=60)])
    manager = node.manager({"memory.available": "200"}, max_pod_grace=20)
    assert await manager.synchronize() == []
    assert manager.pressures() == Pressures(memory=True), "the condition shows at once"
    now[0] += 31
    assert len(await manager.synchronize()) == 1
    assert node.killed[0][1].grace_seconds == 20


async def test_conditions_stay_for_the_transition_period(now: list[float]) -> None:
    node = Node(memory=50)
    manager = node.manager(transition_period=300)
    await manager.synchronize()
    node.memory = 900
    now[0] += 299
    await manager.synchronize()
    assert manager.pressures() == Pressures(memory=True)
    now[0] += 2
    await manager.synchronize()
    assert manager.pressures() == Pressures()
    assert node.changes == 2


async def test_a_pod_over_its_own_limit_goes_without_any_pressure() -> None:
    over = pod("over", volumes=[{"name": "v", "emptyDir": {"sizeLimit": "1"}}])
    node = Node(pods=[over, pod("fine")])

    async def summary() -> dict[str, Any]:
        return {
            "node": {},
            "pods": [{"podRef": {"uid": "over"}, "volume": [{"name": "v", "usedBytes": 5}], "containers": []}],
        }

    node.summary = summary  # type: ignore[method-assign]
    assert await node.manager().synchronize() == [over]
    assert not node.killed[0][1].disruption_target


MEMORY = "node.kubernetes.io/memory-pressure"


@pytest.mark.parametrize(
    ("memory", "disk", "of", "admitted"),
    [
        (1000, 1000, pod("a"), True),
        (50, 1000, pod("a"), False),
        (50, 1000, pod("a", tolerations=[{"key": MEMORY, "operator": "Exists"}]), True),
        (50, 1000, pod("a", tolerations=[{"operator": "Exists"}]), True),
        (50, 1000, pod("a", tolerations=[{"key": "other", "operator": "Exists"}]), False),
        (50, 1000, pod("a", containers=[{"name": "c", "resources": {"requests": {"memory": "1"}}}]), True),
        (50, 50, pod("a", containers=[{"name": "c", "resources": {"requests": {"memory": "1"}}}]), False),
        (50, 50, pod("a", 2_000_000_000), True),
    ],
)
async def test_admission_under_pressure(memory: int, disk: int, of: dict[str, Any], admitted: bool) -> None:
    manager = Node(memory=memory, disk=disk).manager()
    await manager.synchronize()
    assert (manager.admission_failure(of) is None) is admitted


async def test_the_refusal_names_the_conditions() -> None:
    manager = Node(memory=50, disk=50).manager()
    await manager.synchronize()
    assert manager.admission_failure(pod("a")) == "The node had condition: [DiskPressure MemoryPressure]. "
