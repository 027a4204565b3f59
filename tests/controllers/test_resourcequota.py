"""The resource quota controller: sums by table, and the whole with admission against the real API server."""

import asyncio
from datetime import UTC, datetime

import pytest
from controller_cluster import running

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import LEASES, PODS, RESOURCE_QUOTAS, SECRETS
from pynetes.controllers.resourcequota.counting import counted_types, counts_otherwise, status_of

NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def quota(hard, **status):
    metadata = {"name": "q", "namespace": "default"}
    made = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}
    return {**made, "status": status} if status else made


def pod(name, cpu="100m", **status):
    resources = {"requests": {"cpu": cpu}}
    metadata = {"name": name, "namespace": "default"}
    spec = {"containers": [{"name": "c", "image": "i", "resources": resources}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def test_types_that_a_quota_counts():
    found = counted_types(quota({"pods": "1", "requests.storage": "1", "count/widgets.example.com": "1"}))
    assert found == {"pods", "persistentvolumeclaims", "widgets.example.com"}


def test_what_is_there_is_summed_up():
    pods = [pod("a"), pod("b", "200m"), pod("c", phase="Failed")]
    status = status_of(quota({"pods": "5", "cpu": "1", "count/pods": "9"}), {"pods": pods}, NOW)
    assert status["used"] == {"pods": "2", "cpu": "300m", "count/pods": "3"}
    assert status["hard"] == {"pods": "5", "cpu": "1", "count/pods": "9"}


def test_types_that_cannot_be_listed_keep_what_was_known():
    known = quota({"pods": "5", "count/widgets.example.com": "1"}, used={"count/widgets.example.com": "1", "old": "3"})
    assert status_of(known, {"pods": []}, NOW)["used"] == {"pods": "0", "count/widgets.example.com": "1"}


def test_a_change_matters_that_changes_what_is_taken_or_which_quota_is_about_it():
    gold = quota({"persistentvolumeclaims": "1"})
    gold["spec"]["scopeSelector"] = {
        "matchExpressions": [{"scopeName": "VolumeAttributesClass", "operator": "In", "values": ["gold"]}]
    }
    asked = {"spec": {"volumeAttributesClassName": "silver"}, "status": {"currentVolumeAttributesClassName": "gold"}}
    given = {**asked, "status": {"currentVolumeAttributesClassName": "silver", "phase": "Bound"}}
    claims = "persistentvolumeclaims"
    assert counts_otherwise(gold, claims, asked, given, NOW)
    assert not counts_otherwise(quota({claims: "1"}), claims, asked, given, NOW)
    assert counts_otherwise(quota({"cpu": "1"}), "pods", pod("a"), pod("a", phase="Succeeded"), NOW)
    assert not counts_otherwise(quota({"count/pods": "1"}), "pods", pod("a"), pod("a", phase="Succeeded"), NOW)


async def until(client, path, expected):
    """Waits until the quota says so."""
    async with asyncio.timeout(60):
        while True:
            found = await client.get(RESOURCE_QUOTAS, "q", "default")
            for field in path.split("."):
                found = (found or {}).get(field)
            if found == expected:
                return
            await asyncio.sleep(0.02)


def secret(name):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "default"}}


async def test_writes_are_charged_refused_and_credited(tmp_path):
    async with running(tmp_path) as cluster:
        client = cluster.client
        await client.create(RESOURCE_QUOTAS, quota({"secrets": "2", "pods": "1", "cpu": "150m"}))
        await until(client, "status.used", {"secrets": "0", "pods": "0", "cpu": "0"})
        creates = (client.create(SECRETS, secret(f"s{n}")) for n in range(6))
        made = await asyncio.gather(*creates, return_exceptions=True)
        refused = [error for error in made if isinstance(error, StatusError)]
        assert [error.code for error in refused] == [403] * 4
        assert refused[0].message.endswith(
            "is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=2, limited: secrets=2"
        )
        await until(client, "status.used", {"secrets": "2", "pods": "0", "cpu": "0"})
        await client.create(PODS, pod("p"), dry_run=True)
        await client.create(PODS, pod("p"))
        await until(client, "status.used", {"secrets": "2", "pods": "1", "cpu": "100m"})
        with pytest.raises(StatusError, match="exceeded quota: q, requested: cpu=100m,pods=1"):
            await client.create(PODS, pod("q"))
        await client.delete(PODS, "p", "default", grace_period_seconds=0)
        kept = next(found for found in made if not isinstance(found, BaseException))
        await client.delete(SECRETS, kept["metadata"]["name"], "default")
        await until(client, "status.used", {"secrets": "1", "pods": "0", "cpu": "0"})


async def test_any_type_can_be_counted_and_more_room_be_given(tmp_path):
    async with running(tmp_path) as cluster:
        client = cluster.client
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        await client.create(LEASES, {**lease, "metadata": {"name": "a", "namespace": "default"}})
        await client.create(RESOURCE_QUOTAS, quota({"count/leases.coordination.k8s.io": "1", "pods": "1"}))
        await until(client, "status.used", {"count/leases.coordination.k8s.io": "1", "pods": "0"})
        another = {**lease, "metadata": {"name": "b", "namespace": "default"}}
        with pytest.raises(StatusError, match=r"requested: count/leases\.coordination\.k8s\.io=1"):
            await client.create(LEASES, another)
        await client.patch(
            RESOURCE_QUOTAS, "q", {"spec": {"hard": {"count/leases.coordination.k8s.io": "2"}}}, "default"
        )
        await until(client, "status.hard", {"count/leases.coordination.k8s.io": "2", "pods": "1"})
        await client.create(LEASES, another)
        await until(client, "status.used", {"count/leases.coordination.k8s.io": "2", "pods": "0"})
