"""Ports of probes and hooks: a number, or the name of one of the container's ports."""

from collections.abc import Mapping
from typing import Any

from pynetes.kubelet.probes.outcome import ProbeError


def resolve_port(port: int | str, container: Mapping[str, Any]) -> int:
    """Raises ProbeError with upstream's texts."""
    number = port if isinstance(port, int) else _by_name(port, container)
    if not 0 < number < 65536:
        raise ProbeError(f"invalid port number: {number}")
    return number


def _by_name(name: str, container: Mapping[str, Any]) -> int:
    for port in container.get("ports") or ():
        if port.get("name") == name:
            return int(port["containerPort"])
    try:
        return int(name)
    except ValueError:
        raise ProbeError(f'strconv.Atoi: parsing "{name}": invalid syntax') from None


def join_host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
