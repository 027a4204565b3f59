"""Hints by topology: every zone its share of endpoints by CPUs, its own ones first; and when there can be none."""

from collections import Counter

import pytest

from pynetes.apis.names import ENDPOINT_SLICES, EVENTS, NODES, PODS, SERVICES
from pynetes.controllers.endpoints import topology
from pynetes.controllers.endpoints.topology import NoHintsError, Share


def node(name, zone="", cpu="4", *, ready="True", **labels):
    labels = {**labels, **({topology.ZONE: zone} if zone else {})}
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": {"cpu": cpu}, "conditions": conditions},
    }


def slice_(*zones, hints=(), ready=True):
    endpoints = [{"addresses": [f"10.0.0.{n}"], "conditions": {"ready": ready}, "zone": z} for n, z in enumerate(zones)]
    for endpoint, zone in zip(endpoints, hints, strict=False):
        endpoint["hints"] = {"forZones": [{"name": zone}]}
    return {"endpoints": endpoints}


def hinted_zones(*slices):
    hints = [e.get("hints") for each in slices for e in each["endpoints"]]
    return Counter(zone["name"] for hint in hints if hint for zone in hint["forZones"])


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([node("a", "z1"), node("b", "z2", "8"), node("c", "z2")], {"z1": 0.25, "z2": 0.75}),
        ([node("a", "z1"), node("b", "z1")], {}),
        ([node("a", "z1"), node("b")], {}),
        ([node("a", "z1"), node("b", "z2", "0")], {}),
        ([node("a", "z1"), node("b", "z2"), node("c", ready="False")], {"z1": 0.5, "z2": 0.5}),
        ([node("a", "z1"), node("b", "z2"), node("c", **{"node-role.kubernetes.io/control-plane": ""})],
         {"z1": 0.5, "z2": 0.5}),
    ],
    ids=["by CPUs", "one zone", "a node without", "a node with no CPU", "not ready does not count", "nor do masters"],
)  # fmt: skip
def test_zones_weigh_what_their_nodes_have_of_cpus(nodes, expected):
    assert topology.cpu_shares(nodes) == expected


def test_shares_leave_room_for_a_fifth_more():
    assert topology.shares(6, {"z1": 0.5, "z2": 0.5}) == {"z1": Share(3, 3, 3.0), "z2": Share(3, 3, 3.0)}
    assert topology.shares(10, {"z1": 0.3, "z2": 0.7}) == {"z1": Share(3, 4, 3.0), "z2": Share(6, 7, 7.0)}


@pytest.mark.parametrize(
    ("endpoints", "cpus", "message"),
    [
        (4, {}, "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"),
        (1, {"z1": 0.5, "z2": 0.5}, r"Insufficient number of endpoints \(1 endpoints, 2 zones\)"),
        (
            3,
            {"z1": 0.5, "z2": 0.5},
            r"Unable to allocate minimum required endpoints to each zone without exceeding overload threshold "
            r"\(3 endpoints, 2 zones\)",
        ),
    ],
)
def test_too_few_endpoints_have_no_hints(endpoints, cpus, message):
    with pytest.raises(NoHintsError, match=message):
        topology.shares(endpoints, cpus)


def test_endpoints_serve_their_own_zone_and_those_in_excess_another():
    cpus = {"z1": 0.5, "z2": 0.5}
    made = topology.hinted([slice_("z1", "z1", "z2", "z2")], [], [], cpus)
    assert [e["hints"]["forZones"][0]["name"] for e in made.create[0]["endpoints"]] == ["z1", "z1", "z2", "z2"]
    made = topology.hinted([slice_("z1", "z1", "z1", "z1")], [], [], cpus)
    assert hinted_zones(*made.create) == {"z1": 2, "z2": 2}
    made = topology.hinted([], [slice_("z1", "z1", "z1", "z2", "z2", "z2", "z2", "z2")], [], {"z1": 0.25, "z2": 0.75})
    assert hinted_zones(*made.update) == {"z1": 2, "z2": 6}


