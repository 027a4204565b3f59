"""A machine for end-to-end tests: a host in a network namespace, on which `pynetes up` makes a cluster."""

import collections
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from pynetes.testing.netns import NetworkNamespace, connect

NODE_IP = "203.0.113.10"
GUESTBOOK = Path(__file__).parents[2] / "examples" / "guestbook"
URL = f"http://{NODE_IP}:30080/entries"

_numbers = itertools.count(1)

#: Where logs lie below a machine's data: its own components', its hosts' first processes', their components'.
_LOGS = ("log/*.log", "hosts/*/console.log", "hosts/*/var/lib/pynetes/log/*.log")
_PATIENCE = 150.0  # seconds; only what never happens takes so long
_TAIL_LINES, _TAIL_WIDTH = 30, 500

#: The machines that are there, and the logs' tails of those that were: for the reports of tests that fail (conftest).
running: "list[Machine]" = []
last_words: dict[Path, str] = {}


class Machine:
    """`pynetes` and `kubectl` on one host; state and kubeconfig in a directory that goes with it.

    Its path is short, as those of Unix sockets below it must be.
    """

    def __init__(self) -> None:
        self.directory = directory = Path(tempfile.mkdtemp(prefix="pynetes-"))
        self.host = NetworkNamespace("machine")
        self.router = NetworkNamespace("router")
        connect(self.host, f"{NODE_IP}/24", self.router, "203.0.113.1/24")
        self.host.run("ip route add default via 203.0.113.1")
        self.cgroup_root = f"/pynetes-test-{os.getpid()}-{next(_numbers)}"
        self.kubeconfig = directory / "kubeconfig"
        self.data, self.run_dir = directory / "data", directory / "run"
        running.append(self)

    def pynetes(self, command: str, *options: str, check: bool = True) -> "CompletedProcess[str]":
        places = f"--data-dir {self.data} --run-dir {self.run_dir}"
        own = f"--cgroup-root {self.cgroup_root}" if command in ("up", "server", "agent") else ""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "COLUMNS": "200"}
        line = f"{sys.executable} -m pynetes.cli.main {command} {places} {own} {' '.join(options)}"
        return self.host.run(line, check=check, env=environment)

    def kubectl(self, command: str, *, check: bool = True, **options: Any) -> "CompletedProcess[str]":
        return self.host.run(f"{' '.join(self.kubectl_words)} {command}", check=check, **options)

    @property
    def kubectl_words(self) -> tuple[str, ...]:
        """kubectl keeps by address which resources a server has, and all these machines have the same."""
        return "kubectl", f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.directory / 'cache'}"

    def get(self, what: str) -> Any:
        return json.loads(self.kubectl(f"get {what} -o json").stdout)

    def answers_kubectl(self) -> bool:
        return self.kubectl("get --raw /readyz --request-timeout=3s", check=False).returncode == 0

    def request(self, url: str, data: bytes | None = None, timeout: float = 60.0) -> bytes:
        """An HTTP request from the machine itself; OSError if it fails."""

        def ask() -> bytes:
            with urllib.request.urlopen(url, data, timeout) as answer:
                body: bytes = answer.read()
                return body

        return self.host.call(ask)

    def host_address(self, name: str) -> str:
        """Of a host that `up --nodes` has made."""
        hosts = json.loads((self.data / "hosts.json").read_text())["hosts"]
        return str(next(host["address"] for host in hosts if host["name"] == name))

    def in_host(self, name: str, command: str, *, check: bool = True) -> "CompletedProcess[str]":
        """Runs a command in a host, without a shell."""
        pid = json.loads((self.run_dir / "hosts" / f"{name}.json").read_text())["pid"]
        return self.host.run(f"nsenter -t {pid} -m -p -n -u -i {command}", check=check)

    def start_guestbook(self, url: str = URL) -> None:
        """Images from Debian packages into the loopback registry, the manifests, and a wait until all answers."""
        build = [sys.executable, str(GUESTBOOK / "build_images.py")]
        subprocess.run([*build, "--download-only"], check=True)  # the machine reaches no package server
        self.host.run(" ".join(build))
        self.kubectl(f"apply -f {GUESTBOOK}")
        for deployment in ("redis-leader", "redis-replica", "web", "frontend"):
            self.kubectl(f"rollout status deployment/{deployment} --timeout=150s")
        until(lambda: self.answers(url))

    def answers(self, url: str) -> bool:
        try:
            self.request(url, timeout=5)
        except (urllib.error.URLError, OSError):
            return False
        return True

    def tails(self) -> str:
        """The end of each of its logs; empty if it has none."""
        files = sorted(file for pattern in _LOGS for file in self.data.glob(pattern))
        return "\n".join(f"--- {file.relative_to(self.directory)}\n{_tail(file)}" for file in files)

    def close(self) -> None:
        running.remove(self)
        last_words[self.directory] = self.tails()
        self.pynetes("purge", check=False)
        self.host.close()
        self.router.close()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextmanager
def up(*options: str) -> Iterator[Machine]:
    """A machine on which `pynetes up` has made a cluster; both go at the end."""
    with closing(Machine()) as machine:
        machine.pynetes("up", *options)
        yield machine


def _tail(file: Path) -> str:
    with file.open(errors="replace") as lines:
        return "".join(line[:_TAIL_WIDTH].rstrip("\n") + "\n" for line in collections.deque(lines, _TAIL_LINES))


def until(condition: Callable[[], Any]) -> Any:
    """Polls until the condition gives something true, and returns that.

    It may fail on its way there, in an assertion or a command: its last failure is raised if it never holds.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        failure: Exception = AssertionError("the condition did not come true")
        try:
            if value := condition():
                return value
        except (AssertionError, subprocess.CalledProcessError) as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(0.1)
