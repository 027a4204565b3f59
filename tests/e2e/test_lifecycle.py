"""What `up`, `down`, `purge` and crashes leave behind: everything that was asked for, and nothing else."""

import json
import os
import signal
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cluster import Machine, until

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

POD = """
apiVersion: v1
kind: Pod
metadata: {name: sleeper}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: registry.k8s.io/pause:3.10.2, imagePullPolicy: Never}
"""


def run_pod(machine: Machine) -> dict[str, Any]:
    machine.kubectl("apply -f -", input=POD)
    machine.kubectl("wait --for=condition=Ready pod/sleeper --timeout=150s")
    return container(machine)


def container(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = machine.get("pod sleeper")["status"]["containerStatuses"][0]
    return found


def processes(machine: Machine) -> dict[str, int]:
    state = json.loads((machine.run_dir / "supervisor.json").read_text())
    return {name: process["pid"] for name, process in state["processes"].items()}


def traces(machine: Machine) -> list[str]:
    """Whatever of a cluster can be found on the machine."""
    found = [line for line in machine.host.run("nft list tables").stdout.splitlines() if "pynetes" in line]
    found += [line for line in machine.host.run("ip -o link").stdout.splitlines() if "pynetes" in line]
    found += [line for line in machine.host.run("iptables-save").stdout.splitlines() if "CNI" in line]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(machine.directory) in line]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"*{machine.cgroup_root}")]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(machine.cgroup_root.strip("/"))]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(machine.directory) in command and entry.name != str(os.getpid()):
            found.append(command)
    return found


def test_down_removes_all_but_the_state_and_up_brings_it_back(machine: Machine) -> None:
    machine.kubectl("create configmap kept --from-literal=key=value")
    run_pod(machine)
    assert traces(machine), "a running cluster leaves traces, or this test looks at the wrong places"
    machine.pynetes("down")
    assert traces(machine) == []
    assert not machine.run_dir.exists()
    assert not machine.kubeconfig.exists() or "pynetes" not in machine.kubeconfig.read_text()
    machine.pynetes("up")
    assert machine.get("configmap kept")["data"] == {"key": "value"}
    until(lambda: container(machine)["restartCount"] == 1 and container(machine)["ready"])
    machine.pynetes("purge")
    assert traces(machine) == []
    assert not machine.data.exists()


@pytest.mark.parametrize("victim", ["kubelet", "containerd", "apiserver", "proxy", "controller-manager"])
def test_pods_live_on_when_a_process_is_killed(machine: Machine, victim: str) -> None:
    before = run_pod(machine)
    pid = processes(machine)[victim]
    os.kill(pid, signal.SIGKILL)
    until(lambda: processes(machine)[victim] not in (0, pid))
    machine.kubectl("get --raw /readyz") if victim != "apiserver" else until(
        lambda: machine.kubectl("get --raw /readyz", check=False).returncode == 0
    )
    machine.kubectl("create configmap after --from-literal=key=value")
    machine.kubectl("delete pod sleeper --wait=false --dry-run=server")
    after = container(machine)
    assert (after["containerID"], after["restartCount"]) == (before["containerID"], 0)
    # and a new pod starts
    machine.kubectl("apply -f -", input=POD.replace("sleeper", "second"))
    machine.kubectl("wait --for=condition=Ready pod/second --timeout=150s")


def test_pods_live_on_when_everything_is_killed_at_once(machine: Machine) -> None:
    before = run_pod(machine)
    machine.kubectl("create configmap acknowledged --from-literal=key=value")
    supervisor = int((machine.run_dir / "supervisor.pid").read_text())
    running = [supervisor, *processes(machine).values()]
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in running))
    assert "Ready after" in machine.pynetes("up").stdout
    assert machine.get("configmap acknowledged")["data"] == {"key": "value"}
    assert container(machine)["containerID"] == before["containerID"]
    machine.kubectl("delete pod sleeper --timeout=150s")


def test_a_taken_port_is_told_before_anything_is_made() -> None:
    with closing(Machine()) as machine:
        taken = machine.host.call(socket.create_server, ("0.0.0.0", 6443))
        with taken:
            refused = machine.pynetes("up", check=False)
        assert refused.returncode == 1
        assert "the API server cannot listen on 0.0.0.0:6443 (Address already in use)" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not machine.data.exists()


def test_status_without_a_cluster_says_how_to_make_one() -> None:
    with closing(Machine()) as machine:
        shown = machine.pynetes("status", check=False)
        assert (shown.returncode, shown.stdout.strip()) == (1, "No cluster runs. `pynetes up` makes one.")
