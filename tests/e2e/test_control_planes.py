"""Three machines that join to one control plane, and a node: any one of them dies, is cut off, comes back."""

import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pynetes.testing.netns import NetworkNamespace
from tests.e2e.cluster import Machine, until
from tests.e2e.links import Link

pytestmark = [pytest.mark.e2e, pytest.mark.node, pytest.mark.timeout(900)]

NAMES = ("m1", "m2", "m3")
ADDRESSES = dict(zip(NAMES, ("198.51.100.1", "198.51.100.2", "198.51.100.3"), strict=True))
STRANGER_IP, NODE_IP, CLIENT_IP = "198.51.100.7", "198.51.100.8", "198.51.100.9"
#: What is promised: seconds until writes go on.
WRITES = 10.0

POD = """
apiVersion: v1
kind: Pod
metadata: {name: bystander}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: registry.k8s.io/pause:3.10.2, imagePullPolicy: Never}
"""


@dataclass(frozen=True)
class Write:
    acknowledged: bool
    name: str
    at: float
    lived: float
    server: str
    problem: str


class Writer:
    """A client on a host of its own; its output grows in a file."""

    def __init__(self, link: Link, kubeconfig: Path, output: Path) -> None:
        self.host = NetworkNamespace("client")
        link.plug(self.host, "client", CLIENT_IP)
        self._output = output
        servers = [f"https://{address}:6443" for address in ADDRESSES.values()]
        words = (sys.executable, str(Path(__file__).with_name("writer.py")), str(kubeconfig), *servers)
        with output.open("wb") as file:
            self.process = self.host.start(*words, stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT)

    def writes(self) -> list[Write]:
        found = []
        for line in self._output.read_text().splitlines():
            if line.startswith(("ok ", "no ")):
                kind, name, at, lived, server, *problem = line.split(" ")
                found.append(Write(kind == "ok", name, float(at), float(lived), server, " ".join(problem)))
        return found

    def master(self) -> str:
        """The one that it writes through."""
        server = [write.server for write in self.writes() if write.acknowledged][-1]
        return next(name for name, address in ADDRESSES.items() if address in server)

    def unseen(self) -> list[str]:
        """At the end: what its watch did not tell."""
        return [line for line in self._output.read_text().splitlines() if line.startswith("unseen ")]

    def go_on(self, since: float, count: int = 20) -> None:
        """Waits until so many writes after `since` were acknowledged."""
        until(lambda: sum(write.acknowledged and write.at > since for write in self.writes()) >= count)

    def longest_pause(self, since: float) -> float:
        """Seconds without an acknowledged write, at most, from the last one before `since` on.

        The writer's seconds: what a machine under load withholds from it is nobody's fault.
        """
        done = [write for write in self.writes() if write.acknowledged]
        first = sum(write.at <= since for write in done) - 1
        return max(later.lived - earlier.lived for earlier, later in itertools.pairwise(done[max(first, 0) :]))

    def finish(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(150) == 0, self._output.read_text()[-2000:]
        assert self.unseen() == []

    def close(self) -> None:
        self.host.close()


class Cluster:
    def __init__(self) -> None:
        self.link = Link()
        self.masters = {name: Machine() for name in NAMES}
        self.node, self.stranger = Machine(), Machine()
        for name, machine in self.masters.items():
            self.link.plug(machine.host, name, ADDRESSES[name])
        self.link.plug(self.node.host, "node", NODE_IP)
        self.link.plug(self.stranger.host, "stranger", STRANGER_IP)
        self.node.host.run(f"ip route replace default via {ADDRESSES['m1']}")
        self.join_flags = self.agent_flags = ""

    def start(self) -> None:
        made = self.masters["m1"].pynetes("server", f"--store etcd: --node-name m1 --node-ip {ADDRESSES['m1']}")
        self.join_flags = found(r"pynetes server (.*)", made.stdout)
        self.agent_flags = found(r"pynetes agent (.*)", made.stdout)
        for name in NAMES[1:]:
            assert self.join(name, self.join_flags) == ""
        self.node.pynetes("agent", self.agent_flags, f"--node-name node --node-ip {NODE_IP}")
        self.masters["m1"].kubectl("apply -f -", input=POD)
        self.masters["m1"].kubectl("wait --for=condition=Ready pod/bystander --timeout=150s")

    def join(self, name: str, flags: str) -> str:
        """Tries to make a further control plane; what is said when it is refused."""
        own = f"--node-name {name} --node-ip {ADDRESSES[name]}"
        done = self.masters[name].pynetes("server", flags, own, check=False)
        assert "Traceback" not in done.stderr
        return "" if done.returncode == 0 else done.stderr

    def pids(self, name: str) -> dict[str, int]:
        """Of a master's processes, its supervisor first."""
        state = json.loads((self.masters[name].run_dir / "supervisor.json").read_text())
        processes = {process: each["pid"] for process, each in state["processes"].items() if each["pid"]}
        return {"supervisor": state["pid"], **processes}

    def send(self, name: str, number: int, *processes: str) -> None:
        """A signal to some of a master's processes, or to all."""
        for process, pid in self.pids(name).items():
            if process in processes or not processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def kill(self, name: str) -> None:
        """The machine loses power: no process of it has time for anything."""
        self.send(name, signal.SIGKILL)

    def restart(self, name: str) -> None:
        self.masters[name].pynetes("server")

    def endpoints(self, through: str) -> list[str]:
        """As both kinds tell them; nothing between the two writes."""
        found = self.masters[through].get("endpoints kubernetes")
        slices = self.masters[through].get("endpointslice kubernetes")
        addresses = [address["ip"] for subset in found.get("subsets", ()) for address in subset["addresses"]]
        return addresses if [[a] for a in addresses] == [each["addresses"] for each in slices["endpoints"]] else []

    def await_endpoints(self, through: str, *names: str) -> None:
        wanted = [ADDRESSES[name] for name in names]
        until(lambda: self.endpoints(through) == wanted)

    def leaders(self, through: str) -> dict[str, str]:
        """Lease → the master that holds it."""
        found = self.masters[through].get("leases -n kube-system")["items"]
        return {each["metadata"]["name"]: each["spec"]["holderIdentity"].partition("_")[0] for each in found}

    def members(self, through: str) -> dict[str, str]:
        """etcd member → its state."""
        lines = self.masters[through].pynetes("member list").stdout.splitlines()[1:]
        return {fields[0]: fields[2] for fields in (re.split(r"\s{2,}", line) for line in lines)}

    def await_members(self) -> None:
        until(lambda: sorted(self.members("m1").values()) == ["leader", "ready", "ready"])

    def bystander(self) -> Any:
        """What must not change: the pod's container."""
        found = self.masters["m2"].get("pod bystander")
        (container,) = found["status"]["containerStatuses"]
        return found["metadata"]["uid"], container["containerID"], container["restartCount"]

    def close(self) -> None:
        for machine in (self.stranger, self.node, *reversed(self.masters.values())):
            machine.close()
        self.link.close()


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def writer(cluster: Cluster, tmp_path: Path) -> Iterator[Writer]:
    made = Writer(cluster.link, cluster.masters["m1"].data / "kubeconfig" / "admin.conf", tmp_path / "writes")
    try:
        made.go_on(0.0)
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((r"--certificate-key \w{8}", "--certificate-key 00000000"), "the certificate key is wrong"),
        ((r"--certificate-key \w+", "--certificate-key 00"), "64 hexadecimal digits"),
        ((r" --certificate-key \w+", ""), "needs --server, --token and --certificate-key"),
        ((r"--token (\w+)\.\w+", r"--token \1.0123456789abcdef"), "is wrong, or"),
        ((r"sha256:\w{8}", "sha256:00000000"), "this is another cluster, or somebody in between"),
        ((r"$", " --node-name m1"), "has a control plane named m1 already"),
        ((r"$", " --store sqlite:"), "leave --store out"),
    ],
)
def test_who_may_not_join_leaves_nothing_behind(cluster: Cluster, change: tuple[str, str], problem: str) -> None:
    flags = re.sub(*change, cluster.join_flags, count=1)
    assert problem in refusal(cluster.stranger, flags)


