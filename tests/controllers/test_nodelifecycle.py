import pytest
from controller_cluster import serving
from controller_objects import NOW, node, stamp

from pynetes.apis.names import NODES
from pynetes.client.watch import ADDED, WatchEvent
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.nodelifecycle import health, taints, tolerations, zones
from pynetes.controllers.nodelifecycle.controller import NodeLifecycleController
from pynetes.controllers.nodelifecycle.zones import TaintQueue, ZoneState


def beating(heartbeat):
    found = node(Ready="True")
    found["status"]["conditions"][0]["lastHeartbeatTime"] = heartbeat
    return found


def lease(renewed):
    return {"spec": {"renewTime": renewed}}


def test_heartbeats_and_leases_both_count_as_signs_of_life():
    known = health.observe(None, beating("t1"), lease("r1"), 100, 9999)
    assert known.probed_at == 100
    assert health.observe(known, beating("t1"), lease("r1"), 110, 0).probed_at == 100
    assert health.observe(known, beating("t2"), lease("r1"), 110, 0).probed_at == 110
    assert health.observe(known, beating("t1"), lease("r2"), 110, 0).probed_at == 110
    assert health.observe(known, beating("t1"), lease("r0"), 110, 0).probed_at == 100
    assert health.observe(known, beating("t1"), None, 110, 0).probed_at == 100


def test_a_node_that_never_reported_is_measured_from_its_creation():
    known = health.observe(None, node(), None, 100, 70)
    assert known.probed_at == 30
    assert health.is_silent(known, 91, 40, 60)
    assert not health.is_silent(known, 90, 40, 60)
    known = health.observe(known, beating("t1"), None, 100, 70)
    assert not health.is_silent(known, 140, 40, 60)
    assert health.is_silent(known, 141, 40, 60)


def test_the_conditions_of_a_silent_node():
    found = health.unknown_conditions(node(Ready="True", DiskPressure="Unknown", NetworkUnavailable="False"), NOW)
    by_type = {c["type"]: c for c in found}
    assert by_type["Ready"] == {
        "type": "Ready",
        "status": "Unknown",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "lastTransitionTime": stamp(),
    }
    assert by_type["DiskPressure"] == {"type": "DiskPressure", "status": "Unknown"}
    assert by_type["NetworkUnavailable"]["status"] == "False"
    assert by_type["MemoryPressure"]["reason"] == "NodeStatusNeverUpdated"
    again = {**node(), "status": {"conditions": found}}
    assert health.unknown_conditions(again, NOW) == found


def tainted(given, *entries):
    given["spec"]["taints"] = [{"key": key, "effect": effect} for key, effect in entries]
    return given


def keys(found):
    return None if found is None else sorted((t["key"].rpartition("/")[2], t["effect"]) for t in found)


OTHER = ("example.com/mine", "NoSchedule")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (node(Ready="True"), None),
        (node(Ready="False"), [("not-ready", "NoSchedule")]),
        (node(Ready="Unknown"), [("unreachable", "NoSchedule")]),
        (
            node(Ready="True", MemoryPressure="True", PIDPressure="True"),
            [("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule")],
        ),
        (tainted(node(Ready="True"), (taints.NOT_READY, "NoSchedule"), OTHER), [("mine", "NoSchedule")]),
        (tainted(node(Ready="False"), (taints.NOT_READY, "NoSchedule")), None),
        (
            tainted(node(Ready="False"), (taints.UNREACHABLE, "NoSchedule"), (taints.UNREACHABLE, "NoExecute")),
            [("not-ready", "NoSchedule"), ("unreachable", "NoExecute")],
        ),
        (tainted(node(Ready="True"), (taints.UNSCHEDULABLE, "NoSchedule")), []),
    ],
)
def test_no_schedule_taints_follow_the_conditions(given, expected):
    assert keys(taints.no_schedule(given)) == expected


def test_an_unschedulable_node_is_tainted():
    given = node(Ready="True")
    given["spec"]["unschedulable"] = True
    assert keys(taints.no_schedule(given)) == [("unschedulable", "NoSchedule")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (node(Ready="False"), [("not-ready", "NoExecute")]),
        (node(Ready="Unknown"), [("unreachable", "NoExecute")]),
        (tainted(node(Ready="False"), (taints.NOT_READY, "NoExecute")), None),
        (tainted(node(Ready="Unknown"), (taints.NOT_READY, "NoExecute")), [("unreachable", "NoExecute")]),
    ],
)
def test_no_execute_taints(given, expected):
    found = taints.no_execute(given, stamp())
    assert keys(found) == expected
    if found is not None:
        assert found[-1]["timeAdded"] == stamp()


