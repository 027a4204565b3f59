"""mount(2) and umount(2), and what is mounted below a directory."""

import ctypes
import os
import re
from pathlib import Path

MS_BIND, MS_REC = 4096, 16384
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8

_libc = ctypes.CDLL(None, use_errno=True)
_OCTAL = re.compile(r"\\([0-7]{3})")


def mount(source: str, target: Path | str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Raises OSError."""
    result = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        os.fsencode(kind) if kind else None,
        ctypes.c_ulong(flags),
        os.fsencode(options) if options else None,
    )
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def unmount(target: Path | str) -> None:
    """Detaches the mount even while it is in use. Raises OSError."""
    if _libc.umount2(os.fsencode(target), MNT_DETACH | UMOUNT_NOFOLLOW) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def mount_points(text: str | None = None) -> list[str]:
    """Mount points of this mount namespace, in the order they were made."""
    if text is None:
        text = Path("/proc/self/mountinfo").read_text()
    return [_OCTAL.sub(lambda m: chr(int(m[1], 8)), line.split()[4]) for line in text.splitlines() if line]


def is_mount_point(path: Path) -> bool:
    return str(path) in mount_points()


def unmount_below(directory: Path) -> None:
    """Unmounts all that is mounted on the directory or below it, the latest first. Raises OSError."""
    root = str(directory)
    for point in reversed(mount_points()):
        if point == root or point.startswith(root + "/"):
            unmount(point)
