"""Upstream's cloud controllers against the real API server, with the provider that the documentation shows."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cloud_cluster import Cluster, documented_provider, managing, serving

from pynetes.apis.names import LEASES, NODES, SERVICES

UNINITIALIZED = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
SHUT_DOWN = "node.cloudprovider.kubernetes.io/shutdown"
FINALIZER = "service.kubernetes.io/load-balancer-cleanup"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with serving(tmp_path) as made:
        yield made


def machine(**changes: Any) -> dict[str, Any]:
    return {"id": "m-1", "type": "large", "ip": "192.0.2.10", "zone": "east", "running": True, **changes}


async def test_a_new_node_is_initialized_from_what_the_cloud_knows(cluster: Cluster) -> None:
    cloud = documented_provider()
    cloud.machines["n1"] = machine()
    hostname = {"type": "Hostname", "address": "n1"}
    status = {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}, hostname]}
    other = {"key": "own", "effect": "NoSchedule"}
    await cluster.create_node("n1", spec={"taints": [UNINITIALIZED, other]}, status=status)
    async with managing(cluster, cloud):
        synced = await cluster.event("n1", "Synced")
        node = await cluster.node("n1")
    assert synced["message"] == "Node synced successfully"
    assert synced["source"]["component"] == "cloud-node-controller"
    assert node["spec"]["providerID"] == "acme://m-1"
    assert {taint["key"] for taint in node["spec"]["taints"]} == {"own", "node.kubernetes.io/not-ready"}
    labels = node["metadata"]["labels"]
    for prefix, value in (("node.kubernetes.io/instance-type", "large"), ("beta.kubernetes.io/instance-type", "large")):
        assert labels[prefix] == value
    for key in ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"):
        assert labels[key] == "east"
    for key in ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"):
        assert labels[key] == "acme-1"
    assert node["status"]["addresses"] == [{"type": "InternalIP", "address": "192.0.2.10"}, hostname]


async def test_an_old_label_that_changes_takes_the_label_of_today_along(cluster: Cluster) -> None:
    await cluster.create_node("n1", metadata={"labels": {"failure-domain.beta.kubernetes.io/zone": "west"}})
    async with managing(cluster, documented_provider()):

        async def zone() -> bool:
            return (await cluster.node("n1"))["metadata"]["labels"].get("topology.kubernetes.io/zone") == "west"

        await cluster.eventually(zone)


async def test_addresses_that_change_in_the_cloud_change_on_the_node(cluster: Cluster) -> None:
    cloud = documented_provider()
    cloud.machines["n1"] = machine()
    await cluster.create_node("n1")
    async with managing(cluster, cloud, node_status_update_frequency=0.05):

        async def address() -> str:
            found = (await cluster.node("n1"))["status"].get("addresses") or [{"address": ""}]
            return str(found[0]["address"])

        async def is_(wanted: str) -> bool:
            return await address() == wanted

        await cluster.eventually(lambda: is_("192.0.2.10"))
        cloud.machines["n1"]["ip"] = "192.0.2.20"
        await cluster.eventually(lambda: is_("192.0.2.20"))


async def test_the_node_of_a_machine_that_is_gone_is_deleted_unless_it_is_ready(cluster: Cluster) -> None:
    cloud = documented_provider()
    cloud.machines["stays"] = machine()
    await cluster.create_node("stays", ready=False)
    await cluster.create_node("goes", ready=False)
    await cluster.create_node("ready")
    async with managing(cluster, cloud):
        await cluster.gone(NODES, "goes")
        deleted = await cluster.event("goes", "DeletingNode")
    assert deleted["message"] == "Deleting node goes because it does not exist in the cloud provider"
    assert [node["metadata"]["name"] for node in (await cluster.client.list(NODES))["items"]] == ["ready", "stays"]


async def test_a_shut_down_node_is_tainted_until_it_is_ready(cluster: Cluster) -> None:
    cloud = documented_provider()
    cloud.machines["n1"] = machine(running=False)
    await cluster.create_node("n1", ready=False)
    async with managing(cluster, cloud):

        async def tainted() -> bool:
            return any(taint["key"] == SHUT_DOWN for taint in (await cluster.node("n1"))["spec"].get("taints") or ())

        async def untainted() -> bool:
            return not await tainted()

        await cluster.eventually(tainted)
        await cluster.set_ready("n1", True)
        await cluster.eventually(untainted)


async def test_a_service_gets_a_balancer_and_is_held_until_it_is_gone(cluster: Cluster) -> None:
    cloud = documented_provider()
    await cluster.create_node("n1")
    await cluster.create_node(
        "out", metadata={"labels": {"node.kubernetes.io/exclude-from-external-load-balancers": ""}}
    )
    async with managing(cluster, cloud):
        await cluster.create_service()
        assert await cluster.has_address() == "198.51.100.7"
        service = await cluster.service()
        assert service["metadata"]["finalizers"] == [FINALIZER]
        assert service["status"]["loadBalancer"] == {"ingress": [{"ip": "198.51.100.7", "ipMode": "VIP"}]}
        assert [balancer["nodes"] for balancer in cloud.balancers.values()] == [{"n1"}]
        ensured = await cluster.event("web", "EnsuredLoadBalancer")
        assert (ensured["message"], ensured["source"]["component"]) == ("Ensured load balancer", "service-controller")
        await cluster.client.delete(SERVICES, "web", "default")
        await cluster.gone(SERVICES, "web", "default")
        await cluster.event("web", "DeletedLoadBalancer")
    assert cloud.balancers == {}
    wanted = ["EnsuringLoadBalancer", "EnsuredLoadBalancer", "DeletingLoadBalancer", "DeletedLoadBalancer"]
    assert list(dict.fromkeys(await cluster.reasons("web"))) == wanted


async def test_a_balancer_goes_with_the_services_type(cluster: Cluster) -> None:
    cloud = documented_provider()
    await cluster.create_node("n1")
    async with managing(cluster, cloud):
        await cluster.create_service()
        await cluster.has_address()
        await cluster.client.patch(SERVICES, "web", {"spec": {"type": "ClusterIP"}}, "default")

        async def released() -> bool:
            return not (await cluster.service())["metadata"].get("finalizers")

        await cluster.eventually(released)
    assert cloud.balancers == {}
    assert (await cluster.service())["status"]["loadBalancer"] == {}


async def test_balancers_follow_the_set_of_nodes(cluster: Cluster) -> None:
    cloud = documented_provider()
    await cluster.create_node("n1")
    async with managing(cluster, cloud):
        await cluster.create_service()
        await cluster.has_address()
        cloud.machines["n2"] = machine()  # without one, it might be taken for gone before it is ready
        await cluster.create_node("n2")
        updated = await cluster.event("web", "UpdatedLoadBalancer")
        assert updated["message"] == "Updated load balancer with new hosts"
        assert next(iter(cloud.balancers.values()))["nodes"] == {"n1", "n2"}
        await cluster.client.delete(NODES, "n1")
        await cluster.client.delete(NODES, "n2")
        none = await cluster.event("web", "UnAvailableLoadBalancer")
        assert none["message"] == "There are no available nodes for LoadBalancer"


async def test_what_the_cloud_refuses_is_told_and_tried_again(cluster: Cluster) -> None:
    cloud = documented_provider()
    cloud.out_of_addresses = True
    await cluster.create_node("n1")
    async with managing(cluster, cloud):
        await cluster.create_service()
        failed = await cluster.event("web", "SyncLoadBalancerFailed")
        text = "Error syncing load balancer: failed to ensure load balancer: the cloud has no address left"
        assert (failed["type"], failed["message"]) == ("Warning", text)
        cloud.out_of_addresses = False
        assert await cluster.has_address() == "198.51.100.7"


async def test_services_of_another_class_are_left_alone(cluster: Cluster) -> None:
    await cluster.create_node("n1")
    async with managing(cluster, documented_provider()):
        await cluster.create_service("theirs", loadBalancerClass="example.com/other")
        await cluster.create_service("ours")
        await cluster.has_address("ours")
    theirs = await cluster.service("theirs")
    assert (theirs["metadata"].get("finalizers"), theirs["status"]["loadBalancer"]) == (None, {})
    assert await cluster.reasons("theirs") == []


async def test_routes_follow_pod_ranges_and_the_condition_tells_of_them(cluster: Cluster) -> None:
    cloud = documented_provider()
    cloud.route_table = {"10.244.7.0/24": "gone", "192.0.2.0/24": "not-ours"}
    spec = {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"]}
    await cluster.create_node("n1", spec=spec)
    await cluster.create_node("bare")
    async with managing(cluster, cloud, cluster_cidr="10.244.0.0/16"):

        async def condition(name: str) -> tuple[str, str] | None:
            conditions = (await cluster.node(name))["status"].get("conditions") or ()
            found = next((entry for entry in conditions if entry["type"] == "NetworkUnavailable"), None)
            return (found["status"], found["reason"]) if found else None

        assert await cluster.eventually(lambda: condition("n1")) == ("False", "RouteCreated")
        assert await cluster.eventually(lambda: condition("bare")) == ("True", "NoRouteCreated")
    assert cloud.route_table == {"10.244.1.0/24": "n1", "192.0.2.0/24": "not-ours"}


async def test_one_manager_works_at_a_time_by_lease(cluster: Cluster) -> None:
    cloud = documented_provider()
    cloud.machines["n1"] = machine()
    async with managing(cluster, cloud, leader_elect=True):
        await cluster.create_node("n1", spec={"taints": [UNINITIALIZED]})
        await cluster.event("n1", "Synced")
        lease = await cluster.client.get(LEASES, "cloud-controller-manager", "kube-system")
        assert lease["spec"]["holderIdentity"]
