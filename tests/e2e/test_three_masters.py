"""Three control planes on one machine, an etcd member each: any one of them may die, be cut off, or go for good."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.cluster import Machine, until, up

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

MASTERS = ("master-1", "master-2", "master-3")

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  replicas: 2
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: registry.k8s.io/pause:3.10.2, imagePullPolicy: Never}
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with up("--masters 3 --nodes 2") as machine:
        yield machine


def endpoints(machine: Machine) -> set[str]:
    """Addresses of the API servers, as pods see them."""
    slices = machine.get("endpointslices -l kubernetes.io/service-name=kubernetes")["items"]
    return {address for each in slices for entry in each["endpoints"] for address in entry["addresses"]}


def leader(machine: Machine) -> str:
    """The master whose controllers work."""
    lease = machine.get("lease -n kube-system kube-controller-manager")
    return str(lease["spec"]["holderIdentity"]).partition("_")[0]


def works(machine: Machine, name: str) -> None:
    """A Deployment's pods run: API server, store, controllers, scheduler and nodes have all had a part in it."""
    until(lambda: machine.kubectl("apply -f -", input=DEPLOYMENT.replace("NAME", name), check=False).returncode == 0)
    until(lambda: machine.kubectl(f"rollout status deployment/{name} --timeout=5s", check=False).returncode == 0)


@contextmanager
def written(machine: Machine, prefix: str) -> Iterator[list[str]]:
    """ConfigMaps that were acknowledged while the block ran, written one after another through the balancer."""
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            made = machine.kubectl(f"create configmap {prefix}-{number} --request-timeout=5s", check=False)
            if made.returncode == 0:
                acknowledged.append(f"{prefix}-{number}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield acknowledged
    finally:
        stop.set()
        writer.join()


def names(machine: Machine) -> set[str]:
    return {item["metadata"]["name"] for item in machine.get("configmaps")["items"]}


def test_all_masters_serve_one_cluster(machine: Machine) -> None:
    until(lambda: endpoints(machine) == {machine.host_address(name) for name in MASTERS})
    until(lambda: leader(machine) in MASTERS)
    works(machine, "first")


def test_a_master_that_loses_power_takes_no_acknowledged_write_along(machine: Machine) -> None:
    victim = leader(machine)
    with written(machine, "power") as acknowledged:
        until(lambda: len(acknowledged) >= 5)
        machine.pynetes("node stop", victim)
        before = len(acknowledged)
        until(lambda: len(acknowledged) >= before + 10)
    assert set(acknowledged) <= names(machine)
    until(lambda: leader(machine) != victim)
    works(machine, "without-power")
    until(lambda: endpoints(machine) == {machine.host_address(name) for name in MASTERS if name != victim})
    machine.pynetes("node start", victim)
    until(lambda: endpoints(machine) == {machine.host_address(name) for name in MASTERS})


def test_a_master_that_is_cut_off_is_done_without_and_comes_back(machine: Machine) -> None:
    victim = leader(machine)
    with written(machine, "cut") as acknowledged:
        until(lambda: len(acknowledged) >= 5)
        machine.pynetes("node cut", victim)
        before = len(acknowledged)
        until(lambda: len(acknowledged) >= before + 10)
    assert set(acknowledged) <= names(machine)
    until(lambda: leader(machine) != victim)
    works(machine, "without-link")
    machine.pynetes("node mend", victim)
    until(lambda: endpoints(machine) == {machine.host_address(name) for name in MASTERS})


def test_nodes_stay_ready_whichever_master_is_away(machine: Machine) -> None:
    for name in MASTERS:
        machine.pynetes("node stop", name)
        until(lambda: len(endpoints(machine)) >= 2)
        machine.kubectl("wait --for=condition=Ready node/node-1 node/node-2 --timeout=150s")
        machine.pynetes("node start", name)
        until(lambda: len(endpoints(machine)) == 3)


def test_two_of_three_gone_is_too_many_and_told(machine: Machine) -> None:
    for name in MASTERS[:2]:
        machine.pynetes("node stop", name)
    # A leader that has just lost the others takes writes into its log, and they happen when the others are back.
    until(lambda: not machine.answers_kubectl())
    assert machine.kubectl("create configmap too-few --request-timeout=5s", check=False).returncode == 1
    machine.pynetes("up")  # boots what is off
    works(machine, "all-again")
    assert "too-few" not in names(machine)


def test_a_master_that_is_removed_is_none_of_the_stores_members_any_more(machine: Machine) -> None:
    machine.pynetes("node remove", "master-1")
    remaining = {machine.host_address(name) for name in MASTERS[1:]}
    until(lambda: machine.answers_kubectl() and endpoints(machine) == remaining)
    assert {host["name"] for host in json.loads((machine.data / "hosts.json").read_text())["hosts"]} == {
        "master-2",
        "master-3",
        "node-1",
        "node-2",
    }
    # Its controllers' lease ends by itself.
    until(lambda: "master-1" not in machine.pynetes("status", check=False).stdout)
    machine.pynetes("up", "--masters 3")
    until(lambda: len(endpoints(machine)) == 3)
    works(machine, "complete-again")
