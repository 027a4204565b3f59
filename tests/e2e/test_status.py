"""`pynetes status` of a cluster of hosts: all well, with parts dead, and with the store's quorum gone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import Machine, until, up

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with up("--masters 3 --nodes 2") as machine:
        yield machine


def status(machine: Machine) -> dict[str, Any]:
    shown = machine.pynetes("status", "-o json", check=False)
    found: dict[str, Any] = json.loads(shown.stdout)
    assert shown.returncode == (1 if found["level"] == "bad" else 0)
    return found


def said(found: dict[str, Any]) -> set[str]:
    return {remark["what"] for remark in found["remarks"]}


def test_all_is_well(machine: Machine) -> None:
    found = until(lambda: (now := status(machine))["level"] == "ok" and now)
    assert [host["state"] for host in found["hosts"]] == ["on"] * 5
    assert [(master["name"], master["ready"]) for master in found["masters"]] == [
        ("master-1", True),
        ("master-2", True),
        ("master-3", True),
    ]
    assert {leader["lease"] for leader in found["leaders"]} == {"kube-controller-manager", "kube-scheduler"}
    members = found["store"]["members"]
    assert sorted(member["state"] for member in members) == ["leader", "ready", "ready"]
    assert [(node["name"], node["ready"]) for node in found["nodes"]] == [("node-1", True), ("node-2", True)]
    assert found["dns"]["servers"] == 2


def test_all_is_well_in_two_dozen_lines(machine: Machine) -> None:
    def lines() -> list[str]:
        return machine.pynetes("status", check=False).stdout.splitlines()

    shown = until(lambda: (now := lines())[0].startswith("all is well   3 masters, 2 nodes, Kubernetes v1.36.") and now)
    assert len(shown) <= 24


def test_the_machine_speaks_for_its_masters(machine: Machine) -> None:
    until(lambda: machine.pynetes("member list").stdout.count("ready") == 2)
    until(lambda: json.loads(machine.pynetes("store status", "-o json").stdout)["healthy"])
    file = Path(machine.directory, "snapshot")
    assert "of the etcd store" in machine.pynetes("store snapshot", str(file)).stdout
    assert file.stat().st_size > 1000
    command = machine.pynetes("token create", "--control-plane").stdout
    assert command.startswith("pynetes server --server https://")


def test_a_master_without_power_and_a_node_without_link(machine: Machine) -> None:
    machine.pynetes("node stop", "master-1")
    machine.pynetes("node cut", "node-2")

    def shown() -> bool:
        found = status(machine)
        assert found["api"]["ready"]
        assert [node["name"] for node in found["nodes"] if not node["ready"]] == ["node-2"]
        assert {"master-1 is off", "node-2 is cut off"} <= said(found)
        assert any(what.startswith("member master-1: ") for what in said(found))
        return True

    until(shown)
    text = machine.pynetes("status", check=False).stdout
    assert "pynetes node start master-1" in text
    assert "pynetes node mend node-2" in text


def test_without_a_quorum_the_rest_is_shown(machine: Machine) -> None:
    machine.pynetes("node stop", "master-2")
    found = until(lambda: not (now := status(machine))["api"]["ready"] and now)
    assert found["nodes"] is None
    assert [host["name"] for host in found["hosts"] if host["state"] == "off"] == ["master-1", "master-2"]
    assert found["store"]["members"]
    assert any(remark["section"] == "store" for remark in found["remarks"])
    for name in ("master-1", "master-2"):
        machine.pynetes("node start", name)
    machine.pynetes("node mend", "node-2")
    until(lambda: status(machine)["level"] == "ok")
