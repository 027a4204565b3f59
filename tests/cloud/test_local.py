"""The provider `local` against the real API server: AddressPools, and the addresses that Services get of them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloud_cluster import Cluster, managing, serving

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, NODES, SERVICES
from pynetes.cloud.controllers import service
from pynetes.cloud.providers import load
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS, FINALIZER, definition, manifest

POOL = "192.0.2.1-192.0.2.3"
NETWORKING = Path(__file__).parents[2] / "docs" / "networking.md"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with serving(tmp_path) as made:
        await made.create_node("n1")
        yield made


async def test_addresses_are_one_each_and_the_same_after_a_restart(cluster: Cluster) -> None:
    async with cluster.as_manager(load("local")) as client:
        async with managing(cluster, load("local"), client):
            await cluster.create_pool("main", POOL)
            for name in ("a", "b", "c"):
                await cluster.create_service(name)
            before = {name: await cluster.has_address(name) for name in ("a", "b", "c")}
            assert len(set(before.values())) == 3
            await cluster.client.delete(SERVICES, "a", "default")
            await cluster.gone(SERVICES, "a", "default")
        async with managing(cluster, load("local"), client):
            await cluster.create_service("d")
            assert await cluster.has_address("d") == before["a"]
            assert [await cluster.has_address(name) for name in ("b", "c")] == [before["b"], before["c"]]


async def test_why_there_is_no_address_is_told_and_who_waits_gets_the_first_that_is_free(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MIN_RETRY", 300.0)  # what comes sooner does not come of the back-off
    async with managing(cluster, load("local")):
        await cluster.create_service("first", loadBalancerClass="pynetes.io/local")
        none = await cluster.event("first", "SyncLoadBalancerFailed")
        await cluster.create_pool("small", "192.0.2.1")
        assert await cluster.has_address("first") == "192.0.2.1"
        await cluster.create_service("second", loadBalancerIP="192.0.2.1")
        await cluster.create_service("third")
        second = await cluster.event("second", "SyncLoadBalancerFailed")
        third = await cluster.event("third", "SyncLoadBalancerFailed")

        async def is_exhausted() -> bool:
            return await cluster.pool_condition("small", "Exhausted") == ("True", "NoAddressFree")

        await cluster.eventually(is_exhausted)
        await cluster.client.delete(SERVICES, "first", "default")
        assert await cluster.has_address("second") == "192.0.2.1"
        await cluster.create_pool("more", "192.0.2.9")
        assert await cluster.has_address("third") == "192.0.2.9"
    start = "Error syncing load balancer: failed to ensure load balancer: "
    assert none["message"] == f"{start}there is no address pool for this service"
    assert second["message"] == f"{start}the requested address 192.0.2.1 is already used by service default/first"
    assert third["message"] == f"{start}no address is left in the pools: small"


async def test_a_service_that_wants_no_node_ports_gets_an_address_all_the_same(cluster: Cluster) -> None:
    async with managing(cluster, load("local")):
        await cluster.create_pool("main", POOL)
        await cluster.create_service(allocateLoadBalancerNodePorts=False)
        assert await cluster.has_address() == "192.0.2.1"
    found = await cluster.service()
    assert "nodePort" not in found["spec"]["ports"][0]
    assert found["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}]


async def test_addresses_outlive_their_place_in_the_pool_and_the_pool_its_deletion(cluster: Cluster) -> None:
    async with managing(cluster, load("local")):
        await cluster.create_pool("main", POOL)
        await cluster.create_service()
        assert await cluster.has_address() == "192.0.2.1"
        moved = {"spec": {"addresses": ["192.0.2.3"]}}
        await cluster.client.patch(ADDRESS_POOLS, "main", moved)

        async def retains() -> bool:
            return (await cluster.pool("main"))["status"].get("retained") == ["192.0.2.1"]

        await cluster.eventually(retains)
        await cluster.client.delete(ADDRESS_POOLS, "main")

        async def is_terminating() -> bool:
            return await cluster.pool_condition("main", "Ready") == ("False", "Terminating")

        await cluster.eventually(is_terminating)
        assert (await cluster.pool("main"))["metadata"]["finalizers"] == [FINALIZER]
        touched = {"metadata": {"annotations": {"any": "thing"}}}
        await cluster.client.patch(SERVICES, "web", touched, "default")
        await cluster.create_service("late")
        late = await cluster.event("late", "SyncLoadBalancerFailed")
        assert late["message"].endswith("there is no address pool for this service")
        assert await cluster.has_address() == "192.0.2.1"
        await cluster.client.delete(SERVICES, "web", "default")
        await cluster.gone(ADDRESS_POOLS, "main")


async def test_a_status_is_written_only_when_it_changes(cluster: Cluster) -> None:
    async with managing(cluster, load("local")):
        await cluster.create_pool("main", POOL)
        await cluster.create_service()

        async def used() -> Any:
            found = await cluster.pool("main")
            return found["status"]["used"] == 1 and found

        before = await cluster.eventually(used)
        assert before["status"]["free"] == 2
        await cluster.client.patch(NODES, "n1", {"metadata": {"labels": {"any": "thing"}}})
        await cluster.client.patch(NAMESPACES, "default", {"metadata": {"labels": {"any": "thing"}}})
        await cluster.create_service("inside", type="ClusterIP")
        await cluster.create_pool("other", "198.51.100.0/31")  # all pools are looked at together
        assert await cluster.pool("main") == before


async def test_pools_of_the_configuration_file_of_before_are_made_where_they_are_missing(cluster: Cluster) -> None:
    text = "pools: [{name: main, addresses: [192.0.2.1]}, {name: own, addresses: [192.0.2.2], autoAssign: false}]"
    await cluster.install(definition())
    await cluster.client.create(ADDRESS_POOLS, manifest("main", ["198.51.100.7"]))
    await cluster.create_service("old")
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.2", "ipMode": "VIP"}]}}}
    await cluster.client.patch(SERVICES, "old", status, "default", subresource="status")
    async with managing(cluster, load("local", text)):
        await cluster.create_service()
        assert await cluster.has_address() == "198.51.100.7"
        await cluster.event("old", "EnsuredLoadBalancer")
        assert await cluster.has_address("old") == "192.0.2.2"
    assert (await cluster.pool("own"))["spec"] == {"addresses": ["192.0.2.2"], "autoAssign": False}


async def test_a_node_is_initialized(cluster: Cluster) -> None:
    taint = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "effect": "NoSchedule"}
    await cluster.create_node("n2", spec={"taints": [taint]})
    async with managing(cluster, load("local")):
        await cluster.event("n2", "Synced")
    assert (await cluster.node("n2"))["spec"]["providerID"] == "local://n2"


REFUSED = [
    ({"addresses": ["192.0.2.9-192.0.2.1"]}, "must not end before it begins"),
    ({"addresses": ["192.0.2.99-192.0.2.100", "192.0.2.100-192.0.2.99"]}, "must not end before it begins"),
    ({"addresses": ["192.0.2.1/24"]}, "bits of the host are set"),
    ({"addresses": ["2001:db8::1-2001:db8::9"]}, "must be IPv4"),
    ({"addresses": ["2001:db8::/64"]}, "must be IPv4"),
    ({"addresses": ["web"]}, "must be an address, a CIDR or a range FIRST-LAST"),
    ({"addresses": ["192.0.2.1-192.0.2.2-192.0.2.3"]}, "must be an address, a CIDR or a range FIRST-LAST"),
    ({"addresses": ["192.0.2.01"]}, "must be an address, a CIDR or a range FIRST-LAST"),
    ({"addresses": ["192.0.2.1-"]}, "must be an address, a CIDR or a range FIRST-LAST"),
    ({"addresses": []}, "should have at least 1 items"),
    ({}, "spec.addresses: Required value"),
    ({"addresses": ["192.0.2.1"], "serviceSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}, "In"),
]


async def test_pools_that_are_none_are_refused_when_they_are_declared(cluster: Cluster) -> None:
    await cluster.install(definition())
    for spec, message in REFUSED:
        with pytest.raises(StatusError, match=message) as refused:
            await cluster.client.create(ADDRESS_POOLS, {**manifest("bad", []), "spec": spec})
        assert refused.value.code == 422
    every = ["192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "9.0.0.1-10.0.0.0", "192.0.2.1-192.0.2.1"]
    made = await cluster.client.create(ADDRESS_POOLS, manifest("good", every))
    assert made["spec"] == {"addresses": every, "autoAssign": True}
    documented = re.search(r"```yaml\n(.*?)```", NETWORKING.read_text(), re.DOTALL)
    assert documented is not None
    await cluster.client.create(ADDRESS_POOLS, yaml.safe_load(documented[1]))


async def test_what_was_stored_before_a_rule_came_may_stay(cluster: Cluster) -> None:
    lax = {**definition(), "spec": {**definition()["spec"]}}
    version = dict(lax["spec"]["versions"][0])
    version["schema"] = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    lax["spec"]["versions"] = [version]
    await cluster.install(lax)
    await cluster.client.create(ADDRESS_POOLS, manifest("old", ["192.0.2.9-192.0.2.1"]))
    await cluster.install(definition())

    async def is_strict() -> bool:
        found = await cluster.client.get(CUSTOM_RESOURCE_DEFINITIONS, "addresspools.cloud.pynetes.io")
        try:
            await cluster.client.create(ADDRESS_POOLS, manifest("new", ["192.0.2.9-192.0.2.1"]), dry_run=True)
        except StatusError:
            return bool(found)
        return False

    await cluster.eventually(is_strict)
    await cluster.client.patch(ADDRESS_POOLS, "old", {"spec": {"autoAssign": False}})
    with pytest.raises(StatusError, match="must not end before it begins"):
        await cluster.client.patch(ADDRESS_POOLS, "old", {"spec": {"addresses": ["192.0.2.8-192.0.2.1"]}})
