"""What `down` removes besides processes: pods, network, cgroups. Each step may find nothing to do.

Mounts need no step: they are all in the cluster's own mount namespace and go with its last process.
"""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyroute2 import IPRoute, NetlinkError

from pynetes.cli.layout import Layout
from pynetes.component import clock
from pynetes.component.nftables import Nftables, NftablesError
from pynetes.network import cni, forwarding, masquerade, tunnel
from pynetes.proxy import ruleset

log = logging.getLogger(__name__)


def remove_containers(layout: Layout) -> int:
    """Ends everything that containerd's shims of this cluster hold; returns how many shims there were.

    A shim outlives containerd on purpose, so `down` ends it and the processes in its pod's cgroups by hand.
    """
    shims = list(shims_of(layout))
    for pid in shims:
        for child in _descendants(pid):
            _kill(child)
    for pid in shims:
        _kill(pid)
    _await_gone(shims)
    return len(shims)


def shims_of(layout: Layout) -> Iterator[int]:
    """The pids of the shims that this cluster's containerd has started.

    Those of other PID namespaces are hosts' of some cluster: the same address is another socket there.
    """
    address, namespace = str(layout.containerd_socket).encode(), os.stat("/proc/self/ns/pid").st_ino
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if b"containerd-shim" not in arguments[0] or address not in arguments:
                continue
            if (entry / "ns/pid").stat().st_ino == namespace:
                yield int(entry.name)
        except OSError:  # it has just ended
            continue


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        log.debug("process %d is gone already", pid)


def _await_gone(pids: Iterable[int], seconds: float = 5.0) -> None:
    deadline = clock.monotonic() + seconds
    waiting = set(pids)
    while waiting and clock.monotonic() < deadline:
        waiting = {pid for pid in waiting if Path(f"/proc/{pid}").exists() and not _is_zombie(pid)}
        clock.sleep_blocking(0.02)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def remove_network(layout: Layout) -> None:
    """Tables, routes to other nodes, the bridge with its ports, addresses in use, and portmap's rules."""
    try:
        nftables = Nftables()
    except NftablesError:
        log.debug("no nftables, no tables")
    else:
        for text in (ruleset.DELETE, masquerade.DELETE):
            nftables.run_blocking(text)
        nftables.close()
    with IPRoute() as netlink:
        for index in netlink.link_lookup(ifname=cni.BRIDGE):
            ports = [link["index"] for link in netlink.get_links() if link.get_attr("IFLA_MASTER") == index]
            for port in (*ports, index):
                with contextlib.suppress(NetlinkError):  # a pod's end goes by itself with its namespace
                    netlink.link("del", index=port)
    tunnel.remove()
    forwarding.forget()
    _remove_portmap_rules()
    shutil.rmtree(layout.cni_state, ignore_errors=True)
    (layout.cni_conf / cni.FILE_NAME).unlink(missing_ok=True)


def _remove_portmap_rules() -> None:
    """The portmap plugin's chains: its pods are gone without the plugin having been called."""
    saved = subprocess.run(["iptables-save", "-t", "nat"], capture_output=True, text=True, check=False)
    if saved.returncode or "CNI-" not in saved.stdout:
        return
    kept = [line for line in saved.stdout.splitlines() if not (line.startswith(":CNI-") or " CNI-" in line)]
    restored = "\n".join(kept) + "\n"
    subprocess.run(["iptables-restore", "-w", "-T", "nat"], input=restored, text=True, capture_output=True, check=False)


def remove_cgroups(name: str, seconds: float = 10.0) -> int:
    """Removes the cgroup trees of that name in every hierarchy, the innermost first; how many directories went.

    What still runs in them is killed. A process leaves its cgroups only when it has ended for good, which takes a
    moment on a busy machine: until `seconds` are over, what cannot be removed is tried again.
    """
    base = Path("/sys/fs/cgroup")
    roots = [base / name.strip("/"), *(h / name.strip("/") for h in base.iterdir() if h.is_dir())]
    deadline, removed = clock.monotonic() + seconds, 0
    while True:
        stay: dict[str, OSError] = {}
        for directory in [directory for root in roots for directory, _, _ in os.walk(root, topdown=False)]:
            try:
                os.rmdir(directory)
                removed += 1
            except OSError as error:
                stay[directory] = error
        if not stay or clock.monotonic() > deadline:
            break
        for directory in stay:
            _kill_all_of(Path(directory))
        clock.sleep_blocking(0.05)
    for directory, why in stay.items():
        log.warning("cgroup %s stays: %s", directory, why)
    return removed


def _kill_all_of(cgroup: Path) -> None:
    try:
        pids = (cgroup / "cgroup.procs").read_text().split()
    except OSError:
        return
    for pid in pids:
        if pid != "0":  # of another PID namespace
            _kill(int(pid))
