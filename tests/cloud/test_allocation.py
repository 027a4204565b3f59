"""Which address a Service gets, by table."""

from typing import Any

import pytest
from msgspec.structs import replace

from pynetes.apimachinery.selectors import parse_label_selector
from pynetes.cloud.providers.local import allocation
from pynetes.cloud.providers.local.addresses import EMPTY, parse
from pynetes.cloud.providers.local.addresspool import Pool

Object = dict[str, Any]

MAIN = Pool("main", parse(["192.0.2.1-192.0.2.3"]))
KEPT = Pool("kept", parse(["198.51.100.0/31"]), retained=parse(["192.0.2.9"]), auto_assign=False)
LABS = Pool("labs", parse(["203.0.113.0/31"]), namespace_selector=parse_label_selector("team=labs"))
WEB = Pool("web", parse(["203.0.113.8/31"]), service_selector=parse_label_selector("tier=web"))
POOLS = (KEPT, MAIN)


def service(
    name: str = "web", *, ips: tuple[str, ...] = (), created: str = "1", pool: str = "", address: str = "", **spec: Any
) -> Object:
    asked = {allocation.POOL_ANNOTATION: pool, allocation.ADDRESS_ANNOTATION: address}
    annotations = {key: value for key, value in asked.items() if value}
    metadata = {"name": name, "namespace": "d", "creationTimestamp": created, "annotations": annotations}
    status = {"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"} for ip in ips]}}
    return {"metadata": metadata, "spec": {"type": "LoadBalancer", **spec}, "status": status}


def labelled(**labels: str) -> Object:
    made = service()
    return {**made, "metadata": {**made["metadata"], "labels": labels}}


@pytest.mark.parametrize(
    ("asking", "holders", "address"),
    [
        (service(), {}, "192.0.2.1"),
        (service(), {"192.0.2.1": "d/other"}, "192.0.2.2"),
        (service(ips=("192.0.2.3",)), {"192.0.2.3": "d/web"}, "192.0.2.3"),
        (service(ips=("192.0.2.3",)), {"192.0.2.3": "d/other"}, "192.0.2.1"),
        (service(ips=("10.9.9.9",)), {"10.9.9.9": "d/web"}, "192.0.2.1"),
        (service(pool="kept"), {}, "198.51.100.0"),
        (service(pool="kept", ips=("192.0.2.1",)), {"192.0.2.1": "d/web"}, "198.51.100.0"),
        (service(loadBalancerIP="198.51.100.1"), {}, "198.51.100.1"),
        (service(address="198.51.100.1"), {}, "198.51.100.1"),
        (service(address="192.0.2.2", loadBalancerIP="192.0.2.2"), {}, "192.0.2.2"),
        (service(loadBalancerIP="192.0.2.2", ips=("192.0.2.1",)), {"192.0.2.1": "d/web"}, "192.0.2.2"),
        (service(ipFamilies=["IPv6", "IPv4"]), {}, "192.0.2.1"),
        (service(ips=("192.0.2.9",)), {"192.0.2.9": "d/web"}, "192.0.2.9"),  # it left the pool: the owner's for good
    ],
)
def test_which_address_a_service_gets(asking: Object, holders: dict[str, str], address: str) -> None:
    assert allocation.choose(asking, POOLS, holders.get) == address


FULL = {f"192.0.2.{i}": "d/other" for i in (1, 2, 3)}


