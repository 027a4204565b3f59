"""`hostPath`: a file or directory of the node, its type checked first."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from pynetes.kubelet.volumes.plugin import MountedVolume, VolumeContext, VolumeError

_CHECKS: dict[str, tuple[Callable[[int], bool], str]] = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def check(path: str, kind: str) -> None:
    """Raises VolumeError unless the path is what the type says; creates it for the `OrCreate` types."""
    if ".." in path.split("/"):
        raise VolumeError(f"invalid HostPath `{path}`: must not contain '..'")
    if not kind:
        return
    if kind not in _CHECKS:
        raise VolumeError(f"{kind} is an invalid volume type")
    try:
        if kind == "DirectoryOrCreate":
            Path(path).mkdir(mode=0o755, parents=True, exist_ok=True)
        elif kind == "FileOrCreate" and not os.path.exists(path):
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o644))
    except FileExistsError:
        pass  # something else is there: the check below says so
    except OSError as error:
        raise VolumeError(f"hostPath type check failed: {error}") from error
    is_kind, name = _CHECKS[kind]
    try:
        matches = is_kind(os.stat(path).st_mode)
    except OSError:
        matches = False
    if not matches:
        raise VolumeError(f"hostPath type check failed: {path} is not {name}")


class HostPathPlugin:
    name = "kubernetes.io/host-path"
    source = "hostPath"

    async def set_up(self, context: VolumeContext) -> MountedVolume:
        source = context.volume[self.source]
        check(source["path"], source.get("type") or "")
        return MountedVolume(context.name, source["path"], self.name)

    async def tear_down(self, path: Path) -> None:
        """Nothing of ours lies on the node."""
