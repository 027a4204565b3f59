"""A cluster of three nodes on one machine: work spreads, and nodes that die, are cut off or removed are survived."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.cluster import Machine, until, up

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

NODES = ("node-1", "node-2", "node-3")

#: Kubelets renew their leases every 10 s: 16 s of silence are the shortest that tell a dead node from a slow one.
GRACE = "--node-monitor-grace-period 16s"

#: On every node a pod that says where it is.
ECHO = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: echo}
spec:
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: echo
        image: localhost:5000/guestbook/web:1.0
        command: [sh, -c, 'mkdir /tmp/www; echo $NODE > /tmp/www/index.html; exec busybox httpd -f -p 8080 -h /tmp/www']
        env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
"""

#: Pods that leave a dead node after two seconds.
FLEEING = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: fleeing}
spec:
  replicas: 6
  selector: {matchLabels: {app: fleeing}}
  template:
    metadata: {labels: {app: fleeing}}
    spec:
      terminationGracePeriodSeconds: 1
      tolerations:
      - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 2}
      - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 2}
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
        labelSelector: {matchLabels: {app: fleeing}}
      containers:
      - {name: main, image: registry.k8s.io/pause:3.10.2, imagePullPolicy: Never}
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with up("--nodes 3 --registry", GRACE) as machine:
        machine.start_guestbook(f"http://{machine.host_address('node-1')}:30080/entries")
        machine.kubectl("apply -f -", input=ECHO)
        machine.kubectl("rollout status daemonset/echo --timeout=150s")
        yield machine


