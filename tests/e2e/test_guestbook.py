"""The first thing a newcomer does: a cluster by one command, and a real application on it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.cluster import NODE_IP, URL, Machine, until, up

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with up("--registry") as machine:
        machine.start_guestbook()
        yield machine


def store(machine: Machine, text: str) -> None:
    machine.request(URL, f"text={text}".encode())


def entries(machine: Machine) -> list[str]:
    return [entry["text"] for entry in json.loads(machine.request(URL))]


def pod_of(machine: Machine, selector: str) -> str:
    """The oldest pod that is not about to go."""
    pods = machine.get(f"pods -l {selector} --sort-by=.metadata.creationTimestamp")["items"]
    return str(next(p["metadata"]["name"] for p in pods if "deletionTimestamp" not in p["metadata"]))


def test_up_again_changes_nothing_and_says_so(machine: Machine) -> None:
    before = machine.get("pods")
    assert "nothing was changed" in machine.pynetes("up").stdout
    assert [p["metadata"]["uid"] for p in before["items"]] == [
        p["metadata"]["uid"] for p in machine.get("pods")["items"]
    ]


def test_the_context_is_in_the_users_kubeconfig(machine: Machine) -> None:
    assert machine.kubectl("config current-context").stdout.strip() == "pynetes"


def test_status_shows_that_all_is_well(machine: Machine) -> None:
    def shown() -> bool:
        status = json.loads(machine.pynetes("status", "-o", "json", check=False).stdout)
        assert status["api"]["ready"]
        assert status["dns"]["ready"]
        assert all(process["pid"] for process in status["processes"].values())
        assert status["pods"] == {"phases": {"Running": 8}, "notRunning": []}
        assert status["level"] == "ok"
        return True

    until(shown)


def test_an_entry_comes_back(machine: Machine) -> None:
    store(machine, "hello")
    assert "hello" in entries(machine)


class Load:
    """Clients that write and read without pause; every failure is kept."""

    def __init__(self, machine: Machine, name: str, clients: int = 3) -> None:
        self._name = name
        self.requests, self.failures, self.stored = 0, [], []  # type: ignore[var-annotated]
        self._machine, self._stop = machine, threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(clients)]

    def _client(self, number: int) -> None:
        count = 0
        while not self._stop.is_set():
            count += 1
            text = f"{self._name}-{number}-{count}"
            began = time.monotonic()
            try:
                store(self._machine, text)
                self.stored.append(text)
                entries(self._machine)
                self.requests += 2
            except OSError as error:
                self.failures.append(f"{error} after {time.monotonic() - began:.1f} s")
            self._stop.wait(0.05)

    @contextmanager
    def running(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


DEPLOYMENTS = {
    "role=leader": "redis-leader",
    "role=replica": "redis-replica",
    "tier=web": "web",
    "tier=frontend": "frontend",
}


@pytest.mark.parametrize("tiers", [*[(tier,) for tier in DEPLOYMENTS], ("role=leader", "role=replica")])
def test_killed_pods_are_replaced_without_a_failed_request(machine: Machine, tiers: tuple[str, ...]) -> None:
    load = Load(machine, "-".join(DEPLOYMENTS[tier] for tier in tiers))
    with load.running():
        until(lambda: load.requests >= 20)
        victims = {pod_of(machine, tier) for tier in tiers}
        machine.kubectl(f"delete pod {' '.join(victims)} --wait=false")
        until(lambda: not victims & set(machine.kubectl("get pods -o name").stdout.replace("pod/", "").split()))
        for tier in tiers:
            machine.kubectl(f"rollout status deployment/{DEPLOYMENTS[tier]} --timeout=150s")
        healed = load.requests
        until(lambda: load.failures or load.requests >= healed + 20)
    assert load.failures == []
    until(lambda: set(load.stored) <= set(entries(machine)))
    found = entries(machine)
    assert len(set(found)) == len(found), "an entry is stored twice"


def test_commands_run_in_containers_and_tell_their_exit_code(machine: Machine) -> None:
    web = pod_of(machine, "tier=web")
    done = machine.kubectl(f"exec {web} -- sh -c 'echo out; echo err >&2; exit 3'", check=False)
    assert (done.returncode, done.stdout) == (3, "out\n")
    assert "err" in done.stderr
    echoed = machine.kubectl(f"exec -i {web} -- cat", input="through standard input")
    assert echoed.stdout == "through standard input"


def test_files_are_copied_both_ways(machine: Machine, tmp_path: Path) -> None:
    leader = pod_of(machine, "role=leader")
    sent, received = tmp_path / "sent", tmp_path / "received"
    sent.write_bytes(bytes(range(256)) * 4096)
    machine.kubectl(f"cp {sent} {leader}:/data/file -c redis")
    machine.kubectl(f"cp {leader}:/data/file {received} -c redis")
    assert received.read_bytes() == sent.read_bytes()


def test_logs_are_read_and_followed(machine: Machine) -> None:
    web = pod_of(machine, "tier=web")
    assert "guestbook 1.0 listens on port 8000" in machine.kubectl(f"logs {web}").stdout
    follower = machine.host.start(*machine.kubectl_words, "logs", "-f", "--tail=0", web, stdout=-1)
    assert follower.stdout is not None
    marker = f"/marker-{time.monotonic_ns()}"
    address = machine.get(f"pod {web}")["status"]["podIP"]
    first_line: list[bytes] = []
    reader = threading.Thread(target=lambda: first_line.append(follower.stdout.readline()))  # type: ignore[union-attr]
    reader.start()
    until(lambda: machine.answers(f"http://{address}:8000{marker}") or first_line)
    reader.join(10)
    assert marker.encode() in first_line[0]


def test_a_port_is_forwarded(machine: Machine) -> None:
    forwarding = machine.host.start(*machine.kubectl_words, "port-forward", "service/web", "18000:8000", stdout=-1)
    assert forwarding.stdout is not None
    assert b"Forwarding from 127.0.0.1:18000 -> 8000" in forwarding.stdout.readline()
    assert json.loads(machine.request("http://127.0.0.1:18000/version"))["version"] == "1.0"


def test_a_new_version_rolls_out_and_back_under_load(machine: Machine) -> None:
    load = Load(machine, "rollout")

    def version() -> str:
        leader = machine.kubectl("exec deploy/web -- wget -q -O - http://web:8000/version").stdout
        return str(json.loads(leader)["version"])

    with load.running():
        machine.kubectl("scale deployment/web --replicas=4")
        machine.kubectl("set image deployment/web web=localhost:5000/guestbook/web:1.1")
        machine.kubectl("rollout status deployment/web --timeout=150s")
        assert version() == "1.1"
        machine.kubectl("rollout undo deployment/web")
        machine.kubectl("rollout status deployment/web --timeout=150s")
        assert version() == "1.0"
        machine.kubectl("scale deployment/web --replicas=3")
    assert load.failures == []


@pytest.mark.parametrize("name", ["web", "web.default", "web.default.svc.cluster.local"])
def test_a_service_is_found_by_every_form_of_its_name(machine: Machine, name: str) -> None:
    address = machine.get("service web")["spec"]["clusterIP"]
    program = f"import socket; print(socket.gethostbyname({name!r}))"
    found = machine.kubectl(f'exec deploy/web -- python3 -c "{program}"').stdout
    assert found.strip() == address


def test_the_node_port_is_not_served_by_a_tier_without_pods(machine: Machine) -> None:
    machine.kubectl("create service nodeport empty --tcp=80:80 --node-port=30081")
    until(lambda: not machine.answers(f"http://{NODE_IP}:30081/"))
    with pytest.raises(OSError, match="refused"):
        machine.request(f"http://{NODE_IP}:30081/", timeout=5)
    machine.kubectl("delete service empty")


def test_entries_outlive_the_cluster_being_down(machine: Machine) -> None:
    store(machine, "before the night")
    asked = "exec deploy/redis-leader -c redis -- redis-cli info persistence"
    until(lambda: "rdb_changes_since_last_save:0" in machine.kubectl(asked).stdout)
    machine.pynetes("down")
    machine.pynetes("up")
    for deployment in ("redis-leader", "redis-replica", "web", "frontend"):
        machine.kubectl(f"rollout status deployment/{deployment} --timeout=150s")
    until(lambda: machine.answers(URL) and "before the night" in entries(machine))
