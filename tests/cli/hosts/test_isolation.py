"""A host's namespaces: what it has of its own, and what the machine sees of it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pynetes.cli.hosts import boot, isolation, network, places, power
from pynetes.cli.hosts.plan import Host, HostError, Plan
from pynetes.cli.layout import Layout
from pynetes.testing.netns import NetworkNamespace

HOST = Host("node-1", "node", "10.77.0.2")
PLAN = Plan("10.77.0.0/24", (HOST,))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["nameserver 192.0.2.1\nsearch lan\n"], "nameserver 192.0.2.1\nsearch lan\n"),
        (["nameserver 127.0.0.1\nnameserver 192.0.2.1\n"], "nameserver 192.0.2.1\n"),
        (["nameserver 127.0.0.53\noptions edns0\n", "nameserver 192.0.2.7\n"], "nameserver 192.0.2.7\n"),
        (["nameserver ::1\n"], ""),
        ([], ""),
    ],
)
def test_a_host_asks_resolvers_that_it_can_reach(texts: list[str], expected: str) -> None:
    assert isolation.resolv_conf(texts) == expected


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


class Machine:
    """A network namespace in which one host is booted. Boots fork a process without threads, as `up` is."""

    def __init__(self, directory: Path) -> None:
        self.layout = Layout(directory / "data", directory / "run")
        self.namespace = NetworkNamespace("machine")

    def inside(self, action: Callable[[], None]) -> None:
        """Runs in a process of its own in the machine's network namespace; AssertionError if it raises."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                isolation_enter(self.namespace.path)
                action()
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    def boot(self, *arguments: str) -> None:
        def start() -> None:
            network.prepare(PLAN)
            made = boot.boot(self.layout, PLAN, HOST, arguments)
            boot.wait([made], lambda text: None)

        self.inside(start)

    def run(self, command: str) -> str:
        """In the host."""
        pid = power.init_pid(self.layout, HOST.name)
        return self.namespace.run(f"nsenter -t {pid} -m -p -n -u -i sh -c '{command}'").stdout

    @property
    def own(self) -> places.Places:
        return places.of(self.layout, HOST.name)

    def close(self) -> None:
        self.inside(lambda: power.kill(self.layout, [HOST.name]))
        self.namespace.close()


def isolation_enter(path: str) -> None:
    import ctypes

    with open(path, "rb") as namespace:
        assert ctypes.CDLL(None).setns(namespace.fileno(), 0) == 0


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with ExitStack() as stack:
        made = Machine(tmp_path)
        stack.callback(made.close)
        yield made


@pytest.mark.root
def test_a_host_has_a_name_processes_mounts_and_a_link_of_its_own(machine: Machine, tmp_path: Path) -> None:
    machine.boot("--version")
    assert machine.run("hostname").strip() == "node-1"
    assert "pynetes host node-1" in machine.run("cat /proc/1/cmdline")
    assert machine.run("ip -o -4 addr show dev eth0").split()[3] == "10.77.0.2/24"
    assert "default via 10.77.0.1 dev eth0" in machine.run("ip route")
    machine.run("ping -c1 -W5 10.77.0.1")
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert os.uname().nodename != "node-1"


@pytest.mark.root
def test_its_disk_outlives_a_power_cut_and_nothing_else_does(machine: Machine) -> None:
    machine.boot("--version")
    identity, boot_id = machine.run("cat /etc/machine-id"), machine.run("cat /proc/sys/kernel/random/boot_id")
    machine.run("echo kept > /var/lib/kept; echo lost > /run/lost; echo lost > /tmp/lost")
    assert (machine.own.var / "lib" / "kept").read_text() == "kept\n"
    assert not Path("/var/lib/kept").exists()
    sleeper = machine.namespace.start(
        "nsenter", "-t", str(power.init_pid(machine.layout, HOST.name)), "-a", "sleep", "600"
    )
    machine.inside(lambda: power.kill(machine.layout, [HOST.name]))
    assert sleeper.wait(60) != 0
    assert machine.namespace.run(f"ip link show {network.interface(HOST.name)}", check=False).returncode
    machine.boot("--version")
    assert machine.run("cat /var/lib/kept; ls /tmp; ls /run").split() == ["kept", "host", "lock", "pynetes"]
    assert machine.run("cat /etc/machine-id") == identity
    assert machine.run("cat /proc/sys/kernel/random/boot_id") != boot_id