def test_a_nodes_token_makes_no_control_plane(cluster: Cluster) -> None:
    flags = f"{cluster.agent_flags} --certificate-key {'00' * 32}"
    assert "is not one for control planes" in refusal(cluster.stranger, flags)


def refusal(stranger: Machine, flags: str) -> str:
    done = stranger.pynetes("server", flags, f"--node-ip {STRANGER_IP}", check=False)
    assert (done.returncode, "Traceback" in done.stderr, stranger.data.exists()) == (1, False, False)
    return done.stderr


def test_masters_die_and_are_cut_off_one_by_one(cluster: Cluster, writer: Writer) -> None:
    before = cluster.bystander()

    # Killed, and its disk is lost. It is the one through which the node joined.
    assert writer.master() == "m1"
    began = time.monotonic()
    cluster.kill("m1")
    writer.go_on(began)
    killed = writer.longest_pause(began)
    cluster.await_endpoints("m2", "m2", "m3")
    until(lambda: "m1" not in cluster.leaders("m2").values())

    # The node starts again without it.
    cluster.node.pynetes("down")
    cluster.node.pynetes("agent")
    cluster.masters["m2"].kubectl("wait --for=condition=Ready node/node pod/bystander --timeout=150s")
    assert cluster.bystander()[0] == before[0]
    before = cluster.bystander()

    shutil.rmtree(cluster.masters["m1"].data / "etcd")
    cluster.restart("m1")
    cluster.await_endpoints("m1", *NAMES)
    cluster.await_members()

    # Cut off: connections to it stay open, and lead nowhere.
    victim = writer.master()
    others = [name for name in NAMES if name != victim]
    began = time.monotonic()
    cluster.link.cut(victim)
    writer.go_on(began)
    cut = writer.longest_pause(began)
    cluster.await_endpoints(others[0], *others)
    until(lambda: victim not in cluster.leaders(others[0]).values())
    alone = cluster.masters[victim].host.run("curl -sk https://127.0.0.1:6443/readyz")
    assert "[-]etcd failed" in alone.stdout
    cluster.link.mend(victim)
    cluster.await_endpoints(victim, *NAMES)
    cluster.await_members()

    writer.finish()
    print(f"writes paused for {killed:.1f} s (killed), {cut:.1f} s (cut off)")
    assert max(killed, cut) < WRITES
    assert lost(cluster, writer) == []
    assert cluster.bystander() == before


