"""No two ranges of a cluster overlap, and none with what the machine reaches already."""

from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from pynetes.cli.hosts import plan, ranges
from pynetes.cli.hosts.plan import HostError, Plan
from pynetes.cli.hosts.ranges import Taken
from pynetes.testing.netns import NetworkNamespace

CLUSTER = {"--cluster-cidr": "10.244.0.0/16", "--service-cluster-ip-range": "10.96.0.0/12"}
LAN = Taken(IPv4Network("192.168.1.0/24"), "eth0")


@pytest.mark.parametrize("text", ["198.18.53.0/24", "10.0.0.0/29", "192.168.2.0/24"])
def test_a_free_range_is_taken(text: str) -> None:
    ranges.check(text, CLUSTER, [LAN])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("everywhere", "--host-cidr 'everywhere' is no range of IPv4 addresses"),
        ("10.1.2.3/24", "has host bits set"),
        ("10.1.2.0/30", "--host-cidr 10.1.2.0/30 is too small: at least a /29"),
        ("10.244.7.0/24", "--host-cidr 10.244.7.0/24 and --cluster-cidr 10.244.0.0/16 overlap"),
        ("10.0.0.0/8", "overlap: choose another for one of them"),
        ("192.168.0.0/16", "with 192.168.1.0/24, which this machine reaches over eth0: .* with --host-cidr"),
    ],
)
def test_a_range_that_is_in_use_is_refused(text: str, problem: str) -> None:
    with pytest.raises(HostError, match=problem):
        ranges.check(text, CLUSTER, [LAN])


def test_pods_and_services_may_not_overlap_either() -> None:
    flags = {"--cluster-cidr": "10.96.0.0/16", "--service-cluster-ip-range": "10.96.0.0/12"}
    with pytest.raises(HostError, match=r"--cluster-cidr 10.96.0.0/16 and --service-cluster-ip-range 10.96.0.0/12"):
        ranges.check("198.18.53.0/24", flags, [])


@pytest.mark.parametrize("pool", ["", "198.18.53.200-198.18.53.210", "198.18.53.128/25,203.0.113.7/32"])
def test_load_balancers_have_addresses_of_their_own(pool: str) -> None:
    ranges.check_pool(pool, plan.grow(Plan(), masters=1, nodes=3))


@pytest.mark.parametrize(
    ("pool", "problem"),
    [
        ("198.18.53.0/24", "has the address of the machine, 198.18.53.1"),
        ("203.0.113.7/32,198.18.53.4-198.18.53.9", "has the address of node-2, 198.18.53.4: .* from its end"),
    ],
)
def test_a_pool_with_a_hosts_address_is_refused(pool: str, problem: str) -> None:
    with pytest.raises(HostError, match=problem):
        ranges.check_pool(pool, plan.grow(Plan(), masters=1, nodes=3))


@pytest.fixture
def machine() -> Iterator[NetworkNamespace]:
    with NetworkNamespace("machine") as made:
        yield made


@pytest.mark.root
def test_addresses_and_routes_of_the_machine_count_but_default_routes_and_its_own_bridge(
    machine: NetworkNamespace,
) -> None:
    for name, address in (("lan", "192.168.1.7/24"), ("own", "198.18.53.1/24")):
        machine.run(f"ip link add {name} type bridge")
        machine.run(f"ip addr add {address} dev {name}")
        machine.run(f"ip link set {name} up")
    machine.run("ip route add 172.20.0.0/14 via 192.168.1.1")
    machine.run("ip route add default via 192.168.1.1")
    found = machine.call(ranges.taken_on_machine, but="own")
    assert {(str(each.network), each.interface) for each in found} == {
        ("192.168.1.0/24", "lan"),
        ("172.20.0.0/14", "lan"),
    }
