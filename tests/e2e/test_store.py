"""A whole cluster goes on from a snapshot: on the same engine, and on an etcd of its own."""

import json
from typing import Any

import pytest

from tests.e2e.cluster import Machine, until

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: sleepers}
spec:
  replicas: 2
  selector: {matchLabels: {app: sleepers}}
  template:
    metadata: {labels: {app: sleepers}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: registry.k8s.io/pause:3.10.2, imagePullPolicy: Never}
"""


def available(machine: Machine) -> int:
    return int(machine.get("deployment sleepers")["status"].get("availableReplicas", 0))


def status(machine: Machine) -> dict[str, Any]:
    """Of the store."""
    shown: dict[str, Any] = json.loads(machine.pynetes("store status", "-o json", check=False).stdout)
    return shown


def test_a_cluster_goes_on_from_its_snapshot_and_grows_into_etcd(machine: Machine) -> None:
    file = machine.directory / "snapshot"
    machine.kubectl("apply -f -", input=DEPLOYMENT)
    machine.kubectl("rollout status deployment/sleepers --timeout=150s")
    machine.pynetes("store snapshot", str(file))
    machine.kubectl("create configmap lost --from-literal=key=value")
    machine.kubectl("scale deployment sleepers --replicas=0")
    last = int(machine.get("configmap lost")["metadata"]["resourceVersion"])
    refused = machine.pynetes("store restore", "--overwrite", str(file), check=False)
    assert refused.returncode == 1
    assert "stop it with `pynetes down` first" in refused.stderr

    machine.pynetes("down")
    machine.pynetes("store restore", "--overwrite", str(file))
    machine.pynetes("up")
    assert machine.kubectl("get configmap lost", check=False).returncode == 1
    until(lambda: available(machine) == 2)
    assert int(machine.get("deployment sleepers")["metadata"]["resourceVersion"]) > last + 10**9
    found = status(machine)
    assert (found["engine"], found["inUse"], found["problems"]) == ("sqlite", True, [])
    assert found["keys"]["deployments.apps"] == 1

    machine.pynetes("store snapshot", str(file))
    machine.pynetes("down")
    machine.pynetes("store restore", "--store etcd: --switch", str(file))
    machine.pynetes("up")
    until(lambda: available(machine) == 2)
    machine.kubectl("scale deployment sleepers --replicas=3")
    machine.kubectl("rollout status deployment/sleepers --timeout=150s")
    found = until(lambda: not (now := status(machine))["problems"] and now)
    assert found["engine"] == "etcd"
    assert [member["leader"] for member in found["members"]] == [True]
