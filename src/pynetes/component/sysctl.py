"""Kernel parameters under /proc/sys, of the caller's network namespace where they belong to one."""

from pathlib import Path


def set_sysctl(name: str, value: str) -> bool:
    """Sets a kernel parameter (`net.ipv4.ip_forward`); False if this kernel has it not."""
    path = Path("/proc/sys") / name.replace(".", "/")
    try:
        if path.read_text().strip() != value:
            path.write_text(value)
    except FileNotFoundError:
        return False
    return True
