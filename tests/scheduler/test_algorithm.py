"""Decisions: which node, or why none."""

import random
from typing import Any

import pytest

from pynetes.scheduler.algorithm import Decision, schedule
from pynetes.scheduler.cache import Cache
from pynetes.scheduler.plugins import default_profile
from pynetes.scheduler.podinfo import pod_info
from tests.scheduler import Object, node, pod

ZONE = "topology.kubernetes.io/zone"


def decide(nodes: list[Object], waiting: Object, *running: Object) -> Decision:
    cache = Cache()
    for one in nodes:
        cache.put_node(one)
    for one in running:
        cache.put_pod(one)
    return schedule(cache.snapshot, pod_info(waiting), default_profile(), random.Random(1))


def zoned(name: str, zone: str, **more: Any) -> Object:
    made = node(name, **more)
    made["metadata"]["labels"][ZONE] = zone
    return made


def affinity(kind: str, when: str, **term: Any) -> Object:
    key = {"required": "requiredDuringSchedulingIgnoredDuringExecution"}.get(when, when)
    return {kind: {key: [{"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "a"}}, **term}]}}


def node_affinity(**requirement: Any) -> Object:
    terms = [{"matchExpressions": [requirement]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


CORDONED = node("cordoned")
CORDONED["spec"]["unschedulable"] = True
TAINTED = node("tainted", taints=[{"key": "k", "value": "v", "effect": "NoSchedule"}])


@pytest.mark.parametrize(
    ("nodes", "waiting", "running", "reason"),
    [
        ([node("a", cpu="1")], pod(cpu="2"), [], "1 Insufficient cpu"),
        (
            [node("a", cpu="2")],
            pod(cpu="1500m", memory="9Gi"),
            [pod(on="a", cpu="1")],
            "1 Insufficient cpu, 1 Insufficient memory",
        ),
        ([node("a", pods="1")], pod(), [pod(on="a")], "1 Too many pods"),
        ([CORDONED], pod(), [], "1 node(s) were unschedulable"),
        ([TAINTED, node("a", cpu="1")], pod(cpu="2"), [], "1 Insufficient cpu, 1 node(s) had untolerated taint(s)"),
        ([node("a")], pod(nodeSelector={"disk": "ssd"}), [], "1 node(s) didn't match Pod's node affinity/selector"),
        (
            [node("a")],
            pod(affinity=node_affinity(key="gpu", operator="Exists")),
            [],
            "1 node(s) didn't match Pod's node affinity/selector",
        ),
        (
            [zoned("a", "z")],
            pod(affinity=affinity("podAffinity", "required")),
            [],
            "1 node(s) didn't match pod affinity rules",
        ),
        (
            [zoned("a", "z"), zoned("b", "z")],
            pod(affinity=affinity("podAntiAffinity", "required")),
            [pod(on="a", labels={"app": "a"})],
            "2 node(s) didn't match pod anti-affinity rules",
        ),
        (
            [zoned("a", "z")],
            pod(labels={"app": "a"}),
            [pod(on="a", affinity=affinity("podAntiAffinity", "required"))],
            "1 node(s) didn't satisfy existing pods anti-affinity rules",
        ),
    ],
)  # fmt: skip
def test_the_message_says_why_no_node_fits(
    nodes: list[Object], waiting: Object, running: list[Object], reason: str
) -> None:
    decision = decide(nodes, waiting, *running)
    assert decision.node is None
    total = len(nodes)
    assert decision.diagnosis.message(total) == f"0/{total} nodes are available: {reason}."


def test_a_pod_that_restarts_whole_needs_a_node_that_can() -> None:
    able = node("able")
    able["status"]["declaredFeatures"] = ["RestartAllContainersOnContainerExits"]
    waiting = pod()
    waiting["spec"]["containers"][0]["restartPolicyRules"] = [{"action": "RestartAllContainers"}]
    assert decide([node("a"), able, node("b")], waiting).node == "able"
    reason = "0/1 nodes are available: 1 node(s) didn't match Pod's required features."
    assert decide([node("a")], waiting).diagnosis.message(1) == reason
    waiting["spec"]["containers"][0]["restartPolicyRules"] = [{"action": "Restart"}]
    assert decide([node("a")], waiting).node == "a"


def test_an_empty_cluster_has_its_own_message() -> None:
    assert decide([], pod()).diagnosis.message(0) == "no nodes available to schedule pods"


def test_a_host_port_is_taken_once_a_node_and_address() -> None:
    def with_port(on: str = "", ip: str = "") -> Object:
        made = pod(on=on)
        made["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 8080, "hostIP": ip}]
        return made

    reason = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
    assert decide([node("a")], with_port(), with_port("a")).diagnosis.message(1) == reason
    assert decide([node("a")], with_port(ip="127.0.0.1"), with_port("a")).node is None
    assert decide([node("a")], with_port(ip="127.0.0.1"), with_port("a", "127.0.0.2")).node == "a"


@pytest.mark.parametrize(
    "toleration",
    [
        {"operator": "Exists"},
        {"key": "k", "operator": "Exists"},
        {"key": "k", "value": "v"},
        {"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"},
    ],
)
def test_a_toleration_opens_a_tainted_node(toleration: Object) -> None:
    assert decide([TAINTED], pod(tolerations=[toleration])).node == "tainted"
    for other in (
        {"key": "other", "operator": "Exists"},
        {"key": "k", "value": "w"},
        {"key": "k", "operator": "Exists", "effect": "NoExecute"},
    ):
        assert decide([TAINTED], pod(tolerations=[other])).node is None


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ({"key": "n", "operator": "In", "values": ["5", "7"]}, {"five"}),
        ({"key": "n", "operator": "NotIn", "values": ["5"]}, {"nine", "none"}),
        ({"key": "n", "operator": "Exists"}, {"five", "nine"}),
        ({"key": "n", "operator": "DoesNotExist"}, {"none"}),
        ({"key": "n", "operator": "Gt", "values": ["5"]}, {"nine"}),
        ({"key": "n", "operator": "Lt", "values": ["9"]}, {"five"}),
    ],
)
def test_node_affinity_operators(requirement: Object, expected: set[str]) -> None:
    nodes = [node("five", n="5"), node("nine", n="9"), node("none")]
    waiting = pod(affinity=node_affinity(**requirement))
    chosen = {decide([one], waiting).node for one in nodes} - {None}
    assert chosen == expected


def test_match_fields_name_a_node() -> None:
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    assert decide([node("a"), node("b")], pod(affinity={"nodeAffinity": required})).node == "b"


def test_the_emptier_node_is_preferred() -> None:
    assert decide([node("a"), node("b")], pod(cpu="100m"), pod(on="a", cpu="2", memory="4Gi")).node == "b"


def test_a_node_with_an_unwanted_taint_is_the_last_choice() -> None:
    soft = node("soft", taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    assert decide([soft, node("b")], pod(), pod(on="b", cpu="500m")).node == "b"


def test_preferred_node_affinity_outweighs_emptiness() -> None:
    preference = {"weight": 100, "preference": {"matchExpressions": [{"key": "n", "operator": "Exists"}]}}
    prefer = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preference]}}
    assert decide([node("a", n="1"), node("b")], pod(affinity=prefer), pod(on="a", cpu="1")).node == "a"


def test_a_large_image_that_is_there_decides_between_equals() -> None:
    has = node("has")
    has["status"]["images"] = [{"names": ["app:latest"], "sizeBytes": 900 * 1024 * 1024}]
    assert decide([node("a"), has, node("c")], pod()).node == "has"


def test_the_first_pod_of_a_group_with_affinity_to_itself_is_let_in() -> None:
    waiting = pod(labels={"app": "a"}, affinity=affinity("podAffinity", "required"))
    assert decide([zoned("a", "z"), node("unlabelled")], waiting).node == "a"


def test_pods_follow_required_affinity_and_preferred_affinity() -> None:
    nodes = [zoned("a", "one"), zoned("b", "two")]
    other = pod(on="b", cpu="1", labels={"app": "a"})
    assert decide(nodes, pod(affinity=affinity("podAffinity", "required")), other).node == "b"
    term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "a"}}}
    soft = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}
    assert decide(nodes, pod(affinity={"podAffinity": soft}), other).node == "b"
    assert decide(nodes, pod(affinity={"podAntiAffinity": soft}), other).node == "a"


