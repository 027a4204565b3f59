"""Disruption budgets: statuses by table, and the whole against the real API server with evictions."""

import asyncio
from datetime import UTC, datetime

import pytest
from controller_cluster import running

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import DEPLOYMENTS, NODES, POD_DISRUPTION_BUDGETS, PODS
from pynetes.controllers.disruption import budget as budgets
from pynetes.controllers.disruption import stale
from pynetes.controllers.disruption.budget import Wanted

NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def budget(generation=1, status=None, **spec):
    metadata = {"name": "b", "namespace": "default", "generation": generation}
    return {"metadata": metadata, "spec": {"selector": {}, **spec}, "status": status or {}}


def pod(name="p", ready=True, **metadata):
    status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    return {"metadata": {"name": name, "namespace": "default", **metadata}, "status": status}


@pytest.mark.parametrize(
    ("spec", "pods", "scale", "expected"),
    [
        ({"minAvailable": 2}, 3, 0, Wanted(3, 2)),
        ({"minAvailable": "50%"}, 3, 5, Wanted(5, 3)),
        ({"maxUnavailable": 1}, 3, 5, Wanted(5, 4)),
        ({"maxUnavailable": "30%"}, 3, 5, Wanted(5, 3)),
        ({"maxUnavailable": 7}, 3, 5, Wanted(5, 0)),
        ({}, 3, 5, Wanted(0, 0)),
    ],
)
def test_what_must_be_there(spec, pods, scale, expected):
    assert budgets.wanted(budget(**spec), pods, scale) == expected


@pytest.mark.parametrize(
    ("spec", "expected"), [({"minAvailable": 2}, False), ({"minAvailable": "2%"}, True), ({"maxUnavailable": 1}, True)]
)
def test_when_controllers_are_asked(spec, expected):
    assert budgets.needs_scale(budget(**spec)) == expected


def status(found, wanted, pods):
    return budgets.status(found, wanted, pods, budgets.disrupted(found, pods, NOW))


def test_ready_pods_above_the_wanted_may_go():
    pods = [pod("a"), pod("b"), pod("c", ready=False), pod("d", deletionTimestamp="2024-01-02T03:04:00Z"), pod("e")]
    found = status(budget(generation=4), Wanted(5, 2), pods)
    condition = found.pop("conditions")[0]
    assert found == {
        "currentHealthy": 3,
        "desiredHealthy": 2,
        "expectedPods": 5,
        "disruptionsAllowed": 1,
        "observedGeneration": 4,
    }
    assert (condition["status"], condition["reason"], condition["observedGeneration"]) == ("True", "SufficientPods", 4)


def test_nothing_may_go_when_nothing_is_expected_or_too_few_are_ready():
    assert status(budget(), Wanted(0, 0), [pod()])["disruptionsAllowed"] == 0
    found = status(budget(), Wanted(2, 2), [pod()])
    assert (found["disruptionsAllowed"], found["conditions"][0]["reason"]) == (0, "InsufficientPods")


def test_granted_evictions_count_as_gone_for_two_minutes():
    granted = {"a": "2024-01-02T03:03:00Z", "b": "2024-01-02T03:01:00Z", "gone": "2024-01-02T03:04:00Z"}
    found = budget(status={"disruptedPods": granted})
    pods = [pod("a"), pod("b")]
    disrupted = budgets.disrupted(found, pods, NOW)
    assert disrupted.pods == {"a": "2024-01-02T03:03:00Z"}
    assert [meta.name(overdue) for overdue in disrupted.overdue] == ["b"]
    assert disrupted.after == 55
    assert budgets.status(found, Wanted(2, 1), pods, disrupted)["currentHealthy"] == 1


def test_what_fails_allows_nothing():
    found = budgets.failed(budget(status={"disruptionsAllowed": 3, "currentHealthy": 4}), "why")
    assert (found["disruptionsAllowed"], found["currentHealthy"]) == (0, 4)
    assert (found["conditions"][0]["reason"], found["conditions"][0]["message"]) == ("SyncFailed", "why")


def targeted(since="2024-01-02T03:03:00Z", reason="PreemptionByScheduler", **changes):
    found = pod()
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "lastTransitionTime": since}
    found["status"]["conditions"].append(condition)
    found["metadata"] |= changes.pop("metadata", {})
    found["status"] |= changes
    return found


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (targeted(), 55),
        (targeted("2024-01-02T03:00:00Z"), 0),
        (targeted(reason="TerminationByKubelet"), None),
        (targeted(phase="Failed"), None),
        (targeted(metadata={"deletionTimestamp": "2024-01-02T03:04:00Z"}), None),
        (pod(), None),
    ],
)
def test_when_a_disruption_did_not_come(found, left):
    assert stale.seconds_left(found, NOW) == left


def test_the_announcement_is_taken_back():
    pod = targeted(metadata={"generation": 2})
    condition = stale.taken_back(pod, NOW)["status"]["conditions"][1]
    expected = {"type": "DisruptionTarget", "status": "False", "lastTransitionTime": "2024-01-02T03:04:05Z"}
    assert condition == {**expected, "observedGeneration": 2}


# --- the whole

LABELS = {"app": "web"}


def deployment(replicas):
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": spec,
    }


async def until(client, **expected):
    """Waits until the budget's status says so."""
    async with asyncio.timeout(60):
        while True:
            found = (await client.get(POD_DISRUPTION_BUDGETS, "b", "default")).get("status") or {}
            found |= next(iter(found.get("conditions") or ()), {})
            if all(found.get(field) == value for field, value in expected.items()):
                return
            await asyncio.sleep(0.02)


async def evict(client, name):
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
    await client.create(PODS, body, "default", name=name, subresource="eviction")


async def test_evictions_are_let_through_as_the_budget_says(tmp_path):
    async with running(tmp_path) as cluster:
        client = cluster.client
        await client.create(DEPLOYMENTS, deployment(3))
        spec = {"maxUnavailable": 1, "selector": {"matchLabels": LABELS}}
        made = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "b", "namespace": "default"},
        }
        await client.create(POD_DISRUPTION_BUDGETS, {**made, "spec": spec})
        await until(client, expectedPods=3, desiredHealthy=2, currentHealthy=3, disruptionsAllowed=1)
        cluster.node.starts = lambda pod: False  # what replaces the evicted pod does not become ready
        first, second, _ = (await client.list(PODS, "default"))["items"]
        await evict(client, meta.name(first))
        await until(client, currentHealthy=2, disruptionsAllowed=0)
        with pytest.raises(StatusError) as refused:
            await evict(client, meta.name(second))
        assert refused.value.code == 429
        await client.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 2}}, "default")
        await until(client, expectedPods=2, desiredHealthy=1, disruptionsAllowed=1)


async def test_an_owner_without_a_scale_allows_nothing(tmp_path):
    async with running(tmp_path) as cluster:
        client = cluster.client
        uid = meta.uid(await client.get(NODES, "n1"))
        owner = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": uid, "controller": True}
        metadata = {"name": "p", "namespace": "default", "labels": LABELS, "ownerReferences": [owner]}
        spec = {"containers": [{"name": "c", "image": "i"}]}
        await client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        made = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "b", "namespace": "default"},
        }
        await client.create(POD_DISRUPTION_BUDGETS, {**made, "spec": {"minAvailable": "1%", "selector": {}}})
        await until(client, disruptionsAllowed=0, reason="SyncFailed")
        (condition,) = (await client.get(POD_DISRUPTION_BUDGETS, "b", "default"))["status"]["conditions"]
        assert condition["message"] == "nodes does not implement the scale subresource"
