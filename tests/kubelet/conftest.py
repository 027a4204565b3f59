"""A private node for tests: a containerd of our own in mount and network namespaces of our own.

`node` starts it once a session; `on_node` puts the test's own thread into its namespaces, so that the kubelet under
test sees pods' addresses and containerd sees the kubelet's mounts. All of it goes away with the namespaces.
"""

import contextlib
import ctypes
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from pynetes.kubelet import pause
from pynetes.kubelet.containerd import ContainerdConfig, containerd_config, detect_machine, parse_version
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.testing import images
from tests.namespaces import held, inhabitants

CLONE_FS, CLONE_NEWNS, CLONE_NEWNET = 0x200, 0x20000, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)

#: Seconds that anything of a runtime on a busy machine may take.
_LONG = 60.0

_CNI = """{
  "cniVersion": "1.0.0", "name": "test", "plugins": [
    {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
     "ipam": {"type": "host-local", "dataDir": "%s",
              "ranges": [[{"subnet": "10.89.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
    {"type": "portmap", "capabilities": {"portMappings": true}}]}
"""

_HOLD = """
set -e
mount --make-rshared /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
ip link set lo up
echo ready
exec sleep infinity
"""


def _check(result: int) -> None:
    if result:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _enter(path: str, kind: int) -> None:
    with open(path) as namespace:
        _check(_libc.setns(namespace.fileno(), kind))


@dataclass
class Node:
    """A running containerd and the namespaces around it."""

    directory: Path
    socket: Path
    cgroup_root: str
    holder: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def endpoint(self) -> str:
        return f"unix://{self.socket}"

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Puts this thread into the node's namespaces for the block."""
        directory = Path.cwd()
        # Threads started by tests share our root and directory: setns refuses to move those of several at once.
        _check(_libc.unshare(CLONE_FS))
        with open("/proc/thread-self/ns/mnt") as mount, open("/proc/thread-self/ns/net") as network:
            _enter(f"/proc/{self.holder}/ns/net", CLONE_NEWNET)
            _enter(f"/proc/{self.holder}/ns/mnt", CLONE_NEWNS)
            os.chdir(directory)
            try:
                yield
            finally:
                _check(_libc.unshare(CLONE_FS))
                _check(_libc.setns(mount.fileno(), CLONE_NEWNS))
                _check(_libc.setns(network.fileno(), CLONE_NEWNET))
                os.chdir(directory)

    def ctr(self, *arguments: str) -> bytes:
        command = ["ctr", "--address", str(self.socket), "-n", "k8s.io", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

    def start(self) -> None:
        """Starts containerd (again) and waits till it answers; the caller is in the namespaces."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["containerd", "--config", str(self.directory / "config.toml")], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _LONG
        while subprocess.run(["ctr", "--address", str(self.socket), "version"], capture_output=True).returncode:
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.02)

    def clean(self) -> None:
        """Ends every container at once and forgets it; names are free again."""
        for task in self.ctr("tasks", "ls", "-q").split():
            # The container may end by itself meanwhile.
            command = [
                "ctr",
                "--address",
                str(self.socket),
                "-n",
                "k8s.io",
                "tasks",
                "kill",
                "-s",
                "SIGKILL",
                task.decode(),
            ]
            subprocess.run(command, capture_output=True)
        with grpc.insecure_channel(f"unix:{self.socket}") as channel:

            def call(method: str, request: Any, response: Any) -> Any:
                rpc = channel.unary_unary(
                    f"/runtime.v1.RuntimeService/{method}",
                    request_serializer=lambda message: message.SerializeToString(),
                    response_deserializer=response.FromString,
                )
                return rpc(request, timeout=_LONG)

            def end(sandbox: str) -> None:
                request = {"pod_sandbox_id": sandbox}
                call("StopPodSandbox", pb.StopPodSandboxRequest(**request), pb.StopPodSandboxResponse)
                call("RemovePodSandbox", pb.RemovePodSandboxRequest(**request), pb.RemovePodSandboxResponse)

            for sandbox in call("ListPodSandbox", pb.ListPodSandboxRequest(), pb.ListPodSandboxResponse).items:
                deadline = time.monotonic() + _LONG
                while True:
                    try:
                        end(sandbox.id)
                        break
                    except grpc.RpcError:  # containers were killed, which containerd learns a moment later
                        if time.monotonic() > deadline:
                            raise
                        time.sleep(0.1)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    directory = tmp_path_factory.mktemp("node")
    holder = subprocess.Popen(
        ["unshare", "--mount", "--net", "sh", "-c", _HOLD], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert holder.stdout
    assert holder.stdout.readline() == b"ready\n", holder.stderr.read() if holder.stderr else ""
    found = Node(
        directory=directory,
        # Not below the namespaces' own /run: gRPC's threads may have been born outside of them.
        socket=directory / "containerd.sock",
        cgroup_root=f"/pynetes-test-{secrets.token_hex(4)}",
        holder=holder.pid,
        process=holder,
        log=directory / "containerd.log",
    )
    try:
        with found.entered():
            (directory / "config.toml").write_text(_containerd_config(found))
            found.start()
            _import_images(found)
        yield found
        with found.entered():
            found.clean()
            found.process.terminate()
            found.process.wait(_LONG)
    finally:
        if found.process.poll() is None:
            found.process.kill()
            found.process.wait()
        if holder.poll() is None:
            _kill_all_in(holder.pid)
            holder.wait()
        holder.stdout.close()
        if holder.stderr:
            holder.stderr.close()
        _remove_cgroups(found.cgroup_root)
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def on_node(node: Node) -> Iterator[Node]:
    """The node, with this test's thread inside its namespaces; its containers end with the test."""
    with node.entered():
        yield node
        node.clean()


def _containerd_config(node: Node) -> str:
    conf = node.directory / "cni"
    conf.mkdir()
    (conf / "10-test.conflist").write_text(_CNI % (node.directory / "ipam"))
    version = subprocess.run(["containerd", "--version"], check=True, capture_output=True, text=True).stdout
    config = ContainerdConfig(
        root=node.directory / "root", state=Path("/run/containerd-state"), socket=node.socket, cni_conf_dir=conf
    )
    return containerd_config(config, parse_version(version), detect_machine())


def _kill_all_in(holder: int) -> None:
    """Every process in the holder's mount namespace, the holder included: shims outlive their containerd."""
    with held([f"/proc/{holder}/ns/mnt"]) as kept:
        for pid in inhabitants(kept, ["mnt"]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _import_images(node: Node) -> None:
    for name, content in (("pause", pause.image_tar()), ("busybox", images.busybox())):
        path = node.directory / f"{name}.tar"
        path.write_bytes(content)
        node.ctr("images", "import", str(path))
        path.unlink()


def _remove_cgroups(root: str) -> None:
    for top in [*Path("/sys/fs/cgroup").glob(f"*{root}"), Path(f"/sys/fs/cgroup{root}")]:
        if top.is_dir():
            for path in [*sorted(top.rglob("*/"), reverse=True), top]:
                if path.is_dir():
                    with contextlib.suppress(OSError):
                        path.rmdir()


@pytest.fixture
def api() -> Any:
    """An API server in memory, empty (`memory_api`)."""
    spec = importlib.util.spec_from_file_location("memory_api", Path(__file__).with_name("memory_api.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MemoryAPI()
