"""Kernel parameters that Services need: forwarding, bridged packets past the rules, room and time for connections."""

import logging
import os
from pathlib import Path

from pynetes.component.sysctl import set_sysctl
from pynetes.proxy.config import ProxyConfig

log = logging.getLogger(__name__)

_MAX = "net.netfilter.nf_conntrack_max"
#: More would take memory that nobody uses, however many cores there are.
_MOST = 1 << 20


def prepare(config: ProxyConfig) -> None:
    """For the caller's network namespace. What cannot be set is told, and left."""
    for name, value in parameters(config, os.cpu_count() or 1, _current(_MAX)).items():
        try:
            set_sysctl(name, value)
        except OSError as error:  # of another namespace, or of a kernel that keeps it to itself
            log.warning("%s stays as it is: %s", name, error)


def parameters(config: ProxyConfig, cores: int, connections: int) -> dict[str, str]:
    """`connections`: how many the kernel tracks at most, as it is. It is raised where needed, never lowered. Pure."""
    wanted = {"net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1"}
    if config.conntrack_max_per_core:
        room = min(max(config.conntrack_max_per_core * cores, config.conntrack_min), _MOST)
        if connections < room:
            wanted[_MAX] = str(room)
    timeouts = {
        "tcp_timeout_established": config.conntrack_tcp_timeout_established,
        "tcp_timeout_close_wait": config.conntrack_tcp_timeout_close_wait,
        "udp_timeout": config.conntrack_udp_timeout,
        "udp_timeout_stream": config.conntrack_udp_timeout_stream,
    }
    wanted |= {f"net.netfilter.nf_conntrack_{name}": str(int(value)) for name, value in timeouts.items() if value >= 1}
    if config.conntrack_tcp_be_liberal:
        wanted["net.netfilter.nf_conntrack_tcp_be_liberal"] = "1"
    return wanted


def _current(name: str) -> int:
    """0 where the kernel does not track connections yet."""
    try:
        return int((Path("/proc/sys") / name.replace(".", "/")).read_text())
    except (OSError, ValueError):
        return 0
