"""The provider `local`: pools, allocation, placement by table; addresses against the real API server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cloud_cluster import Cluster, managing, serving

from pynetes.apis.names import SERVICES
from pynetes.cloud.providers import load
from pynetes.cloud.providers.local import allocation, config, placement

Object = dict[str, Any]
POOLS = """
pools:
- {name: main, addresses: [192.0.2.1-192.0.2.3]}
- {name: kept, addresses: [198.51.100.0/31], autoAssign: false}
"""


def service(name: str = "web", *, ips: tuple[str, ...] = (), created: str = "1", pool: str = "", **spec: Any) -> Object:
    annotations = {allocation.POOL_ANNOTATION: pool} if pool else {}
    metadata = {"name": name, "namespace": "d", "creationTimestamp": created, "annotations": annotations}
    status = {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"} for ip in ips]}}
    return {"metadata": metadata, "spec": {"type": "LoadBalancer", **spec}, "status": status}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pools: [{name: a, addresses: [10.0.0.9-10.0.0.1]}]", "ends before it begins"),
        ("pools: [{name: a, addresses: ['fd00::/120']}]", "neither a range nor a CIDR of IPv4 addresses"),
        ("pools: [{name: a, addresses: [10.0.0.1/24]}]", "has host bits set"),
        ("pools: [{name: a, addresses: [10.0.0.0/30, 10.0.0.3-10.0.0.4]}]", "10.0.0.3 is in two ranges"),
        ("pools: [{name: a, addresses: []}, {name: a, addresses: []}]", "two have the same name"),
        ("pools: [{name: a, adresses: []}]", r"pools\[0\]: unknown field 'adresses'"),
        ("pools: [{addresses: []}]", r"pools\[0\].name: must be a str"),
        ("[", "is no YAML"),
        ("instances: {n1: {zone: 3}}", "instances.n1.zone: must be a str"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config.parse(text)


def test_pools_from_the_command_line() -> None:
    parsed = config.parse(config.pools_text("10.0.0.1-10.0.0.2,10.0.1.0/31"))
    assert list(parsed.pools[0]) == ["10.0.0.1", "10.0.0.2", "10.0.1.0", "10.0.1.1"]
    with pytest.raises(ValueError, match="neither a range nor a CIDR"):
        config.pools_text("everything")


@pytest.mark.parametrize(
    ("asking", "holders", "address"),
    [
        (service(), {}, "192.0.2.1"),
        (service(), {"192.0.2.1": "d/other"}, "192.0.2.2"),
        (service(ips=("192.0.2.3",)), {"192.0.2.3": "d/web"}, "192.0.2.3"),
        (service(ips=("192.0.2.3",)), {"192.0.2.3": "d/other"}, "192.0.2.1"),
        (service(), {"192.0.2.2": "d/web"}, "192.0.2.2"),
        (service(ips=("10.9.9.9",)), {}, "192.0.2.1"),
        (service(pool="kept"), {}, "198.51.100.0"),
        (service(pool="kept", ips=("192.0.2.1",)), {"192.0.2.1": "d/web"}, "198.51.100.0"),
        (service(loadBalancerIP="198.51.100.1"), {}, "198.51.100.1"),
        (service(loadBalancerIP="192.0.2.2", ips=("192.0.2.1",)), {"192.0.2.1": "d/web"}, "192.0.2.2"),
        (service(ipFamilies=["IPv6", "IPv4"]), {}, "192.0.2.1"),
    ],
)
def test_which_address_a_service_gets(asking: Object, holders: dict[str, str], address: str) -> None:
    assert allocation.choose(asking, config.parse(POOLS), holders) == address


FULL = {f"192.0.2.{i}": "d/other" for i in (1, 2, 3)}


@pytest.mark.parametrize(
    ("asking", "message"),
    [
        (service(), "no address is left in the pools: main"),
        (service(pool="nowhere"), r"there is no pool of addresses 'nowhere' \(configured: main, kept\)"),
        (service(loadBalancerIP="192.0.2.1"), "192.0.2.1 is already used by service d/other"),
        (service(loadBalancerIP="10.0.0.1"), "10.0.0.1 is in no pool of addresses"),
        (service(loadBalancerIP="192.0.2.1", pool="kept"), "192.0.2.1 is not in the pool kept"),
        (service(loadBalancerIP="what"), "'what' is no IP address"),
        (service(ipFamilies=["IPv6"]), "has no IPv4 address family"),
    ],
)
def test_why_a_service_gets_none(asking: Object, message: str) -> None:
    with pytest.raises(allocation.AllocationError, match=message):
        allocation.choose(asking, config.parse(POOLS), FULL)


def test_of_two_services_that_claim_an_address_the_older_has_it() -> None:
    claims = [service("new", ips=("192.0.2.1",), created="2"), service("old", ips=("192.0.2.1", "10.0.0.1"))]
    assert allocation.taken(claims, config.parse(POOLS)) == {"192.0.2.1": "d/old"}


def test_addresses_of_nodes_are_not_handed_out() -> None:
    addresses = [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "192.0.2.1"}]
    holders = allocation.of_nodes([{"metadata": {"name": "n1"}, "status": {"addresses": addresses}}])
    assert allocation.choose(service(), config.parse(POOLS), holders) == "192.0.2.2"
    with pytest.raises(allocation.AllocationError, match=r"192\.0\.2\.1 is already used by node n1"):
        allocation.choose(service(loadBalancerIP="192.0.2.1"), config.parse(POOLS), holders)


# -- placement

NODES = [f"n{i}" for i in range(5)]
ADDRESSES = [f"192.0.2.{i}" for i in range(1, 101)]


def test_a_node_that_goes_moves_only_its_own_addresses() -> None:
    before = {ip: placement.announcer_of(ip, NODES) for ip in ADDRESSES}
    after = {ip: placement.announcer_of(ip, [name for name in NODES if name != "n2"]) for ip in ADDRESSES}
    assert set(before.values()) == set(NODES)
    assert {ip for ip in ADDRESSES if before[ip] != after[ip]} == {ip for ip in ADDRESSES if before[ip] == "n2"}
    assert len({after[ip] for ip in ADDRESSES if before[ip] == "n2"}) > 1
    assert placement.announcer_of("192.0.2.1", []) is None


def announced(
    name: str, services: list[Any], slices: dict[str, list[Any]], nodes: list[Any], settings: config.LocalConfig
) -> set[str]:
    return placement.announced_by(name, placement.rankings(services, slices, nodes, settings))


def node(name: str, *, ready: str = "True", **labels: str) -> Object:
    conditions = [{"type": "Ready", "status": ready}]
    keys = {f"node.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    return {"metadata": {"name": name, "labels": keys}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    "other", [node("b", ready="False"), node("b", ready="Unknown"), node("b", exclude_from_external_load_balancers="")]
)
def test_only_ready_nodes_that_are_not_excluded_announce(other: Object) -> None:
    services = [service(f"s{i}", ips=(f"192.0.2.{i}",)) for i in (1, 2, 3)]
    settings = config.parse(POOLS)
    assert len(announced("a", services, {}, [node("a"), other], settings)) == 3
    assert announced("b", services, {}, [node("a"), other], settings) == set()


def test_every_address_is_announced_by_one_node() -> None:
    services = [service(f"s{i}", ips=(f"192.0.2.{i}",)) for i in (1, 2, 3)]
    nodes = [node(name) for name in NODES]
    own = [announced(name, services, {}, nodes, config.parse(POOLS)) for name in NODES]
    assert sorted(ip for addresses in own for ip in addresses) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


def test_the_next_two_watch_those_before_them_and_pass_over_the_silent() -> None:
    services = [service(ips=("192.0.2.1",))]
    ranked = placement.rankings(services, {}, [node(name) for name in NODES], config.parse(POOLS))
    order = ranked["192.0.2.1"]
    assert sorted(order) == NODES
    watched = [placement.watched_by(name, ranked) for name in order]
    assert watched == [set(), {order[0]}, {order[0], order[1]}, set(), set()]
    for silent, announcer in (([], order[0]), (order[:1], order[1]), (order[:2], order[2])):
        assert placement.announced_by(announcer, ranked, silent) == {"192.0.2.1"}
        others = [name for name in order if name != announcer and name not in silent]
        assert not any(placement.announced_by(name, ranked, silent) for name in others)
    assert placement.announced_by(order[0], ranked, order[:1]) == {"192.0.2.1"}, "nobody is silent to itself"


def test_local_traffic_is_announced_where_endpoints_are() -> None:
    local = service(ips=("192.0.2.1",), externalTrafficPolicy="Local")
    endpoints = [
        {"nodeName": "b", "conditions": {"ready": True}},
        {"nodeName": "a", "conditions": {"ready": False}},
        {"conditions": {"ready": True}},
    ]
    slices, nodes = {"d/web": [{"endpoints": endpoints}]}, [node("a"), node("b"), node("c")]
    settings = config.parse(POOLS)
    assert announced("b", [local], slices, nodes, settings) == {"192.0.2.1"}
    for name in ("a", "c"):
        assert announced(name, [local], slices, nodes, settings) == set()
    assert announced("b", [local], {}, nodes, settings) == set()


@pytest.mark.parametrize(
    "other",
    [
        service(ips=("10.0.0.1",)),
        service(ips=("192.0.2.1",), loadBalancerClass="example.com/other"),
        service(ips=("192.0.2.1",), type="ClusterIP"),
        {**service(), "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "Proxy"}]}}},
    ],
)
def test_addresses_of_others_are_not_announced(other: Object) -> None:
    assert announced("a", [other], {}, [node("a")], config.parse(POOLS)) == set()


# -- against the API server


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with serving(tmp_path) as made:
        await made.create_node("n1")
        yield made


async def test_addresses_are_one_each_and_the_same_after_a_restart(cluster: Cluster) -> None:
    async with managing(cluster, load("local", POOLS)):
        for name in ("a", "b", "c"):
            await cluster.create_service(name)
        before = {name: await cluster.has_address(name) for name in ("a", "b", "c")}
        assert len(set(before.values())) == 3
        await cluster.client.delete(SERVICES, "a", "default")
        await cluster.gone(SERVICES, "a", "default")
    async with managing(cluster, load("local", POOLS)):
        await cluster.create_service("d")
        assert await cluster.has_address("d") == before["a"]
        assert [await cluster.has_address(name) for name in ("b", "c")] == [before["b"], before["c"]]


async def test_no_address_left_and_an_address_taken_are_told(cluster: Cluster) -> None:
    async with managing(cluster, load("local", "pools: [{name: small, addresses: [192.0.2.1-192.0.2.1]}]")):
        await cluster.create_service("first", loadBalancerClass="pynetes.io/local")
        assert await cluster.has_address("first") == "192.0.2.1"
        await cluster.create_service("second", loadBalancerIP="192.0.2.1")
        await cluster.create_service("third")
        second = await cluster.event("second", "SyncLoadBalancerFailed")
        third = await cluster.event("third", "SyncLoadBalancerFailed")
    start = "Error syncing load balancer: failed to ensure load balancer: "
    assert second["message"] == f"{start}the requested address 192.0.2.1 is already used by service default/first"
    assert third["message"] == f"{start}no address is left in the pools: small"


async def test_a_service_that_wants_no_node_ports_gets_an_address_all_the_same(cluster: Cluster) -> None:
    async with managing(cluster, load("local", POOLS)):
        await cluster.create_service(allocateLoadBalancerNodePorts=False)
        assert await cluster.has_address() == "192.0.2.1"
    service = await cluster.service()
    assert "nodePort" not in service["spec"]["ports"][0]
    assert service["status"]["loadBalancer"]["ingress"] == [{"ip": "192.0.2.1", "ipMode": "VIP"}]


async def test_a_node_is_initialized_with_what_the_configuration_says_of_it(cluster: Cluster) -> None:
    taint = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "effect": "NoSchedule"}
    await cluster.create_node("n2", spec={"taints": [taint]})
    async with managing(cluster, load("local", "instances: {n2: {zone: rack-1, instanceType: small}}")):
        await cluster.event("n2", "Synced")
    node = await cluster.node("n2")
    assert node["spec"]["providerID"] == "local://n2"
    assert node["metadata"]["labels"]["topology.kubernetes.io/zone"] == "rack-1"
