"""A one-node cluster on a machine of its own: a network namespace with a default route, started by `pynetes up`.

What needs the machine's network (clients, CNI, nftables) runs in the namespace's thread: `machine.call(function)`.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.frame import Options
from pynetes.cli import settings
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.testing.netns import NetworkNamespace, connect

PYNETES = str(Path(sys.executable).with_name("pynetes"))
ADDRESS, OUTSIDE = "10.213.0.1", "10.213.0.2"


@dataclass(slots=True)
class Cluster:
    """A cluster that is up, or comes up. `host` is its machine."""

    host: NetworkNamespace
    place: Path
    registry: bool = False
    hosts: str = ""
    """`--masters` and `--nodes`, if it is to have several."""
    started: float = 0.0
    _up: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def data(self) -> Path:
        return self.place / "data"

    @property
    def containerd_socket(self) -> Path:
        return self.place / "run" / "containerd.sock"

    @property
    def kubeconfig(self) -> Path:
        return self.data / "kubeconfig" / "admin.conf"

    def _command(self, verb: str) -> list[str]:
        return [PYNETES, verb, f"--data-dir={self.data}", f"--run-dir={self.place / 'run'}"]

    def start(self) -> None:
        """`pynetes up`, without waiting for it."""
        options = [
            "--no-kubeconfig",
            "--cgroup-root=/pynetes-bench",
            "--registry" if self.registry else "--no-registry",
            *self.hosts.split(),
        ]
        self.started = time.monotonic()
        self._up = self.host.start(*self._command("up"), *options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait(self) -> None:
        """Until `up` has ended. RuntimeError with its output if it has failed."""
        assert self._up is not None
        output, _ = self._up.communicate(timeout=180)
        if self._up.returncode:
            raise RuntimeError(f"pynetes up has failed:\n{output.decode(errors='replace')}")

    def node(self, verb: str, name: str) -> None:
        """`pynetes node VERB NAME`."""
        self.host.run(" ".join([PYNETES, "node", verb, *self._command(name)[1:]]))

    def check(self) -> None:
        """RuntimeError if `up` has failed meanwhile."""
        if self._up is not None and self._up.poll():
            self.wait()

    def purge(self) -> None:
        if self._up is not None and self._up.poll() is None:
            self._up.kill()
        self.host.run(" ".join(self._command("purge")))

    def processes(self) -> dict[str, int]:
        """Name → pid, the supervisor's first."""
        state = json.loads((self.place / "run" / "supervisor.json").read_text())
        found = {"supervisor": state["pid"]}
        return found | {name: process["pid"] for name, process in state["processes"].items()}

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        client = kubeconfig.client_from_kubeconfig(self.kubeconfig, "bench")
        try:
            yield client
        finally:
            await client.close()


def node_name() -> str:
    return settings.default_node_name()


@contextmanager
def machine() -> Iterator[NetworkNamespace]:
    """A host with an address and a default route to another."""
    with NetworkNamespace("machine") as host, NetworkNamespace("outside") as outside:
        connect(host, f"{ADDRESS}/24", outside, f"{OUTSIDE}/24")
        host.run(f"ip route add default via {OUTSIDE}")
        yield host


@contextmanager
def cluster(options: Options, *, images: Path | None = None, hosts: str = "") -> Iterator[Cluster]:
    """A cluster that nothing has started yet; `images`: what its registry holds. It is purged at the end."""
    with machine() as host, tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as place:
        found = Cluster(host, Path(place), registry=images is not None, hosts=hosts)
        if images is not None:
            shutil.copytree(images, found.data / "registry")
        try:
            yield found
        finally:
            with contextlib.suppress(FileNotFoundError):
                found.purge()