@pytest.mark.parametrize(
    ("asking", "message"),
    [
        (service(), "no address is left in the pools: main"),
        (service(pool="nowhere"), r"there is no address pool 'nowhere' \(there are: kept, main\)"),
        (service(loadBalancerIP="192.0.2.1"), "192.0.2.1 is already used by service d/other"),
        (service(address="10.0.0.1"), "10.0.0.1 is in no address pool"),
        (service(loadBalancerIP="192.0.2.9"), "192.0.2.9 is in no address pool"),  # only kept for who has it
        (service(loadBalancerIP="192.0.2.1", pool="kept"), "192.0.2.1 is not in the address pool kept"),
        (service(loadBalancerIP="what"), "spec.loadBalancerIP 'what' is no IP address"),
        (service(address="what"), "the annotation pynetes.io/address 'what' is no IP address"),
        (service(address="192.0.2.2", loadBalancerIP="192.0.2.3"), "ask for two addresses"),
        (service(ipFamilies=["IPv6"]), "has no IPv4 address family"),
    ],
)
def test_why_a_service_gets_none(asking: Object, message: str) -> None:
    with pytest.raises(allocation.AllocationError, match=message):
        allocation.choose(asking, POOLS, FULL.get)


@pytest.mark.parametrize(
    ("asking", "namespace", "address"),
    [
        (service(), {}, "192.0.2.1"),
        (service(), {"team": "labs"}, "203.0.113.0"),
        (labelled(tier="web"), {}, "203.0.113.8"),
    ],
)
def test_pools_serve_those_whom_they_select(asking: Object, namespace: dict[str, str], address: str) -> None:
    assert allocation.choose(asking, [LABS, WEB, MAIN], {}.get, namespace) == address


@pytest.mark.parametrize(
    ("asking", "pools", "message"),
    [
        (service(), [LABS], "there is no address pool for this service"),
        (service(), [], "there is no address pool for this service"),
        (service(), [Pool("new", EMPTY)], "no address pool for this service is in force: new"),
        (service(pool="labs"), [LABS], "the address pool labs does not serve this service"),
        (service(address="203.0.113.1"), [LABS], "is in the address pool labs, which does not serve this service"),
        (service(pool="main"), [replace(MAIN, is_open=False)], "the address pool main is being deleted"),
        (
            service(address="192.0.2.1"),
            [replace(MAIN, is_open=False)],
            "in the address pool main, which is being deleted",
        ),
    ],
)
def test_a_pool_that_is_not_for_a_service_is_not_given_to_it(asking: Object, pools: list[Pool], message: str) -> None:
    with pytest.raises(allocation.AllocationError, match=message):
        allocation.choose(asking, pools, {}.get)


def test_a_service_keeps_its_address_whatever_becomes_of_the_pool() -> None:
    own = service(ips=("203.0.113.1",))
    assert allocation.choose(own, [replace(LABS, is_open=False), MAIN], {"203.0.113.1": "d/web"}.get) == "203.0.113.1"


def test_what_a_service_was_just_given_is_its_own() -> None:
    assert allocation.choose(service(), POOLS, {"192.0.2.2": "d/web"}.get, given="192.0.2.2") == "192.0.2.2"


def test_of_two_services_that_claim_an_address_the_older_has_it() -> None:
    assert min(service("new", created="2"), service("old"), key=allocation.by_age)["metadata"]["name"] == "old"


def test_addresses_of_nodes_are_not_handed_out() -> None:
    addresses = [{"type": "Hostname", "address": "n1"}, {"type": "InternalIP", "address": "192.0.2.1"}]
    holders = dict.fromkeys(allocation.of_node({"status": {"addresses": addresses}}), "node n1")
    assert allocation.choose(service(), POOLS, holders.get) == "192.0.2.2"
    with pytest.raises(allocation.AllocationError, match=r"192\.0\.2\.1 is already used by node n1"):
        allocation.choose(service(loadBalancerIP="192.0.2.1"), POOLS, holders.get)


def test_of_those_that_wait_the_oldest_come_first_and_only_as_many_as_there_are_addresses() -> None:
    holders = {"192.0.2.1": "d/x", "192.0.2.2": "d/y"}
    waiting = [service("c", created="3"), service("b", created="2"), service("a", created="1", pool="nowhere")]
    assert allocation.servable(waiting, POOLS, holders.get) == ["d/b"]
    assert allocation.servable([service("p", pool="kept"), *waiting], POOLS, FULL.get) == ["d/p"]