def pods(machine: Machine, app: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = machine.get(f"pods -l app={app}")["items"]
    return found


def node_of(pod: dict[str, Any]) -> str:
    return str(pod["spec"].get("nodeName", ""))


def ready(machine: Machine, name: str) -> str:
    conditions = machine.get(f"node {name}")["status"]["conditions"]
    return str(next(each["status"] for each in conditions if each["type"] == "Ready"))


def taints(machine: Machine, name: str) -> set[tuple[str, str]]:
    return {(taint["key"], taint["effect"]) for taint in machine.get(f"node {name}")["spec"].get("taints") or ()}


def refused(machine: Machine, command: str, *options: str) -> str:
    done = machine.pynetes(command, *options, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_all_nodes_are_ready_and_machines_of_their_own(machine: Machine) -> None:
    nodes = {node["metadata"]["name"]: node for node in machine.get("nodes")["items"]}
    assert tuple(nodes) == NODES
    assert all(ready(machine, name) == "True" for name in NODES)
    for what in ("machineID", "bootID"):
        assert len({node["status"]["nodeInfo"][what] for node in nodes.values()}) == 3
    assert len({node["spec"]["podCIDR"] for node in nodes.values()}) == 3
    addresses = {node["status"]["addresses"][0]["address"] for node in nodes.values()}
    assert addresses == {machine.host_address(name) for name in NODES}


def test_up_again_changes_nothing_and_says_so(machine: Machine) -> None:
    assert "nothing was changed" in machine.pynetes("up").stdout


def test_the_guestbook_is_spread_and_answers_at_every_node(machine: Machine) -> None:
    assert {node_of(pod) for pod in pods(machine, "guestbook")} == set(NODES)
    for name in NODES:
        url = f"http://{machine.host_address(name)}:30080/entries"
        machine.request(url, f"text=by {name}".encode())
        until(lambda url=url, name=name: f"by {name}" in str(machine.request(url)))  # type: ignore[misc]


def test_pods_reach_pods_on_every_node(machine: Machine) -> None:
    echoes = {node_of(pod): pod for pod in pods(machine, "echo")}
    assert set(echoes) == set(NODES)
    urls = [f"http://{echoes[name]['status']['podIP']}:8080/" for name in NODES]
    for pod in echoes.values():
        asked = " && ".join(f"busybox wget -q -O - {url}" for url in urls)
        answered = machine.kubectl(f"exec {pod['metadata']['name']} -- sh -c '{asked}'").stdout
        assert tuple(answered.split()) == NODES


def test_logs_and_commands_go_to_the_node_that_has_the_pod(machine: Machine) -> None:
    for pod in pods(machine, "echo"):
        said = machine.kubectl(f"exec {pod['metadata']['name']} -- cat /tmp/www/index.html").stdout
        assert said.strip() == node_of(pod)
        assert machine.kubectl(f"logs {pod['metadata']['name']}").returncode == 0


def test_masters_reach_pods_and_services(machine: Machine) -> None:
    """An API server relays to pods, and calls webhooks by their Services."""
    for pod in pods(machine, "echo"):
        path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}:8080/proxy/"
        assert machine.kubectl(f"get --raw {path}").stdout.strip() == node_of(pod)
    address = machine.get("service web")["spec"]["clusterIP"]
    version = machine.in_host("master-1", f"curl -s --retry 5 --retry-connrefused http://{address}:8000/version").stdout
    assert json.loads(version)["version"] == "1.0"


def test_pods_of_a_node_that_dies_are_replaced_and_are_gone_when_it_comes_back(machine: Machine) -> None:
    machine.kubectl("apply -f -", input=FLEEING)
    machine.kubectl("rollout status deployment/fleeing --timeout=150s")
    before = {pod["metadata"]["name"]: node_of(pod) for pod in pods(machine, "fleeing")}
    doomed = {name for name, node in before.items() if node == "node-2"}
    assert doomed, before
    boot_id = machine.get("node node-2")["status"]["nodeInfo"]["bootID"]
    machine.pynetes("node stop", "node-2")
    assert "node-2     node     198.18.53.4   off" in machine.pynetes("node list").stdout
    until(lambda: ready(machine, "node-2") == "Unknown")
    until(lambda: ("node.kubernetes.io/unreachable", "NoExecute") in taints(machine, "node-2"))

    def running_elsewhere() -> int:
        return sum(
            pod["status"].get("phase") == "Running" and node_of(pod) != "node-2" for pod in pods(machine, "fleeing")
        )

    until(lambda: running_elsewhere() == 6)
    leaving = {pod["metadata"]["name"] for pod in pods(machine, "fleeing") if "deletionTimestamp" in pod["metadata"]}
    assert leaving == doomed  # nobody there can confirm that they have ended
    machine.pynetes("node start", "node-2")
    until(lambda: ready(machine, "node-2") == "True" and not taints(machine, "node-2"))
    assert machine.get("node node-2")["status"]["nodeInfo"]["bootID"] != boot_id
    until(lambda: not doomed & {pod["metadata"]["name"] for pod in pods(machine, "fleeing")})
    assert len(pods(machine, "fleeing")) == 6
    # and pods run there again
    machine.kubectl("rollout status daemonset/echo --timeout=150s")
    machine.kubectl("delete deployment fleeing")


def test_pods_of_a_node_that_is_cut_off_run_on(machine: Machine) -> None:
    def container() -> tuple[str, int]:
        (pod,) = [pod for pod in pods(machine, "echo") if node_of(pod) == "node-3"]
        status = pod["status"]["containerStatuses"][0]
        return status["containerID"], status["restartCount"]

    before = container()
    machine.pynetes("node cut", "node-3")
    until(lambda: ready(machine, "node-3") == "Unknown")
    assert not machine.answers(f"http://{machine.host_address('node-3')}:30080/")
    machine.pynetes("node mend", "node-3")
    until(lambda: ready(machine, "node-3") == "True" and not taints(machine, "node-3"))
    until(lambda: machine.answers(f"http://{machine.host_address('node-3')}:30080/entries"))
    assert container() == before


def test_what_makes_no_sense_is_refused_with_a_hint(machine: Machine) -> None:
    assert 'there is no host "node-9"; there are: master-1, node-1, node-2, node-3' in refused(
        machine, "node stop", "node-9"
    )
    assert "node-1 is on, not off: `pynetes node stop` switches it off" in refused(machine, "node start", "node-1")
    assert "node-1 is on, not cut off" in refused(machine, "node mend", "node-1")
    assert "`pynetes node remove NAME` takes one away" in refused(machine, "up", "--nodes 2")
    assert "the cluster's only master: `pynetes purge`" in refused(machine, "node remove", "master-1")
    assert "another range is free after `pynetes purge`" in refused(machine, "up", "--host-cidr 10.1.2.0/24")
    assert "has a cluster of several hosts" in refused(machine, "server")


def test_the_image_registry_of_the_machine_is_the_hosts_too(machine: Machine) -> None:
    for pod in pods(machine, "guestbook"):
        assert pod["status"]["containerStatuses"][0]["image"].startswith("localhost:5000/guestbook/")


def test_a_node_that_is_removed_leaves_nothing_and_its_name_is_free(machine: Machine) -> None:
    directory = machine.data / "hosts" / "node-3"
    assert directory.exists()
    machine.pynetes("node remove", "node-3")
    assert "node-3" not in machine.kubectl("get nodes -o name").stdout
    assert not directory.exists()
    assert "node-3" not in machine.pynetes("node list").stdout
    until(lambda: all(node_of(pod) != "node-3" for pod in pods(machine, "echo")))
    machine.pynetes("up", "--nodes 3")
    machine.kubectl("rollout status daemonset/echo --timeout=150s")
    assert ready(machine, "node-3") == "True"
    listed = machine.pynetes("node list").stdout
    assert len([line for line in listed.splitlines() if line.endswith("Ready") and "NotReady" not in line]) == 3


def test_the_masters_api_is_reached_at_the_machines_address(machine: Machine) -> None:
    config = json.loads(machine.kubectl("config view -o json").stdout)
    assert config["clusters"][0]["cluster"]["server"] == "https://203.0.113.10:6443"
    machine.pynetes("node stop", "--graceful master-1")
    assert machine.kubectl("get nodes --request-timeout=3s", check=False).returncode == 1
    machine.pynetes("node start", "master-1")
    until(lambda: machine.kubectl("get nodes --request-timeout=3s", check=False).returncode == 0)
