"""`subPath`: one path inside of a volume, which no symbolic link may turn into a path outside of it.

Between check and use the container could swap a directory for a link, so the path is opened step by step without
following links, and what was opened is bind-mounted where only the kubelet can write.
"""

import os
import stat
from pathlib import Path

from pynetes.kubelet.volumes import mounts
from pynetes.kubelet.volumes.plugin import VolumeError

_OPEN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def validate(sub_path: str) -> None:
    if sub_path.startswith("/"):
        raise VolumeError(f"error SubPath `{sub_path}` must not be an absolute path")
    if ".." in sub_path.split("/"):
        raise VolumeError(f"unable to provision SubPath `{sub_path}`: must not contain '..'")


def _resolve(volume: Path, sub_path: str) -> tuple[Path, list[str]]:
    """The volume and the path in it after following links, which must not lead out. Raises VolumeError."""
    root = Path(os.path.realpath(volume))
    if root.is_file():
        raise VolumeError(f"not a directory: {volume}")
    full = Path(os.path.realpath(root / sub_path))
    if not full.is_relative_to(root):
        raise VolumeError(f"subpath {sub_path} leads outside of the volume")
    return root, list(full.relative_to(root).parts)


def _walk(root: Path, parts: list[str], create_mode: int | None) -> int:
    """A descriptor of the path; missing directories are made with `create_mode`. Raises OSError."""
    current = os.open(root, _OPEN | os.O_DIRECTORY)
    try:
        for index, part in enumerate(parts):
            missing = create_mode is not None and not _exists(part, current)
            if missing:
                os.mkdir(part, 0o750, dir_fd=current)
            following = os.open(part, _OPEN, dir_fd=current)
            mode = os.fstat(following).st_mode
            if stat.S_ISLNK(mode) or (index < len(parts) - 1 and not stat.S_ISDIR(mode)):
                os.close(following)
                raise NotADirectoryError(part)
            if missing and create_mode is not None:
                os.chmod(f"/proc/self/fd/{following}", create_mode)
            os.close(current)
            current = following
    except BaseException:
        os.close(current)
        raise
    return current


def _exists(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def bind(volume: Path, sub_path: str, target: Path) -> None:
    """Shows the sub-path at `target`, making it in the volume (with the volume's mode) where it is missing.

    Idempotent: what is mounted at `target` from the same place stays. Raises VolumeError, OSError.
    """
    root, parts = _resolve(volume, sub_path)
    descriptor = _walk(root, parts, stat.S_IMODE(root.stat().st_mode))
    try:
        opened = os.fstat(descriptor)
        if mounts.is_mount_point(target):
            there = target.stat()
            if (there.st_dev, there.st_ino) == (opened.st_dev, opened.st_ino):
                return
            mounts.unmount(target)
        target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        _make_target(target, stat.S_ISDIR(opened.st_mode))
        mounts.mount(f"/proc/{os.getpid()}/fd/{descriptor}", target, flags=mounts.MS_BIND | mounts.MS_REC)
    finally:
        os.close(descriptor)


def _make_target(target: Path, is_directory: bool) -> None:
    if target.exists() and target.is_dir() != is_directory:
        if target.is_dir():
            target.rmdir()
        else:
            target.unlink()
    if is_directory:
        target.mkdir(mode=0o750, exist_ok=True)
    else:
        target.touch(mode=0o640)
