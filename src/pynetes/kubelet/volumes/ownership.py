"""Gives a volume's files to the pod's fsGroup."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_READ_WRITE, _READ_ONLY, _DIRECTORY = 0o660, 0o440, 0o110 | stat.S_ISGID


def set_group(root: Path, group: int | None, *, readonly: bool) -> None:
    """Group ownership and group rights for everything in the volume; directories hand their group on (setgid)."""
    if group is None:
        return
    _set(root, group, readonly)
    for base, directories, files in os.walk(root):
        for name in (*directories, *files):
            _set(Path(base, name), group, readonly)


def _set(path: Path, group: int, readonly: bool) -> None:
    os.chown(path, -1, group, follow_symlinks=False)
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return
    wanted = mode | (_READ_ONLY if readonly else _READ_WRITE) | (_DIRECTORY if stat.S_ISDIR(mode) else 0)
    if wanted != mode:
        path.chmod(stat.S_IMODE(wanted))


def fs_user(pod: Mapping[str, Any]) -> int | None:
    """The one user that all containers run as, if there is one: private files can then be its own."""
    spec = pod["spec"]
    default = (spec.get("securityContext") or {}).get("runAsUser")
    users = {(container.get("securityContext") or {}).get("runAsUser", default) for container in _containers(spec)}
    user = users.pop() if len(users) == 1 else None
    return None if user is None else int(user)


def _containers(spec: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(field) or ()