@pytest.mark.root
def test_its_first_process_reaps(machine: Machine) -> None:
    machine.boot("--version")
    machine.run("(sleep 0.1 &) ; true")
    until(lambda: len(machine.run("echo /proc/[0-9]*").split()) == 2)  # init, and who asks: no zombie either


@pytest.mark.root
def test_a_command_that_fails_is_told_and_switches_the_host_off(machine: Machine, tmp_path: Path) -> None:
    told = tmp_path / "told"

    def start() -> None:
        network.prepare(PLAN)
        made = boot.boot(machine.layout, PLAN, HOST, ["agent", "--server", "127.0.0.1:1", "--node-ip", "10.77.0.2"])
        try:
            boot.wait([made], lambda text: None)
        except HostError as error:
            told.write_text(str(error))

    machine.inside(start)
    assert "node-1 did not boot (exit code 1):" in told.read_text()
    assert "this machine has not joined yet" in told.read_text()
    until(lambda: power.init_pid(machine.layout, HOST.name) is None)


@pytest.mark.root
def test_a_cable_is_cut_and_mended(machine: Machine) -> None:
    machine.boot("--version")
    namespace, ping = machine.namespace, "ping -c1 -W1 10.77.0.2"
    until(lambda: namespace.run(ping, check=False).returncode == 0)
    machine.inside(lambda: network.carry(HOST.name, on=False))
    assert namespace.call(network.is_cut, HOST.name)
    assert namespace.call(power.state, machine.layout, HOST.name) == "cut"
    assert namespace.run(ping, check=False).returncode
    machine.inside(lambda: network.carry(HOST.name, on=True))
    until(lambda: namespace.run(ping, check=False).returncode == 0)
    assert namespace.call(power.state, machine.layout, HOST.name) == "on"


@pytest.mark.root
def test_hosts_reach_the_outside_with_the_machines_address(machine: Machine) -> None:
    from pynetes.testing.netns import connect

    with NetworkNamespace("outside") as outside:
        connect(machine.namespace, "203.0.113.1/24", outside, "203.0.113.2/24")
        machine.boot("--version")
        # the outside knows no way to the hosts' range: answers come because the machine stands in for them
        machine.run("ping -c1 -W5 203.0.113.2")


@pytest.mark.root
def test_a_reused_pid_is_not_taken_for_a_host(machine: Machine) -> None:
    power.note(machine.layout, HOST.name, os.getpid())
    assert power.init_pid(machine.layout, HOST.name) == os.getpid()
    text = machine.own.power.read_text().replace(power.start_of(os.getpid()), "1")
    machine.own.power.write_text(text)
    assert power.init_pid(machine.layout, HOST.name) is None
    machine.own.power.write_text("{")
    assert power.init_pid(machine.layout, HOST.name) is None


def test_a_host_that_ends_while_it_is_told_to_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = iter((2**22 + 1, None))  # the pid of no process: no kernel's go so far
    monkeypatch.setattr(power, "init_pid", lambda layout, name: next(pids))
    monkeypatch.setattr(network, "unplug", lambda name: None)
    power.kill(Layout(tmp_path / "data", tmp_path / "run"), [HOST.name])
    assert list(pids) == []


def test_a_process_that_has_ended_has_no_start() -> None:
    pid = os.fork()
    if pid == 0:
        signal.pause()
    try:
        assert power.start_of(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
    until(lambda: power.start_of(pid) == "")  # a zombie still
    os.waitpid(pid, 0)
