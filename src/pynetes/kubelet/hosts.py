"""The `/etc/hosts` that the kubelet keeps for a pod's containers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HEADER = "# Kubernetes-managed hosts file.\n"
_HOST_NETWORK_HEADER = "# Kubernetes-managed hosts file (host network).\n"
_LOCAL = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\n"
    "fe00::1\tip6-allnodes\n"
    "fe00::2\tip6-allrouters\n"
)


def content(
    pod: Mapping[str, Any], ips: Sequence[str], hostname: str, *, domain: str = "", node_hosts: str | None = None
) -> str:
    """The file's text.

    `domain` is the pod's subdomain in full (`web.default.svc.cluster.local`), empty without one. A pod on the host's
    network gets the node's own file, read now unless `node_hosts` gives its text.
    """
    spec = pod["spec"]
    aliases = _aliases(spec.get("hostAliases") or ())
    if spec.get("hostNetwork"):
        if node_hosts is None:
            node_hosts = Path("/etc/hosts").read_text()
        return _HOST_NETWORK_HEADER + node_hosts + aliases
    names = f"{hostname}.{domain}\t{hostname}" if domain else hostname
    return _HEADER + _LOCAL + "".join(f"{ip}\t{names}\n" for ip in ips) + aliases


def _aliases(aliases: Sequence[Mapping[str, Any]]) -> str:
    if not aliases:
        return ""
    lines = ("\t".join((alias["ip"], *(alias.get("hostnames") or ()))) + "\n" for alias in aliases)
    return "\n# Entries added by HostAliases.\n" + "".join(lines)


def should_mount(pod: Mapping[str, Any], container: Mapping[str, Any], ips: Sequence[str]) -> bool:
    """Whether the container takes the kubelet's file: not where it mounts its own, nor before the pod has an IP."""
    if any(mount["mountPath"] == "/etc/hosts" for mount in container.get("volumeMounts") or ()):
        return False
    return bool(ips) or bool(pod["spec"].get("hostNetwork"))
