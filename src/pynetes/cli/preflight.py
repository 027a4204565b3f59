"""What a machine must have before a cluster is started on it: checked whole, before anything is made.

Every problem is one line that says what is wrong and what to do about it.
"""

import errno
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

CNI_DIRECTORIES = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")

#: Members join as learners.
ETCD_OLDEST = (3, 4)

#: What containerd accepts.
_SOCKET_PATH_MAX = 104

#: Images and logs want more soon; the kubelet evicts pods where less than a tenth is free.
_LEAST_FREE = 200 * 2**20

#: Program → the Debian package that brings it.
PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "conntrack": "conntrack",
    "iptables": "iptables",
    "mount": "mount",
}


class Problem(Struct, frozen=True):
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}"


def check_root() -> list[Problem]:
    if os.geteuid() == 0:
        return []
    return [Problem("a node needs root", "run the same command with sudo")]


def check_programs(*, with_node: bool = True, with_registry: bool = False) -> list[Problem]:
    """Programs and CNI plugins that are absent, with the packages that bring them. Without a node: the proxy's."""
    programs = dict(PROGRAMS) if with_node else {name: PROGRAMS[name] for name in ("nft", "iptables")}
    if with_registry:
        programs |= {"docker-registry": "docker-registry"}
    missing = {name: package for name, package in programs.items() if shutil.which(name) is None}
    if with_node and find_cni_directory() is None:
        missing["CNI plugins (bridge, host-local, loopback, portmap)"] = "containernetworking-plugins"
    if not missing:
        return []
    packages = " ".join(sorted(set(missing.values())))
    return [Problem(f"not found: {', '.join(missing)}", f"apt-get install --no-install-recommends {packages}")]


def check_etcd() -> list[Problem]:
    """For the managed etcd."""
    remedy = "apt-get install --no-install-recommends etcd-server"
    if shutil.which("etcd") is None:
        return [Problem("not found: etcd", remedy)]
    told = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=False).stdout
    version = etcd_version(told)
    return [] if version >= ETCD_OLDEST else [Problem(f"this etcd does not know learners: {told.strip()!r}", remedy)]


def etcd_version(told: str) -> tuple[int, ...]:
    """`etcd Version: 3.4.23` → (3, 4); empty for anything else."""
    match = re.search(r"etcd Version: (\d+)\.(\d+)", told)
    return (int(match[1]), int(match[2])) if match else ()


def find_cni_directory(directories: Iterable[Path] = CNI_DIRECTORIES) -> Path | None:
    """The directory that holds all CNI plugins the pod network uses."""
    for directory in directories:
        if all((directory / plugin).exists() for plugin in CNI_PLUGINS):
            return directory
    return None


def check_socket_path(socket_path: Path) -> list[Problem]:
    """containerd listens at this path and at the same with `.ttrpc`, which the kernel bounds."""
    longest = f"{socket_path}.ttrpc"
    if len(longest) <= _SOCKET_PATH_MAX:
        return []
    too_many = len(longest) - _SOCKET_PATH_MAX
    return [Problem(f"the socket {longest} has a path too long by {too_many}", "choose a shorter --run-dir")]


def check_disk(directory: Path) -> list[Problem]:
    """Room for what a cluster writes before it does anything."""
    there = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free >= _LEAST_FREE:
        return []
    what = f"only {free / 2**20:.0f} MiB are free for {directory}"
    remedy = f"make room for {_LEAST_FREE // 2**20} MiB at least, or choose another --data-dir"
    return [Problem(what, remedy)]


def check_ports(ports: Iterable[tuple[str, str, int]]) -> list[Problem]:
    """`ports`: (component, address, TCP port) that must be free."""
    problems = []
    for component, address, port in ports:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                problems.append(_unusable(component, address, port, error))
    return problems


def _unusable(component: str, address: str, port: int, error: OSError) -> Problem:
    remedy = f"see who has it with `ss -ltnp 'sport = :{port}'`, or choose another port"
    if error.errno == errno.EADDRNOTAVAIL:
        remedy = "choose an address that `ip address` shows with --node-ip"
    return Problem(f"{component} cannot listen on {address}:{port} ({error.strerror})", remedy)


def check_kernel() -> list[Problem]:
    """Kernel interfaces a node cannot do without."""
    problems = []
    if not Path("/proc/self/ns/net").exists():
        problems.append(Problem("this kernel has no network namespaces", "use a kernel with CONFIG_NET_NS"))
    if not any(Path("/sys/fs/cgroup").iterdir() if Path("/sys/fs/cgroup").is_dir() else ()):
        problems.append(
            Problem("no cgroups at /sys/fs/cgroup", "mount cgroup v2: mount -t cgroup2 none /sys/fs/cgroup")
        )
    return problems
