"""Which node announces an address: the same one for all, and another when it goes."""

from typing import Any

import pytest

from pynetes.cloud.providers.local import placement
from pynetes.cloud.providers.local.addresses import Addresses, parse

Object = dict[str, Any]
POOLS = parse(["192.0.2.1-192.0.2.3", "198.51.100.0/31"])
NODES = [f"n{i}" for i in range(5)]
ADDRESSES = [f"192.0.2.{i}" for i in range(1, 101)]


def service(name: str = "web", *, ips: tuple[str, ...] = (), **spec: Any) -> Object:
    status = {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"} for ip in ips]}}
    metadata = {"name": name, "namespace": "d"}
    return {"metadata": metadata, "spec": {"type": "LoadBalancer", **spec}, "status": status}


def test_a_node_that_goes_moves_only_its_own_addresses() -> None:
    before = {ip: placement.ranking(ip, NODES)[0] for ip in ADDRESSES}
    after = {ip: placement.ranking(ip, [name for name in NODES if name != "n2"])[0] for ip in ADDRESSES}
    assert set(before.values()) == set(NODES)
    assert {ip for ip in ADDRESSES if before[ip] != after[ip]} == {ip for ip in ADDRESSES if before[ip] == "n2"}
    assert len({after[ip] for ip in ADDRESSES if before[ip] == "n2"}) > 1
    assert placement.ranking("192.0.2.1", []) == []


def announced(
    name: str, services: list[Any], slices: dict[str, list[Any]], nodes: list[Any], pools: Addresses
) -> set[str]:
    return placement.announced_by(name, placement.rankings(services, slices, nodes, pools))


def node(name: str, *, ready: str = "True", **labels: str) -> Object:
    conditions = [{"type": "Ready", "status": ready}]
    keys = {f"node.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    return {"metadata": {"name": name, "labels": keys}, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    "other", [node("b", ready="False"), node("b", ready="Unknown"), node("b", exclude_from_external_load_balancers="")]
)
def test_only_ready_nodes_that_are_not_excluded_announce(other: Object) -> None:
    services = [service(f"s{i}", ips=(f"192.0.2.{i}",)) for i in (1, 2, 3)]
    assert len(announced("a", services, {}, [node("a"), other], POOLS)) == 3
    assert announced("b", services, {}, [node("a"), other], POOLS) == set()


def test_every_address_is_announced_by_one_node() -> None:
    services = [service(f"s{i}", ips=(f"192.0.2.{i}",)) for i in (1, 2, 3)]
    nodes = [node(name) for name in NODES]
    own = [announced(name, services, {}, nodes, POOLS) for name in NODES]
    assert sorted(ip for addresses in own for ip in addresses) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


def test_the_next_two_watch_those_before_them_and_pass_over_the_silent() -> None:
    services = [service(ips=("192.0.2.1",))]
    ranked = placement.rankings(services, {}, [node(name) for name in NODES], POOLS)
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
    assert announced("b", [local], slices, nodes, POOLS) == {"192.0.2.1"}
    for name in ("a", "c"):
        assert announced(name, [local], slices, nodes, POOLS) == set()
    assert announced("b", [local], {}, nodes, POOLS) == set()


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
    assert announced("a", [other], {}, [node("a")], POOLS) == set()
