"""Connects pods (network namespaces) to a node as a container runtime does: by the CNI configuration in a directory.

    with NetworkNamespace("node") as node, NetworkNamespace("pod") as pod:
        address = attach(node, Path("/etc/cni/net.d"), pod)
        detach(node, Path("/etc/cni/net.d"), pod)

Needs the plugins of Debian's `containernetworking-plugins`.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from pynetes.testing.netns import NetworkNamespace

PLUGINS = Path("/usr/lib/cni")

_INTERFACE = "eth0"


class CNIError(Exception):
    """A plugin refused; the message is its own."""


def configuration(directory: Path) -> dict[str, Any]:
    """What the runtime would take: the first file by name. LookupError if there is none."""
    for path in sorted(directory.iterdir() if directory.is_dir() else ()):
        if path.suffix in (".conf", ".conflist", ".json"):
            found: dict[str, Any] = json.loads(path.read_text())
            return found if "plugins" in found else {**found, "plugins": [found]}
    raise LookupError(f"no CNI configuration in {directory}")


def attach(node: NetworkNamespace, directory: Path, pod: NetworkNamespace) -> str:
    """Runs the plugins' ADD; returns the pod's IPv4 address."""
    network = configuration(directory)
    result: dict[str, Any] | None = None
    for plugin in network["plugins"]:
        result = _call(node, network, plugin, "ADD", pod, result)
    assert result is not None, "a configuration without plugins"
    return str(result["ips"][0]["address"]).split("/")[0]


def detach(node: NetworkNamespace, directory: Path, pod: NetworkNamespace) -> None:
    """Runs the plugins' DEL, the last first."""
    network = configuration(directory)
    for plugin in reversed(network["plugins"]):
        _call(node, network, plugin, "DEL", pod, None)


def _call(
    node: NetworkNamespace,
    network: dict[str, Any],
    plugin: dict[str, Any],
    command: str,
    pod: NetworkNamespace,
    previous: dict[str, Any] | None,
) -> dict[str, Any]:
    given = {"cniVersion": network["cniVersion"], "name": network["name"], **plugin}
    given.pop("capabilities", None)
    if previous is not None:
        given["prevResult"] = previous
    environment = {
        **os.environ,
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": f"{pod.name}-{pod.number}",
        "CNI_NETNS": pod.path,
        "CNI_IFNAME": _INTERFACE,
        "CNI_PATH": str(PLUGINS),
    }
    program = [str(PLUGINS / plugin["type"])]
    done = node.call(
        subprocess.run, program, input=json.dumps(given), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CNIError(f"{plugin['type']} {command} {pod.name}: {done.stdout or done.stderr}")
    return json.loads(done.stdout) if done.stdout.strip() else {}
