"""What hosts leave on the machine: nothing after `down` but their disks, nothing at all after `purge`."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import Machine, until, up
from tests.e2e.test_lifecycle import traces
from tests.namespaces import held, inhabitants

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

POD = """
apiVersion: v1
kind: Pod
metadata: {name: sleeper}
spec:
  nodeName: node-2
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: registry.k8s.io/pause:3.10.2, imagePullPolicy: Never}
"""


@pytest.fixture
def machine() -> Iterator[Machine]:
    with up("--nodes 2") as machine:
        yield machine


def init_pid(machine: Machine, name: str) -> int:
    return int(json.loads((machine.run_dir / "hosts" / f"{name}.json").read_text())["pid"])


def namespaces(machine: Machine) -> list[str]:
    """The hosts' PID and network namespaces."""
    pids = [init_pid(machine, path.stem) for path in (machine.run_dir / "hosts").glob("*.json")]
    return [f"/proc/{pid}/ns/{kind}" for pid in pids for kind in ("pid", "net")]


def commands(kept: set[str]) -> list[str]:
    """What runs in any of these namespaces; containers are in their pods', and bound to them by their cgroups."""
    found = []
    for pid in inhabitants(kept):
        with suppress(OSError):  # it has just ended
            found.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in found if command]


def links(machine: Machine) -> list[str]:
    """The machine's interfaces."""
    return [link["ifname"] for link in json.loads(machine.host.run("ip -j link").stdout)]


def run_pod(machine: Machine) -> dict[str, Any]:
    machine.kubectl("apply -f -", input=POD)
    machine.kubectl("wait --for=condition=Ready pod/sleeper --timeout=150s")
    return container(machine)


def container(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = machine.get("pod sleeper")["status"]["containerStatuses"][0]
    return found


def test_down_leaves_the_hosts_disks_and_up_brings_the_same_hosts_back(machine: Machine) -> None:
    machine.kubectl("create configmap kept --from-literal=key=value")
    run_pod(machine)
    uids = {node["metadata"]["uid"] for node in machine.get("nodes")["items"]}
    before = set(links(machine))
    assert {"pynetes-hosts", "pyn-master-1", "pyn-node-1", "pyn-node-2"} < before
    with held(namespaces(machine)) as kept:
        assert commands(kept)
        machine.pynetes("down")
        assert traces(machine) == []
        assert commands(kept) == []
    assert set(links(machine)) == {name for name in before if "pyn" not in name}
    assert not machine.run_dir.exists()
    assert "pynetes" not in machine.kubeconfig.read_text()
    machine.pynetes("up")
    assert machine.get("configmap kept")["data"] == {"key": "value"}
    assert {node["metadata"]["uid"] for node in machine.get("nodes")["items"]} == uids
    until(lambda: container(machine)["restartCount"] == 1 and container(machine)["ready"])
    with held(namespaces(machine)) as kept:
        machine.pynetes("purge")
        assert traces(machine) == []
        assert commands(kept) == []
    assert not machine.data.exists()


def test_a_killed_host_takes_everything_in_it_along_and_up_boots_it_again(machine: Machine) -> None:
    run_pod(machine)
    pid = init_pid(machine, "node-2")
    with held([f"/proc/{pid}/ns/pid"]) as kept:
        assert any("containerd-shim" in command for command in commands(kept))
        os.kill(pid, signal.SIGKILL)
        until(lambda: commands(kept) == [])
    until(lambda: "pyn-node-2" not in links(machine))  # its cable goes with it
    others = {name: init_pid(machine, name) for name in ("master-1", "node-1")}
    booted = machine.pynetes("up").stdout
    assert "Boot node-2" in booted
    assert {name: init_pid(machine, name) for name in others} == others
    until(lambda: container(machine)["restartCount"] == 1 and container(machine)["ready"])
    address = machine.get("pod sleeper")["status"]["podIP"]
    until(lambda: machine.host.run(f"ping -c1 -W1 {address}", check=False).returncode in (0, 1))


def test_a_killed_balancer_comes_back_and_hosts_do_not_notice(machine: Machine) -> None:
    state = json.loads((machine.run_dir / "supervisor.json").read_text())
    os.kill(state["processes"]["balancer"]["pid"], signal.SIGKILL)
    until(lambda: machine.kubectl("get nodes --request-timeout=2s", check=False).returncode == 0)
    assert all("True" in line for line in machine.kubectl(READY).stdout.split())


READY = 'get nodes -o jsonpath=\'{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}\''


def test_up_starts_the_machines_own_processes_again_and_leaves_the_hosts_alone(machine: Machine) -> None:
    pids = {name: init_pid(machine, name) for name in ("master-1", "node-1", "node-2")}
    balancer = json.loads((machine.run_dir / "supervisor.json").read_text())["processes"]["balancer"]["pid"]
    os.kill(int((machine.run_dir / "supervisor.pid").read_text()), signal.SIGKILL)
    until(lambda: not Path(f"/proc/{balancer}/exe").exists())
    assert not machine.answers_kubectl()
    said = machine.pynetes("up").stdout
    assert "Balancer" in said
    assert "Boot" not in said
    assert machine.answers_kubectl()
    assert {name: init_pid(machine, name) for name in pids} == pids


def test_commands_run_in_a_host(machine: Machine) -> None:
    assert machine.pynetes("node exec", "node-2 hostname").stdout == "node-2\n"
    told = machine.pynetes("node exec", "node-2 sh -c 'exit 3'", check=False)
    assert told.returncode == 3
    machine.pynetes("node stop", "node-2")
    off = machine.pynetes("node exec", "node-2 hostname", check=False)
    assert "node-2 is off: `pynetes node start node-2` boots it" in off.stderr


def test_hosts_and_a_cluster_of_one_machine_do_not_mix() -> None:
    with up() as machine:
        refused = machine.pynetes("up", "--nodes 3", check=False)
        assert "this machine has a cluster of its own; it is free for something else after `pynetes purge`" in (
            refused.stderr
        )
        assert "Traceback" not in refused.stderr
        assert json.loads(machine.pynetes("status", "-o json").stdout)["running"]
        assert "there are no hosts on this machine: `pynetes up --nodes 3`" in (
            machine.pynetes("node list", check=False).stderr
        )


def test_a_host_that_does_not_boot_is_told_with_its_last_words(machine: Machine) -> None:
    machine.pynetes("node stop", "node-1")
    settings = machine.data / "hosts" / "node-1" / "var" / "lib" / "pynetes" / "settings.json"
    settings.write_text("{")
    refused = machine.pynetes("node start", "node-1", check=False)
    assert refused.returncode == 1
    assert "node-1 did not boot (exit code 1):" in refused.stderr
    assert "settings.json is damaged" in refused.stderr
    assert str(machine.data / "hosts" / "node-1" / "console.log") in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "node-1     node     198.18.53.3   off" in machine.pynetes("node list").stdout


def test_a_range_in_use_is_told_before_anything_is_made() -> None:
    with closing(Machine()) as machine:
        refused = machine.pynetes("up", "--nodes 2 --host-cidr 203.0.0.0/16", check=False)
        assert refused.returncode == 1
        assert "overlap with 203.0.113.0/24, which this machine reaches over" in refused.stderr
        assert not machine.data.exists()
        assert traces(machine) == []