def test_affinity_looks_into_the_namespaces_it_names() -> None:
    other = pod(on="a", labels={"app": "a"}, namespace="far")
    nodes = [zoned("a", "z")]
    assert decide(nodes, pod(affinity=affinity("podAffinity", "required")), other).node is None
    assert decide(nodes, pod(affinity=affinity("podAffinity", "required", namespaces=["far"])), other).node == "a"


def spread(when: str, skew: int = 1, **more: Any) -> list[Object]:
    return [
        {
            "topologyKey": ZONE,
            "maxSkew": skew,
            "whenUnsatisfiable": when,
            "labelSelector": {"matchLabels": {"app": "a"}},
            **more,
        }
    ]


def test_a_hard_spread_constraint_bounds_the_skew() -> None:
    nodes = [zoned("a", "one"), zoned("b", "two"), node("unlabelled")]
    waiting = pod(labels={"app": "a"}, topologySpreadConstraints=spread("DoNotSchedule"))
    assert decide(nodes, waiting, pod(on="a", labels={"app": "a"})).node == "b"
    full = decide(
        [nodes[0], nodes[2], zoned("b", "two", cpu="1m")],
        pod(labels={"app": "a"}, cpu="1", topologySpreadConstraints=spread("DoNotSchedule")),
        pod(on="a", labels={"app": "a"}),
    )
    assert full.diagnosis.message(3) == (
        "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints, "
        "1 node(s) didn't match pod topology spread constraints (missing required label)."
    )


