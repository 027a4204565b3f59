"""A provider's own API against the real API server: the leader brings it, with no more rights than it says."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cloud_cluster import Cluster, documented_provider, managing, serving

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CLUSTER_ROLES, CUSTOM_RESOURCE_DEFINITIONS, LEASES
from pynetes.client.rest import Client
from pynetes.cloud import rights
from pynetes.component.pki import CLOUD_CONTROLLER_MANAGER_USER

FIREWALLS = GroupVersionResource("acme.example", "v1", "firewalls")
FIREWALL = {"apiVersion": "acme.example/v1", "kind": "Firewall", "metadata": {"name": "web"}, "spec": {"port": 443}}
NAME = "firewalls.acme.example"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with serving(tmp_path) as made:
        yield made


async def created(client: Client, firewall: dict[str, Any]) -> bool:
    """False while the kind is not served."""
    try:
        await client.create(FIREWALLS, firewall)
    except StatusError as error:
        if error.code != 404:
            raise
        return False
    return True


async def test_the_documented_provider_brings_its_own_api(cluster: Cluster) -> None:
    acme = documented_provider("AcmeCloudWithFirewalls")
    async with cluster.as_manager(acme) as client, managing(cluster, acme, client):
        await cluster.eventually(lambda: created(cluster.client, FIREWALL))

        async def is_open() -> bool:
            firewall = await cluster.client.get(FIREWALLS, "web")
            return bool((firewall.get("status") or {}).get("open"))

        await cluster.eventually(is_open)
        assert acme.open_ports == {443}
        definition = await cluster.client.get(CUSTOM_RESOURCE_DEFINITIONS, NAME)
        managers = {entry["manager"] for entry in definition["metadata"]["managedFields"]}
        assert "cloud-controller-manager" in managers
        with pytest.raises(StatusError, match="forbidden"):
            await client.delete(CUSTOM_RESOURCE_DEFINITIONS, NAME)


async def test_a_newer_definition_is_applied_and_what_others_added_stays(cluster: Cluster) -> None:
    acme = documented_provider("AcmeCloudWithFirewalls")
    (definition,) = acme.custom_resource_definitions
    await cluster.client.create(CUSTOM_RESOURCE_DEFINITIONS, {**definition, "metadata": {"name": NAME}})
    await cluster.client.patch(CUSTOM_RESOURCE_DEFINITIONS, NAME, {"metadata": {"labels": {"team": "a"}}})
    definition["spec"]["names"]["shortNames"] = ["fw"]
    async with managing(cluster, acme):

        async def renamed() -> Any:
            found = await cluster.client.get(CUSTOM_RESOURCE_DEFINITIONS, NAME)
            return found["spec"]["names"].get("shortNames") == ["fw"] and found["metadata"]["labels"]

        assert await cluster.eventually(renamed) == {"team": "a"}


async def test_only_the_leader_applies_definitions_and_waits_for_its_rights(cluster: Cluster) -> None:
    leader, follower = (documented_provider("AcmeCloudWithFirewalls") for _ in range(2))
    (definition,) = follower.custom_resource_definitions
    definition["spec"]["names"]["shortNames"] = ["follower"]
    rights_of_upstreams = cluster.as_manager(documented_provider())
    async with rights_of_upstreams as client, managing(cluster, leader, client, leader_elect=True):
        await cluster.eventually(lambda: held(cluster))
        async with managing(cluster, follower, leader_elect=True):
            rules = {"rules": rights.rules(leader)}
            await cluster.client.patch(CLUSTER_ROLES, CLOUD_CONTROLLER_MANAGER_USER, rules)
            await cluster.eventually(lambda: created(cluster.client, FIREWALL))
            found = await cluster.client.get(CUSTOM_RESOURCE_DEFINITIONS, NAME)
            assert "shortNames" not in found["spec"]["names"]


async def held(cluster: Cluster) -> bool:
    leases = await cluster.client.list(LEASES, "kube-system")
    return any(lease["metadata"]["name"] == "cloud-controller-manager" for lease in leases["items"])
