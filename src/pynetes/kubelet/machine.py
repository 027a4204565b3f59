"""Facts about the machine under the node: processors, memory, disks, processes, identity. Files only, no state."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct


class FileSystem(Struct, frozen=True):
    """Usage of the file system that holds a path, in bytes and inodes."""

    capacity: int
    available: int
    inodes: int
    inodes_free: int

    @property
    def used(self) -> int:
        return self.capacity - self.available


def file_system(path: str | Path) -> FileSystem:
    """Raises OSError."""
    found = os.statvfs(path)
    return FileSystem(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize, found.f_files, found.f_favail)


def parse_meminfo(text: str) -> dict[str, int]:
    """Bytes by name."""
    pairs = (line.split() for line in text.splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in pairs if len(words) >= 2}


def meminfo() -> dict[str, int]:
    return parse_meminfo(Path("/proc/meminfo").read_text())


def cpu_count() -> int:
    """Processors online."""
    return os.sysconf("SC_NPROCESSORS_ONLN")


def huge_pages(directory: Path = Path("/sys/kernel/mm/hugepages")) -> dict[str, int]:
    """Bytes set aside by resource name (`hugepages-2Mi`)."""
    found = {}
    for path in sorted(directory.glob("hugepages-*kB")) if directory.is_dir() else ():
        size = int(path.name.removeprefix("hugepages-").removesuffix("kB"))
        name = f"{size // 1048576}Gi" if size >= 1048576 else f"{size // 1024}Mi" if size >= 1024 else f"{size}Ki"
        found[f"hugepages-{name}"] = int((path / "nr_hugepages").read_text()) * size * 1024
    return found


class Processes(Struct, frozen=True):
    maximum: int
    running: int


def processes() -> Processes:
    """Limit and number of tasks of the whole machine."""
    running = int(Path("/proc/loadavg").read_text().split()[3].split("/")[1])
    limits = [int(Path(f"/proc/sys/kernel/{name}").read_text()) for name in ("pid_max", "threads-max")]
    return Processes(min(limits), running)


def boot_time() -> float:
    """Wall-clock seconds."""
    match = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(), re.MULTILINE)
    return float(match[1]) if match else 0.0


def _first(*paths: str) -> str:
    for path in paths:
        try:
            if text := Path(path).read_text().strip():
                return text
        except OSError:
            continue
    return ""


def identity() -> dict[str, str]:
    """The part of a node's nodeInfo that the machine answers."""
    name = os.uname()
    machine_id = _first("/etc/machine-id", "/var/lib/dbus/machine-id")
    return {
        "machineID": machine_id,
        "systemUUID": _first("/sys/class/dmi/id/product_uuid", "/proc/device-tree/vm,uuid") or machine_id,
        "bootID": _first("/proc/sys/kernel/random/boot_id"),
        "kernelVersion": name.release,
        "osImage": os_image(),
        "operatingSystem": "linux",
        "architecture": architecture(name.machine),
    }


def os_image(path: Path = Path("/etc/os-release")) -> str:
    try:
        values = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    except OSError:
        return "Unknown"
    return values.get("PRETTY_NAME", "Linux").strip("\"'")


def architecture(machine: str) -> str:
    """Go's name of it."""
    names: Mapping[str, str] = {
        "x86_64": "amd64",
        "aarch64": "arm64",
        "armv7l": "arm",
        "i686": "386",
        "ppc64le": "ppc64le",
        "s390x": "s390x",
        "riscv64": "riscv64",
    }
    return names.get(machine, machine)


class Interface(Struct, frozen=True):
    name: str
    rx_bytes: int
    rx_errors: int
    tx_bytes: int
    tx_errors: int


def parse_net_dev(text: str) -> list[Interface]:
    """`/proc/net/dev`, without the loopback."""
    found = []
    for line in text.splitlines()[2:]:
        name, _, rest = line.partition(":")
        numbers = rest.split()
        if name.strip() != "lo" and len(numbers) >= 11:
            found.append(Interface(name.strip(), int(numbers[0]), int(numbers[2]), int(numbers[8]), int(numbers[10])))
    return found


def default_interface(text: str | None = None) -> str:
    """The interface of the default route (`/proc/net/route`), or nothing."""
    if text is None:
        text = _first("/proc/net/route")
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) > 7 and words[1] == "00000000" and words[7] == "00000000":
            return words[0]
    return ""
