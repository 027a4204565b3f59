"""How much a node has, and how much of it pods may have."""

from collections.abc import Mapping

from pynetes.apimachinery import quantity
from pynetes.kubelet import machine

_SUFFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def binary(value: int) -> str:
    """Bytes as upstream's canonical quantity: `8109988Ki`."""
    index = 0
    while value and value % 1024 == 0 and index < len(_SUFFIXES) - 1:
        value, index = value // 1024, index + 1
    return f"{value}{_SUFFIXES[index]}"


def milli(value: int) -> str:
    """Thousandths of a processor: `2`, `1900m`."""
    return str(value // 1000) if value % 1000 == 0 else f"{value}m"


def capacity(*, max_pods: int, pods_per_core: int, disk: machine.FileSystem) -> dict[str, str]:
    cpus = machine.cpu_count()
    pods = min(max_pods, cpus * pods_per_core) if pods_per_core else max_pods
    found = {
        "cpu": str(cpus),
        "ephemeral-storage": binary(disk.capacity),
        "memory": binary(machine.meminfo().get("MemTotal", 0)),
        "pods": str(pods),
    }
    found.update({name: binary(size) for name, size in machine.huge_pages().items()})
    return dict(sorted(found.items()))


def threshold(text: str, total: int) -> int:
    """An eviction threshold, a quantity or a percentage of `total`, in bytes."""
    if text.endswith("%"):
        return int(total * float(text[:-1]) / 100)
    return quantity.parse(text).value()


def allocatable(
    total: Mapping[str, str],
    *,
    kube_reserved: Mapping[str, str],
    system_reserved: Mapping[str, str],
    eviction_hard: Mapping[str, str],
) -> dict[str, str]:
    """Capacity less reservations, hard eviction thresholds and (from memory) huge pages; never below zero."""
    evicted = {"memory": "memory.available", "ephemeral-storage": "nodefs.available"}
    huge = sum(quantity.parse(value).value() for name, value in total.items() if name.startswith("hugepages-"))
    found = {}
    for name, value in total.items():
        if name == "cpu":
            reserved = sum(_milli(table.get(name)) for table in (kube_reserved, system_reserved))
            found[name] = milli(max(0, quantity.parse(value).milli_value() - reserved))
            continue
        have = quantity.parse(value).value()
        reserved = sum(quantity.parse(table.get(name) or 0).value() for table in (kube_reserved, system_reserved))
        if signal := evicted.get(name):
            reserved += threshold(eviction_hard.get(signal) or "0", have)
        left = max(0, have - reserved - (huge if name == "memory" else 0))
        found[name] = str(left) if name == "pods" else binary(left)
    return found


def _milli(text: str | None) -> int:
    return quantity.parse(text or 0).milli_value()
