"""The cluster's own mount namespace.

Pods' mounts live in it and propagate between runtime, kubelet and containers, whatever the machine's `/` is (a private
`/` breaks mount propagation); none of them shows up on the machine, and all go when the last process in it ends. What
CNI plugins and containerd keep at fixed places is hidden behind the cluster's own directories, so that other
runtimes on the machine are not touched.
"""

import ctypes
import os
from pathlib import Path

from pynetes.cli.cleanup import shims_of
from pynetes.cli.layout import Layout

_CLONE_NEWNS = 0x00020000
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_SHARED = 4096, 16384, 1 << 18, 1 << 20

#: Fixed places of containerd (network namespaces of pods) and of CNI plugins (results and addresses).
_OWN = ("/run/netns", "/var/lib/cni")

_libc = ctypes.CDLL(None, use_errno=True)


def enter(layout: Layout) -> None:
    """Moves this process (which must have one thread) into the cluster's mount namespace.

    Where pods have outlived their supervisor it is theirs, else a new one.
    """
    for shim in shims_of(layout):
        try:
            namespace = os.open(f"/proc/{shim}/ns/mnt", os.O_RDONLY)
        except OSError:  # it has just ended, its pod with it
            continue
        try:
            _check(_libc.setns(namespace, _CLONE_NEWNS), "enter the pods' mount namespace")
        finally:
            os.close(namespace)
        return
    _check(_libc.unshare(_CLONE_NEWNS), "make a mount namespace")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)  # nothing reaches the machine
    _mount("none", "/", None, _MS_REC | _MS_SHARED)  # all reaches the containers
    for place in _OWN:
        own = layout.run / "mounts" / place.strip("/").replace("/", "-")
        own.mkdir(parents=True, exist_ok=True)
        Path(place).mkdir(parents=True, exist_ok=True)
        _mount(str(own), place, None, _MS_BIND)


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    result = _libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, None)
    _check(result, f"mount {source} at {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"could not {what}: {os.strerror(number)}")