def test_a_master_that_hangs_is_left_and_a_process_that_dies_is_hardly_noticed(
    cluster: Cluster, writer: Writer
) -> None:
    victim = writer.master()
    began = time.monotonic()
    cluster.send(victim, signal.SIGSTOP)  # its kernel goes on to acknowledge what is sent to it
    try:
        writer.go_on(began)
        hung = writer.longest_pause(began)
        assert writer.master() != victim
    finally:
        cluster.send(victim, signal.SIGCONT)
    cluster.await_endpoints(victim, *NAMES)
    cluster.await_members()
    pauses = {}
    for process in ("etcd", "apiserver"):
        began = time.monotonic()
        cluster.send(writer.master(), signal.SIGKILL, process)
        writer.go_on(began, 100)
        pauses[process] = writer.longest_pause(began)
        cluster.await_members()
    writer.finish()
    print(
        f"writes paused for {hung:.1f} s (hung)", *(f"{pause:.1f} s ({name} killed)" for name, pause in pauses.items())
    )
    assert max(hung, *pauses.values()) < WRITES
    assert lost(cluster, writer) == []


def test_a_rolling_restart_loses_only_what_is_under_way(cluster: Cluster, writer: Writer) -> None:
    before = cluster.bystander()
    began = time.monotonic()
    for name in NAMES:
        cluster.masters[name].pynetes("down")
        other = "m1" if name != "m1" else "m2"
        assert ADDRESSES[name] not in cluster.endpoints(other)
        cluster.restart(name)
        cluster.await_endpoints(other, *NAMES)
        cluster.await_members()
    writer.finish()
    failed = [write for write in writer.writes() if not write.acknowledged]
    print(f"{len(failed)} writes failed, the longest pause was {writer.longest_pause(began):.1f} s", *failed, sep="\n")
    assert len(failed) <= len(NAMES), failed
    assert writer.longest_pause(began) < WRITES
    assert lost(cluster, writer) == []
    assert cluster.bystander() == before


def test_a_link_with_delay_and_loss_slows_and_breaks_nothing(cluster: Cluster, writer: Writer) -> None:
    before = cluster.bystander()
    began = time.monotonic()
    for name in NAMES:
        cluster.link.damage(name, delay=20, jitter=5, loss=2)
    try:
        writer.go_on(began + 15, count=10)
    finally:
        for name in NAMES:
            cluster.link.repair(name)
    writer.finish()
    print(f"writes paused for {writer.longest_pause(began):.1f} s at most")
    assert writer.longest_pause(began) < WRITES
    assert lost(cluster, writer) == []
    assert cluster.bystander() == before


def lost(cluster: Cluster, writer: Writer) -> list[str]:
    """Objects whose creation was acknowledged and which are not there, by any of the servers."""
    acknowledged = {write.name for write in writer.writes() if write.acknowledged}
    missing: set[str] = set()
    for machine in cluster.masters.values():
        there = set(machine.kubectl("get configmaps -o name").stdout.split())
        missing |= {name for name in acknowledged if f"configmap/{name}" not in there}
    # A delete that was sent twice, while a leader was elected, is told as an error.
    until(lambda: cluster.masters["m1"].kubectl("delete configmaps --all --wait=false", check=False).returncode == 0)
    return sorted(missing)