def test_slices_whose_hints_still_do_are_left_alone():
    cpus, kept = {"z1": 0.5, "z2": 0.5}, slice_("z1", "z2", hints=("z1", "z2"))
    made = topology.hinted([slice_("z1", "z2")], [], [kept], cpus)
    assert (len(made.create), made.update, made.changed) == (1, [], [])
    made = topology.hinted([slice_("z2", "z2")], [], [slice_("z1", "z1", hints=("z2", "z2"))], cpus)
    assert made.changed == []
    assert hinted_zones(*made.create) == {"z1": 2}
    made = topology.hinted([], [], [slice_("z1", "z2", hints=("z1", "elsewhere"))], cpus)
    assert hinted_zones(*made.changed) == {"z1": 1, "z2": 1}


def test_an_endpoint_without_a_zone_leaves_all_without_hints_and_one_that_is_not_ready_has_none():
    with pytest.raises(NoHintsError, match="One or more endpoints do not have a zone specified"):
        topology.hinted([slice_("z1", "z2", "z2", "")], [], [], {"z1": 0.5, "z2": 0.5})
    waiting = {
        **slice_("z1", "z2"),
        "endpoints": [*slice_("z1", "z2")["endpoints"], *slice_("", ready=False)["endpoints"]],
    }
    made = topology.hinted([waiting], [], [], {"z1": 0.5, "z2": 0.5})
    assert "hints" not in made.create[0]["endpoints"][2]


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"service.kubernetes.io/topology-mode": "Auto"}, True),
        ({"service.kubernetes.io/topology-mode": "auto"}, True),
        ({"service.kubernetes.io/topology-mode": "Disabled"}, False),
        ({"service.kubernetes.io/topology-aware-hints": "Auto"}, True),
        (
            {"service.kubernetes.io/topology-aware-hints": "disabled", "service.kubernetes.io/topology-mode": "Auto"},
            False,
        ),
        ({}, False),
    ],
)
def test_services_ask_for_them_by_annotation(annotations, expected):
    assert topology.is_auto({"metadata": {"annotations": annotations}}) is expected


async def test_the_controller_gives_hints_once_nodes_tell_their_cpus_and_says_so(cluster):
    second = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2", "labels": {topology.ZONE: "z2"}}}
    await cluster.client.create(NODES, second)
    metadata = {"name": "web", "annotations": {"service.kubernetes.io/topology-mode": "Auto"}}
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    await cluster.client.create(SERVICES, service, "default")
    for name in ("a", "b"):
        labels, containers = {"app": "web"}, [{"name": "main", "image": "none"}]
        metadata = {"name": name, "labels": labels}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}}
        await cluster.client.create(PODS, pod, "default")

    async def told(reason):
        listed = await cluster.client.list(EVENTS, "default")
        return [event["message"] for event in listed["items"] if event["reason"] == reason]

    async def hinted():
        listed = await cluster.client.list(ENDPOINT_SLICES, "default", label_selector="kubernetes.io/service-name=web")
        return sorted(hinted_zones(*({"endpoints": each.get("endpoints") or []} for each in listed["items"])))

    (why, *_) = await cluster.eventually(lambda: told("TopologyAwareHintsDisabled"))
    assert why.startswith("Insufficient Node information")
    for name in ("n1", "n2"):
        condition = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ok"}
        status = {"allocatable": {"cpu": "2"}, "conditions": [condition]}
        await cluster.client.patch(NODES, name, {"status": status}, type="strategic", subresource="status")
    assert await cluster.eventually(hinted) == ["z1", "z2"]
    assert await cluster.eventually(lambda: told("TopologyAwareHintsEnabled")) == [
        "Topology Aware Hints has been enabled, addressType: IPv4"
    ]
    await cluster.client.patch(SERVICES, "web", {"metadata": {"annotations": None}}, "default")

    async def unhinted():
        return not await hinted()

    await cluster.eventually(unhinted)
