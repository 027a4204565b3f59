"""Placement and updates of DaemonSets: by table, and against the real API server."""

import json

import pytest
from controller_objects import NOW, node, pod

from pynetes.apimachinery import meta
from pynetes.apis.names import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from pynetes.controllers.daemonset import placement, plan
from pynetes.controllers.history import revisions
from pynetes.controllers.podcontrol.control import PodControl

LABELS = {"app": "x"}


def daemon_set(strategy=None, image="v1", **spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "ds", "namespace": "default", "uid": "uid-ds", "generation": 1},
        "spec": {
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {"containers": [{"name": "c", "image": image}], **spec},
            },
            **({"updateStrategy": strategy} if strategy else {}),
        },
    }


def tainted(*taints):
    found = node()
    found["spec"]["taints"] = [{"key": key, "effect": effect} for key, effect in taints]
    return found


def affinity(*expressions):
    terms = [{"matchExpressions": list(expressions)}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


@pytest.mark.parametrize(
    ("spec", "where", "expected"),
    [
        ({}, node(), (True, True)),
        ({"nodeName": "other"}, node(), (False, False)),
        ({"nodeSelector": {"disk": "ssd"}}, node(), (False, False)),
        ({"nodeSelector": {"disk": "ssd"}}, node(labels={"disk": "ssd"}), (True, True)),
        ({}, tainted(("example.com/a", "NoSchedule")), (False, True)),
        ({}, tainted(("example.com/a", "NoExecute")), (False, False)),
        ({}, tainted(("example.com/a", "PreferNoSchedule")), (True, True)),
        ({"tolerations": [{"operator": "Exists"}]}, tainted(("example.com/a", "NoExecute")), (True, True)),
        ({}, tainted(("node.kubernetes.io/unschedulable", "NoSchedule")), (True, True)),
        ({}, tainted(("node.kubernetes.io/not-ready", "NoExecute")), (True, True)),
        ({}, tainted(("node.kubernetes.io/network-unavailable", "NoSchedule")), (False, True)),
        ({"hostNetwork": True}, tainted(("node.kubernetes.io/network-unavailable", "NoSchedule")), (True, True)),
        (
            {"affinity": affinity({"key": "cpus", "operator": "Gt", "values": ["4"]})},
            node(labels={"cpus": "8"}),
            (True, True),
        ),
        (
            {"affinity": affinity({"key": "cpus", "operator": "Gt", "values": ["8"]})},
            node(labels={"cpus": "8"}),
            (False, False),
        ),
        ({"affinity": affinity({"key": "a", "operator": "DoesNotExist"})}, node(labels={"a": ""}), (False, False)),
        ({"affinity": affinity({"key": "a", "operator": "NotIn", "values": ["x"]})}, node(), (True, True)),
    ],
)
def test_where_daemons_run(spec, where, expected):
    assert placement.should_run(daemon_set(**spec), where) == expected


def test_a_pod_names_its_node_in_its_affinity():
    made = placement.pod_for(daemon_set(affinity=affinity({"key": "a", "operator": "Exists"})), "n7", "abc")
    assert placement.target_node(made) == "n7"
    assert made["metadata"]["labels"] == {"app": "x", "controller-revision-hash": "abc"}
    assert len(made["spec"]["tolerations"]) == 6


def daemon(name, where="n1", hash_="new", **kwargs):
    return pod(name, node=where, labels={placement.HASH_LABEL: hash_}, **kwargs)


def names(pods):
    return sorted(p["metadata"]["name"] for p in pods)


def test_one_pod_on_every_node():
    nodes = [node("n1"), node("n2"), node("n3", labels={})]
    pods = plan.by_node([daemon("a"), daemon("b", age=1), daemon("lost", "gone"), daemon("done", "n3", phase="Failed")])
    step = plan.manage(daemon_set(), nodes, pods, "new", NOW)
    assert (step.create, names(step.delete), names(step.failed)) == (["n2"], ["b"], ["done"])


def test_pods_leave_nodes_that_no_longer_fit():
    step = plan.manage(daemon_set(nodeSelector={"x": "y"}), [node()], plan.by_node([daemon("a")]), "new", NOW)
    assert names(step.delete) == ["a"]


ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
FOUR = [node(f"n{i}") for i in range(1, 5)]


@pytest.mark.parametrize(
    ("pods", "deleted"),
    [
        ([daemon(f"p{i}", f"n{i}", "old") for i in range(1, 5)], 2),
        ([daemon(f"p{i}", f"n{i}", "old", ready=i > 1) for i in range(1, 5)], 2),
        ([daemon("p1", "n1", "new", ready=False), *[daemon(f"p{i}", f"n{i}", "old") for i in (2, 3, 4)]], 1),
        ([daemon(f"p{i}", f"n{i}", "old", ready=False) for i in range(1, 5)], 4),
        ([daemon(f"p{i}", f"n{i}") for i in range(1, 5)], 0),
    ],
)
def test_an_update_keeps_enough_available(pods, deleted):
    step = plan.update(daemon_set(ROLLING), FOUR, plan.by_node(pods), "new", NOW)
    assert len(step.delete) == deleted
    assert step.create == []


def test_a_surge_adds_before_it_takes_away():
    old = [daemon(f"o{i}", f"n{i}", "old") for i in range(1, 5)]
    step = plan.update(daemon_set(SURGE), FOUR, plan.by_node(old), "new", NOW)
    assert (len(step.create), step.delete) == (1, [])
    starting = [*old, daemon("x", "n1", "new", ready=False)]
    step = plan.update(daemon_set(SURGE), FOUR, plan.by_node(starting), "new", NOW)
    assert (step.create, step.delete) == ([], [])
    started = [*old, daemon("x", "n1", "new")]
    step = plan.update(daemon_set(SURGE), FOUR, plan.by_node(started), "new", NOW)
    assert names(step.delete) == ["o1"]


@pytest.mark.parametrize(
    ("pods", "created", "deleted"),
    [
        # what is not available gets its successor at once, beyond the surge
        ([daemon(f"o{i}", f"n{i}", "old", ready=i > 2) for i in range(1, 5)], ["n1", "n2", "n3"], []),
        # a node with several old ones, of which one is not to be, counts as one that surges
        ([daemon(f"o{i}", f"n{min(i, 4)}", "old") for i in range(1, 6)], [], []),
        ([daemon(f"p{i}", f"n{i}") for i in range(1, 5)], [], []),
    ],
)
def test_a_surge_makes_no_more_than_its_bound_of_what_is_available(pods, created, deleted):
    step = plan.update(daemon_set(SURGE), FOUR, plan.by_node(pods), "new", NOW)
    assert (step.create, names(step.delete)) == (created, deleted)


@pytest.mark.parametrize(
    ("pods", "superseded"),
    [
        ([daemon("o", hash_="old"), daemon("p", ready=False)], []),
        ([daemon("o", hash_="old"), daemon("p")], ["o"]),
        ([daemon("o", hash_="old", ready=False), daemon("p", ready=False)], ["o"]),
        ([daemon("p", age=1), daemon("q", age=2)], ["p"]),
        ([daemon("o", hash_="old", age=1), daemon("u", hash_="old", age=2), daemon("p", ready=False)], ["o"]),
    ],
)
def test_with_a_surge_two_of_a_node_stand_side_by_side_until_the_new_one_is_available(pods, superseded):
    step = plan.manage(daemon_set(SURGE), [node()], plan.by_node(pods), "new", NOW)
    assert (step.create, names(step.delete)) == ([], superseded)


def test_status():
    nodes = [*FOUR, node("bad")]
    nodes[4]["spec"]["taints"] = [{"key": "k", "effect": "NoSchedule"}]
    pods = [daemon("a", "n1"), daemon("b", "n2", "old"), daemon("c", "n3", ready=False), daemon("d", "bad")]
    assert plan.status(daemon_set(), nodes, plan.by_node(pods), "new", NOW) == {
        "desiredNumberScheduled": 4,
        "currentNumberScheduled": 3,
        "numberMisscheduled": 1,
        "numberReady": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": 2,
        "numberUnavailable": 2,
        "observedGeneration": 1,
    }


def test_a_revisions_data_is_sorted_for_clients_that_compare_bytes():
    owner = {"spec": {"template": {"spec": {"b": 1, "a": [{"d": 1, "c": 2}]}, "metadata": {}}}}
    assert json.dumps(revisions.data_of(owner)) == json.dumps(
        {"spec": {"template": {"$patch": "replace", "metadata": {}, "spec": {"a": [{"c": 2, "d": 1}], "b": 1}}}}
    )


async def test_daemons_in_a_cluster(cluster, monkeypatch):
    create, delete = PodControl.create, PodControl.delete
    deleted = []

    async def create_late(self, pod, owner):
        """Answered after the watch has told of it, as happens over a network."""
        made = await create(self, pod, owner)

        async def told():
            return cluster.context.informers.informer(PODS).get(meta.key(made))

        await cluster.eventually(told)
        return made

    async def delete_noted(self, pod, owner):
        deleted.append(meta.name(pod))
        await delete(self, pod, owner)

    monkeypatch.setattr(PodControl, "create", create_late)
    monkeypatch.setattr(PodControl, "delete", delete_noted)
    ready = [{"type": "Ready", "status": "True"}]
    await cluster.client.create(NODES, {"metadata": {"name": "n2"}, "status": {"conditions": ready}})
    wanted = daemon_set()
    wanted["metadata"] = {"name": "ds", "namespace": "default"}
    await cluster.client.create(DAEMON_SETS, wanted)

    async def settled(count):
        found = (await cluster.client.get(DAEMON_SETS, "ds", "default")).get("status") or {}
        fields = ("desiredNumberScheduled", "numberAvailable", "updatedNumberScheduled")
        return [found.get(field) for field in fields] == [count] * 3

    await cluster.eventually(lambda: settled(2))
    pods = (await cluster.client.list(PODS, "default"))["items"]
    assert {p["spec"]["nodeName"] for p in pods} == {"n1", "n2"}
    template = daemon_set(image="v2")["spec"]["template"]
    cluster.node.starts = lambda pod: False
    await cluster.client.patch(DAEMON_SETS, "ds", {"spec": {"template": template}}, "default")

    async def one_updated():
        status = (await cluster.client.get(DAEMON_SETS, "ds", "default"))["status"]
        return status.get("updatedNumberScheduled") == 1

    await cluster.eventually(one_updated)
    assert len(deleted) == 1, "the other pod has to wait until this node's is available"
    cluster.node.starts = lambda pod: True
    for pod_ in (await cluster.client.list(PODS, "default"))["items"]:
        await cluster.node.run(pod_)

    async def rolled():
        pods = (await cluster.client.list(PODS, "default"))["items"]
        return [p["spec"]["containers"][0]["image"] for p in pods] == ["v2"] * 2 and await settled(2)

    await cluster.eventually(rolled)
    found = (await cluster.client.list(CONTROLLER_REVISIONS, "default"))["items"]
    assert sorted(r["revision"] for r in found) == [1, 2]
    assert all(meta.controller_of(r)["kind"] == "DaemonSet" for r in found)
    await cluster.client.delete(NODES, "n2")
    await cluster.eventually(lambda: settled(1))