def test_a_healthy_node_loses_its_no_execute_taints_only():
    given = tainted(node(Ready="True"), (taints.NOT_READY, "NoExecute"), (taints.NOT_READY, "NoSchedule"))
    assert keys(taints.without_no_execute(given)) == [("not-ready", "NoSchedule")]
    assert taints.without_no_execute(node(Ready="True")) is None


@pytest.mark.parametrize(
    ("ready", "down", "expected"),
    [
        (1, 0, ZoneState.NORMAL),
        (0, 1, ZoneState.FULL_DISRUPTION),
        (1, 2, ZoneState.NORMAL),
        (2, 3, ZoneState.PARTIAL_DISRUPTION),
        (3, 3, ZoneState.NORMAL),
        (0, 0, ZoneState.NORMAL),
    ],
)
def test_zone_states(ready, down, expected):
    assert zones.state_of(ready, down, 0.55) is expected


@pytest.mark.parametrize(
    ("state", "size", "rate"),
    [
        (ZoneState.NORMAL, 3, 0.1),
        (ZoneState.FULL_DISRUPTION, 3, 0.1),
        (ZoneState.PARTIAL_DISRUPTION, 50, 0),
        (ZoneState.PARTIAL_DISRUPTION, 51, 0.01),
    ],
)
def test_eviction_rates(state, size, rate):
    assert zones.eviction_rate(state, size, 0.1, 0.01, 50) == rate


def test_nodes_share_a_zone_by_their_labels():
    labels = {"topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "z"}
    assert zones.zone_of(node(labels=labels)) == zones.zone_of(node("other", labels=labels))
    assert zones.zone_of(node()) == ""


async def test_nodes_are_let_through_one_by_one():
    queue = TaintQueue(0.1)
    queue.add("a")
    queue.add("b")
    queue.add("a")
    assert queue.take() == "a"
    assert queue.take() is None  # ten seconds to go
    queue.give_back("a")
    assert queue.take() == "a"
    queue.add("a")
    queue._next_at = 0
    assert queue.take() == "b"
    queue._next_at = 0
    assert queue.take() is None  # both went through
    queue.remove("a")
    queue.add("a")
    queue.set_rate(0)
    assert queue.take() is None
    queue.set_rate(0.1)
    assert queue.take() == "a"


T = {"key": "k", "value": "v", "effect": "NoExecute"}


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "operator": "Equal", "value": "w"}, False),
        ({"key": "k", "operator": "Exists", "effect": "NoExecute"}, True),
        ({"key": "k", "operator": "Exists", "effect": "NoSchedule"}, False),
    ],
)
def test_tolerations(toleration, expected):
    assert tolerations.tolerates(toleration, T) is expected


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ([], 0),
        ([{"operator": "Exists"}], None),
        ([{"operator": "Exists", "tolerationSeconds": 300}], 300),
        ([{"operator": "Exists", "tolerationSeconds": -5}], 0),
        ([{"key": "k", "operator": "Exists", "tolerationSeconds": 30}, {"operator": "Exists"}], 30),
        ([{"key": "other", "operator": "Exists"}], 0),
    ],
)
def test_how_long_a_pod_may_stay(given, seconds):
    assert tolerations.seconds(given, [T]) == seconds


def test_the_shortest_toleration_counts():
    given = [
        {"key": "a", "operator": "Exists", "tolerationSeconds": 30},
        {"key": "b", "operator": "Exists", "tolerationSeconds": 10},
    ]
    found = [{"key": "a", "effect": "NoExecute"}, {"key": "b", "effect": "NoExecute"}]
    assert tolerations.seconds(given, found) == 10


async def test_a_healthy_node_counts_though_what_is_to_be_written_meets_a_newer_version(tmp_path):
    async with serving(tmp_path) as (server, _):
        client = server.client()
        controller = NodeLifecycleController(ControllerContext.for_client(client, ControllerManagerConfig()))
        for name, status, key in (("up", "True", taints.UNREACHABLE), ("down", "False", "example.com/mine")):
            conditions = [{"type": "Ready", "status": status}]
            entries = [{"key": key, "effect": "NoExecute"}]
            made = {"metadata": {"name": name}, "spec": {"taints": entries}, "status": {"conditions": conditions}}
            controller.nodes.apply(WatchEvent(ADDED, await client.create(NODES, made)))
        await client.patch(NODES, "up", {"metadata": {"labels": {"new": "yes"}}})
        await controller.monitor()
        found = {name: await client.get(NODES, name) for name in ("up", "down")}
    assert (taints.UNREACHABLE, "NoExecute") in [(t["key"], t["effect"]) for t in found["up"]["spec"]["taints"]]
    assert (taints.NOT_READY, "NoExecute") in [(t["key"], t["effect"]) for t in found["down"]["spec"]["taints"]]
