"""Mounts the volumes of pods, keeps them current and removes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pynetes.kubelet.volumes.plugin import Mount, Sources


class VolumeManager:
    """`root` is the kubelet's directory (`<root>/pods/<uid>/volumes/...`)."""

    def __init__(self, root: Path, sources: Sources) -> None:
        self._root = root
        self._sources = sources

    async def mount_pod(self, pod: dict[str, Any]) -> None:
        """Makes or refreshes every volume that a container of the pod uses. Raises VolumeError. Idempotent."""
        raise NotImplementedError

    def mounts_for(
        self, pod: dict[str, Any], container: dict[str, Any], env: Mapping[str, str] | None = None
    ) -> list[Mount]:
        """The container's mounts (not /etc/hosts nor the termination log). `env` serves subPathExpr."""
        raise NotImplementedError

    def volume_path(self, uid: str, name: str) -> str | None:
        """Where a mounted volume lies on the node."""
        raise NotImplementedError

    async def unmount_pod(self, uid: str) -> None:
        """Removes every volume of the pod from the node; works for pods that an earlier process mounted."""
        raise NotImplementedError

    async def run(self) -> None:
        """Rewrites volumes whose ConfigMap or Secret changed and renews tokens, until cancelled."""
        raise NotImplementedError
