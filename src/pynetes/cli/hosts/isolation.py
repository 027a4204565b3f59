"""Namespaces and mounts of a host. For processes with one thread.

A host sees the machine's programs and configuration, and in place of the directories in `_OWN` its own: `/var` from its
directory on the machine's disk, `/run` and `/tmp` empty. Nothing that it mounts shows up on the machine, and nothing on
the machine is touched for a mount point.
"""

import ctypes
import os
import socket
import stat
import sys
import sysconfig
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pynetes.cli.hosts.places import Places
from pynetes.cli.layout import DEFAULT_DATA, DEFAULT_RUN

_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
_CLONE_NEWPID, _CLONE_NEWNET = 0x20000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_SHARED = 4096, 16384, 1 << 18, 1 << 20

_OWN = ("/run", "/tmp", "/var")

#: What /run's and /var's programs expect to find.
_DIRECTORIES = ("/run/lock", "/var/cache", "/var/log", "/var/spool", "/var/lib/cni", str(DEFAULT_DATA))
_LINKS = {"/var/run": "/run", "/var/lock": "/run/lock"}

_RESOLV_CONF = Path("/etc/resolv.conf")
#: The resolvers behind systemd's, which hosts cannot reach at its loopback address.
_BEHIND_STUB = Path("/run/systemd/resolve/resolv.conf")

_libc = ctypes.CDLL(None, use_errno=True)


def leave_machine() -> None:
    """Moves the caller into new namespaces; the process ids' begins with its next child."""
    flags = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWPID | _CLONE_NEWNET
    _check(_libc.unshare(flags), "make namespaces")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def furnish(name: str, places: Places) -> None:
    """In a host's first process: host name, mounts, identity."""
    socket.sethostname(name)
    resolvers, identity = resolv_conf(_texts(_RESOLV_CONF, _BEHIND_STUB)), _machine_id(places)
    target = Path(os.path.realpath(_RESOLV_CONF))
    with _kept(_project(), below=_OWN):
        _mount(str(places.var), "/var", None, _MS_BIND)
        _mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=1777")
        _mount("tmpfs", "/run", "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755")
        _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
        for directory in (*_DIRECTORIES, str(DEFAULT_RUN)):
            Path(directory).mkdir(parents=True, exist_ok=True)
        Path("/var/tmp").mkdir(exist_ok=True)
        Path("/var/tmp").chmod(0o1777)
        for link, to in _LINKS.items():
            if not Path(link).is_symlink():
                Path(link).symlink_to(to)
    _put(resolvers, target)
    _put(f"{identity}\n", Path("/etc/machine-id"))
    _put(f"{uuid.uuid4()}\n", Path("/proc/sys/kernel/random/boot_id"))
    _mount("none", "/", None, _MS_REC | _MS_SHARED)  # as on a machine that has booted with systemd


def resolv_conf(texts: Iterable[str]) -> str:
    """The first text with a resolver that is not on loopback, without those that are; nothing if there is none."""
    for text in texts:
        lines = [line for line in text.splitlines() if not _names_loopback(line)]
        if any(line.startswith("nameserver") for line in lines):
            return "\n".join(lines) + "\n"
    return ""


def _names_loopback(line: str) -> bool:
    words = line.split()
    return len(words) > 1 and words[0] == "nameserver" and (words[1].startswith("127.") or words[1] == "::1")


def _texts(*paths: Path) -> list[str]:
    return [path.read_text(errors="replace") for path in paths if path.is_file()]


def _machine_id(places: Places) -> str:
    if not places.machine_id.exists():
        places.machine_id.write_text(uuid.uuid4().hex)
    return places.machine_id.read_text().strip()


def _put(text: str, target: Path) -> None:
    """The host's own content at a path: written where the directory is its own, else mounted over the machine's."""
    if any(target.is_relative_to(own) for own in _OWN):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return
    own = Path("/run/host", target.name)
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(text)
    if target.is_file():
        _mount(str(own), str(target), None, _MS_BIND)


def _project() -> set[Path]:
    """Where this program and its Python are."""
    places = {sys.prefix, sys.base_prefix, sysconfig.get_path("purelib"), str(Path(__file__).parents[3]), *sys.path}
    return {path.resolve() for place in places if place and (path := Path(place)).exists()}


@contextmanager
def _kept(paths: Iterable[Path], *, below: Iterable[str]) -> Iterator[None]:
    """What lies below directories that are hidden within the block is there again after it."""
    hidden = [Path(directory) for directory in below]
    held = [
        (path, os.open(path, os.O_PATH))
        for path in sorted(paths)
        if any(path.is_relative_to(directory) for directory in hidden)
    ]
    yield
    for path, descriptor in held:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        _mount(f"/proc/self/fd/{descriptor}", str(path), None, _MS_BIND | _MS_REC)
        os.close(descriptor)


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    options = data.encode() if data else None
    result = _libc.mount(source.encode(), target.encode(), kind.encode() if kind else None, flags, options)
    _check(result, f"mount {source} at {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"could not {what}: {os.strerror(number)}")
