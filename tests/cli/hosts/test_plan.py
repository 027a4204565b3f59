"""Hosts keep their names and addresses; what is free is given out again."""

import pytest

from pynetes.cli.hosts import plan
from pynetes.cli.hosts.plan import Host, HostError, Plan


def shown(made: Plan) -> dict[str, str]:
    return {host.name: host.address.rsplit(".", 1)[1] for host in made.hosts}


@pytest.mark.parametrize(
    ("masters", "nodes", "hosts"),
    [
        (None, None, {"master-1": "2", "node-1": "3"}),
        (1, 3, {"master-1": "2", "node-1": "3", "node-2": "4", "node-3": "5"}),
        (3, 1, {"master-1": "2", "master-2": "3", "master-3": "4", "node-1": "5"}),
    ],
)
def test_a_new_cluster_has_its_masters_first(masters: int | None, nodes: int | None, hosts: dict[str, str]) -> None:
    assert shown(plan.grow(Plan(), masters=masters, nodes=nodes)) == hosts


def test_a_later_start_without_numbers_keeps_the_hosts_as_they_are() -> None:
    made = plan.grow(Plan(), masters=1, nodes=3)
    assert plan.grow(made, masters=None, nodes=None) == made


def test_more_hosts_leave_the_others_where_they_are() -> None:
    made = plan.grow(Plan(), masters=1, nodes=2)
    more = plan.grow(made, masters=2, nodes=3)
    assert set(made.hosts) < set(more.hosts)
    assert shown(more) == {"master-1": "2", "master-2": "5", "node-1": "3", "node-2": "4", "node-3": "6"}


def test_a_removed_hosts_name_and_address_are_free_again() -> None:
    made = plan.grow(Plan(), masters=1, nodes=3).without("node-2")
    assert shown(plan.grow(made, masters=None, nodes=None)) == {"master-1": "2", "node-1": "3", "node-3": "5"}
    assert plan.grow(made, masters=1, nodes=3).find("node-2") == Host("node-2", "node", "198.18.53.4")


@pytest.mark.parametrize(
    ("masters", "nodes", "problem"),
    [
        (1, 0, "--nodes 0: a cluster has at least one node"),
        (-1, 1, "--masters -1: a cluster has at least one master"),
        (1, 2, r"--nodes 2: there are 3 \(node-1, node-2, node-3\); `pynetes node remove NAME` takes one away"),
    ],
)
def test_numbers_that_cannot_be_are_refused(masters: int, nodes: int, problem: str) -> None:
    made = plan.grow(Plan(), masters=1, nodes=3)
    with pytest.raises(HostError, match=problem):
        plan.grow(made, masters=masters, nodes=nodes)


def test_a_range_without_room_is_told() -> None:
    assert len(plan.grow(Plan("10.1.2.0/29"), masters=1, nodes=4).hosts) == 5
    with pytest.raises(HostError, match=r"--host-cidr 10.1.2.0/29 has room for 5 hosts only"):
        plan.grow(Plan("10.1.2.0/29"), masters=1, nodes=5)


def test_hosts_are_in_the_order_of_their_numbers() -> None:
    names = [host.name for host in plan.grow(Plan(), masters=1, nodes=11).of("node")]
    assert names == [f"node-{number}" for number in range(1, 12)]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(HostError, match='there is no host "node-9"; there are: master-1, node-1'):
        plan.grow(Plan(), masters=1, nodes=1).find("node-9")


def test_the_machine_has_the_ranges_first_address() -> None:
    assert (Plan("10.1.2.64/26").gateway, Plan("10.1.2.64/26").prefix) == ("10.1.2.65", 26)