def test_min_domains_count_as_empty_while_there_are_fewer() -> None:
    waiting = pod(labels={"app": "a"}, topologySpreadConstraints=spread("DoNotSchedule", minDomains=2))
    assert decide([zoned("a", "one")], waiting, pod(on="a", labels={"app": "a"})).node is None


def test_pods_of_one_controller_spread_over_nodes_by_default() -> None:
    owners = [{"uid": "rs", "kind": "ReplicaSet", "name": "rs", "controller": True, "apiVersion": "apps/v1"}]
    running = [pod(on="a", owners=owners) for _ in range(3)]
    # b is fuller, but has none of this controller's pods
    assert decide([node("a"), node("b")], pod(owners=owners), *running, pod(on="b", cpu="500m")).node == "b"


def test_init_containers_count_by_their_peak_and_sidecars_beside_all() -> None:
    waiting = pod(cpu="1")
    waiting["spec"]["initContainers"] = [
        {"name": "sidecar", "restartPolicy": "Always", "resources": {"requests": {"cpu": "500m"}}},
        {"name": "init", "resources": {"requests": {"cpu": "2"}}},
    ]
    assert pod_info(waiting).requests["cpu"] == 2500


def test_the_nominated_node_is_taken_while_it_fits() -> None:
    waiting = pod()
    waiting["status"]["nominatedNodeName"] = "a"
    assert decide([node("a"), node("b")], waiting, pod(on="a", cpu="3")).node == "a"


def test_extended_resources_are_counted_like_any() -> None:
    gpu = node("gpu")
    gpu["status"]["allocatable"]["example.org/gpu"] = "1"
    waiting, other = pod(), pod(on="gpu")
    for one in (waiting, other):
        one["spec"]["containers"][0]["resources"]["requests"]["example.org/gpu"] = "1"
    assert decide([gpu, node("a")], waiting).node == "gpu"
    assert "Insufficient example.org/gpu" in decide([gpu], waiting, other).diagnosis.message(1)
