"""A control plane inside a test, as kubectl and a test with an event loop of its own use it."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pynetes.apis.names import NODES
from pynetes.testing import cluster

Kubectl = Callable[[str], str]


@pytest.fixture(scope="module")
def kubectl() -> Iterator[Kubectl]:
    with cluster.started(nodes=2) as made:

        def run(command: str) -> str:
            own = f"--kubeconfig={made.kubeconfig} --cache-dir={made.kubeconfig.parent / 'cache'}"
            line = ["kubectl", *own.split(), *command.split()]
            return subprocess.run(line, check=True, capture_output=True, text=True).stdout

        yield run


def test_a_deployment_is_rolled_out_over_the_nodes(kubectl: Kubectl) -> None:
    kubectl("create deployment web --image=web --replicas=4")
    assert "successfully rolled out" in kubectl("rollout status deployment/web --timeout=60s")
    assert set(kubectl("get pods -l app=web -o jsonpath={.items[*].spec.nodeName}").split()) == {"node-1", "node-2"}
    assert kubectl("get pods -l app=web --no-headers").count("1/1") == 4
    addresses = kubectl("get pods -l app=web -o jsonpath={.items[*].status.podIP}").split()
    assert len(set(addresses)) == 4
    kubectl("delete deployment web --cascade=foreground --timeout=60s")
    assert kubectl("get pods -l app=web -o name") == ""


def test_a_job_is_done(kubectl: Kubectl) -> None:
    kubectl("create job once --image=web")
    kubectl("wait job/once --for=condition=complete --timeout=60s")


def test_what_keeps_it_from_starting_is_told() -> None:
    with pytest.raises(RuntimeError, match="did not start") as caught, cluster.started(storage="nothing:"):
        pass
    assert "no store engine" in str(caught.value.__cause__)


async def test_in_a_tests_own_loop(tmp_path: Path) -> None:
    async with cluster.running(tmp_path, nodes=0) as made:
        assert (await made.client.list(NODES))["items"] == []
        assert made.kubeconfig.read_text().count(made.url) == 1
