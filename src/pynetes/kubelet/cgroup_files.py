"""The kernel's cgroup files, version 1 (a tree a controller) and version 2 (one tree), behind one interface.

Paths are relative to the cgroup file system (`kubepods/burstable/pod…`). Everything here is small file I/O on a
memory-backed file system: cheap enough for the event loop.
"""

import contextlib
import errno
import logging
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

log = logging.getLogger(__name__)

PERIOD = 100_000
MIN_SHARES, MAX_SHARES = 2, 262_144
_MIN_QUOTA = 1_000
_WANTED = ("cpu", "cpuset", "memory", "pids", "io", "hugetlb")


class Limits(Struct, frozen=True):
    """None leaves a setting alone. `cpu_quota` is µs a period, -1 for none; `memory` bytes, -1 for none; `hugepages`
    bytes by page size (`2MB`)."""

    cpu_shares: int | None = None
    cpu_quota: int | None = None
    cpu_period: int = PERIOD
    memory: int | None = None
    pids: int | None = None
    hugepages: Mapping[str, int] = field(default_factory=dict)


def shares(milli_cpu: int) -> int:
    """CFS shares of a CPU request."""
    return min(max(milli_cpu * 1024 // 1000, MIN_SHARES), MAX_SHARES)


def quota(milli_cpu: int, period: int = PERIOD) -> int:
    """CFS quota of a CPU limit, -1 for none."""
    return max(milli_cpu * period // 1000, _MIN_QUOTA) if milli_cpu else -1


def weight(cpu_shares: int) -> int:
    """cgroup v2's cpu.weight for v1's cpu.shares."""
    return 10_000 if cpu_shares >= MAX_SHARES else 1 + (cpu_shares - 2) * 9_999 // 262_142


class CgroupFiles(Protocol):
    version: int

    def exists(self, path: str) -> bool: ...
    def create(self, path: str) -> None: ...
    def apply(self, path: str, limits: Limits) -> None: ...
    def kill(self, path: str) -> int: ...
    def remove(self, path: str) -> bool: ...
    def children(self, path: str) -> set[str]: ...


def detect(mount: Path = Path("/sys/fs/cgroup")) -> CgroupFiles:
    """The version that the machine has mounted."""
    return CgroupV2(mount) if (mount / "cgroup.controllers").exists() else CgroupV1(mount)


def _write(path: Path, value: str) -> None:
    """Settings that this kernel or this moment refuses must not keep a pod from running: they are logged."""
    try:
        path.write_text(value)
    except FileNotFoundError:
        log.debug("no %s on this kernel", path)
    except OSError as error:
        log.warning("cannot write %s to %s: %s", value, path, error)


def _pids(directory: Path) -> Iterator[int]:
    """Processes of the cgroup and all below it."""
    for base, _, _ in os.walk(directory):
        with contextlib.suppress(OSError):
            yield from (int(line) for line in Path(base, "cgroup.procs").read_text().split() if line != "0")


def _kill(pids: Iterator[int]) -> int:
    count = 0
    for pid in set(pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            count += 1
    return count


def _remove_tree(directory: Path) -> bool:
    """Removes bottom-up; False while processes linger."""
    for base, directories, _ in os.walk(directory, topdown=False):
        for name in directories:
            _rmdir(Path(base, name))
    return _rmdir(directory)


def _rmdir(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno == errno.EBUSY:
            return False
        raise
    return True


class CgroupV1:
    version = 1

    def __init__(self, mount: Path) -> None:
        self._mount = mount
        self._trees = self._find_trees()

    def _find_trees(self) -> list[Path]:
        """Every hierarchy once, however many names it has."""
        found: dict[Path, None] = {}
        for path in sorted(self._mount.iterdir()):
            if path.is_dir():
                found[path.resolve()] = None
        return list(found)

    def _tree(self, controller: str) -> Path:
        return self._mount / controller

    def exists(self, path: str) -> bool:
        return all((self._tree(c) / path).is_dir() for c in ("cpu", "memory", "pids") if self._tree(c).is_dir())

    def create(self, path: str) -> None:
        for controller in ("cpu", "cpuacct", "memory", "pids", "hugetlb"):
            if self._tree(controller).is_dir():
                (self._tree(controller) / path).mkdir(parents=True, exist_ok=True)

    def apply(self, path: str, limits: Limits) -> None:
        cpu = self._tree("cpu") / path
        if limits.cpu_shares is not None:
            _write(cpu / "cpu.shares", str(limits.cpu_shares))
        if limits.cpu_quota is not None:
            if limits.cpu_quota > 0:
                _write(cpu / "cpu.cfs_period_us", str(limits.cpu_period))
            _write(cpu / "cpu.cfs_quota_us", str(limits.cpu_quota))
        if limits.memory is not None:
            _write(self._tree("memory") / path / "memory.limit_in_bytes", str(limits.memory))
        if limits.pids is not None:
            _write(self._tree("pids") / path / "pids.max", str(limits.pids) if limits.pids > 0 else "max")
        for size, value in limits.hugepages.items():
            _write(self._tree("hugetlb") / path / f"hugetlb.{size}.limit_in_bytes", str(value))

    def kill(self, path: str) -> int:
        return _kill(pid for tree in self._trees for pid in _pids(tree / path))

    def remove(self, path: str) -> bool:
        gone = [_remove_tree(tree / path) for tree in self._trees]  # every tree, whatever the first says
        return all(gone)

    def children(self, path: str) -> set[str]:
        return {
            child.name
            for tree in self._trees
            if (tree / path).is_dir()
            for child in (tree / path).iterdir()
            if child.is_dir()
        }


class CgroupV2:
    version = 2

    def __init__(self, mount: Path) -> None:
        self._mount = mount

    def exists(self, path: str) -> bool:
        return (self._mount / path).is_dir()

    def create(self, path: str) -> None:
        """Makes every level and hands the controllers down to it."""
        current = self._mount
        for part in Path(path).parts:
            self._delegate(current)
            current = current / part
            current.mkdir(exist_ok=True)

    def _delegate(self, directory: Path) -> None:
        try:
            available = (directory / "cgroup.controllers").read_text().split()
            enabled = (directory / "cgroup.subtree_control").read_text().split()
        except OSError:
            return
        for controller in (c for c in _WANTED if c in available and c not in enabled):
            self._enable(directory, controller)

    def _enable(self, directory: Path, controller: str) -> None:
        target = directory / "cgroup.subtree_control"
        try:
            target.write_text(f"+{controller}")
        except OSError as error:
            if error.errno != errno.EBUSY or not (directory / "cgroup.type").exists():
                log.warning("cannot enable cgroup controller %s in %s: %s", controller, directory, error)
                return
            # Version 2 wants processes in leaves only: inside a container, those of its root move into a child.
            self._evacuate(directory)
            _write(target, f"+{controller}")

    def _evacuate(self, directory: Path) -> None:
        leaf = directory / "init"
        leaf.mkdir(exist_ok=True)
        for pid in (directory / "cgroup.procs").read_text().split():
            with contextlib.suppress(OSError):
                (leaf / "cgroup.procs").write_text(pid)

    def apply(self, path: str, limits: Limits) -> None:
        directory = self._mount / path
        if limits.cpu_shares is not None:
            _write(directory / "cpu.weight", str(weight(limits.cpu_shares)))
        if limits.cpu_quota is not None:
            allowed = str(limits.cpu_quota) if limits.cpu_quota > 0 else "max"
            _write(directory / "cpu.max", f"{allowed} {limits.cpu_period}")
        if limits.memory is not None:
            _write(directory / "memory.max", str(limits.memory) if limits.memory > 0 else "max")
        if limits.pids is not None:
            _write(directory / "pids.max", str(limits.pids) if limits.pids > 0 else "max")
        for size, value in limits.hugepages.items():
            _write(directory / f"hugetlb.{size}.max", str(value))

    def kill(self, path: str) -> int:
        directory = self._mount / path
        found = list(_pids(directory))
        if not found:
            return 0
        try:
            (directory / "cgroup.kill").write_text("1")
        except OSError:
            return _kill(iter(found))
        return len(found)

    def remove(self, path: str) -> bool:
        return _remove_tree(self._mount / path)

    def children(self, path: str) -> set[str]:
        directory = self._mount / path
        return {child.name for child in directory.iterdir() if child.is_dir()} if directory.is_dir() else set()
