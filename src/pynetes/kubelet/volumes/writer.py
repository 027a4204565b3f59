"""Writes a directory of small files so that readers see all of the old or all of the new, never a mixture.

    <target>/key        -> ..data/key
    <target>/..data     -> ..2026_01_02_15_04_05.k3x9        (swapped by one rename)
    <target>/..2026_…/  the files

Applications (and libraries that watch `..data`) rely on exactly this layout.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from pynetes.component import clock

_DATA, _NEW_DATA = "..data", "..data_tmp"
_MAX_NAME, _MAX_PATH = 255, 4096


class File(Struct, frozen=True):
    data: bytes
    mode: int = 0o644
    owner: int | None = None


Payload = Mapping[str, File]


def write(target: Path, payload: Payload, set_permissions: Callable[[], None] = lambda: None) -> bool:
    """Makes `target` show exactly `payload` (relative path → file); returns whether anything changed.

    `set_permissions` runs on the whole volume before new files become visible. Raises ValueError for bad paths.
    """
    files = {os.path.normpath(path): file for path, file in payload.items() if _check(path)}
    old = _current(target)
    stale = _stale_paths(old, files) if old else set()
    changed = old is None or bool(stale) or any(_differs(old / path, file.data) for path, file in files.items())
    if changed:
        _publish(target, files, set_permissions)
    _link_visible(target, files)
    for path in stale:
        if "/" not in path:
            (target / path).unlink(missing_ok=True)
    if changed and old is not None:
        shutil.rmtree(old, ignore_errors=True)
    return changed


def _check(path: str) -> bool:
    if not path:
        raise ValueError('invalid path: must not be empty: ""')
    if path.startswith("/"):
        raise ValueError(f"invalid path: must be relative path: {path}")
    if len(path) > _MAX_PATH:
        raise ValueError(f"invalid path: must be less than or equal to {_MAX_PATH} characters")
    parts = path.split("/")
    if ".." in parts:
        raise ValueError(f"invalid path: must not contain '..': {path}")
    if any(len(part) > _MAX_NAME for part in parts):
        raise ValueError(f"invalid path: filenames must be less than or equal to {_MAX_NAME} characters")
    if parts[0].startswith(".."):
        raise ValueError(f"invalid path: must not start with '..': {path}")
    return True


def _current(target: Path) -> Path | None:
    try:
        return target / os.readlink(target / _DATA)
    except FileNotFoundError:
        return None


def _stale_paths(old: Path, files: Payload) -> set[str]:
    """What the old version has and the new one has not, files and directories."""
    kept = {str(parent) for path in files for parent in (Path(path), *Path(path).parents)}
    return {str(path.relative_to(old)) for path in old.rglob("*")} - kept


def _differs(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() != data
    except OSError:
        return True


def _publish(target: Path, files: Payload, set_permissions: Callable[[], None]) -> None:
    stamp = clock.now().strftime("..%Y_%m_%d_%H_%M_%S.")
    directory = Path(tempfile.mkdtemp(prefix=stamp, dir=target))
    try:
        directory.chmod(0o755)
        for path, file in files.items():
            _write_file(directory, path, file)
        set_permissions()
        new = target / _NEW_DATA
        new.unlink(missing_ok=True)  # a leftover of a process that died here
        new.symlink_to(directory.name)
        new.replace(target / _DATA)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _write_file(directory: Path, path: str, file: File) -> None:
    full = directory / path
    for parent in reversed(Path(path).parents[:-1]):
        if not (directory / parent).exists():
            (directory / parent).mkdir()
            (directory / parent).chmod(0o755)
    full.write_bytes(file.data)
    full.chmod(file.mode)
    if file.owner is not None:
        os.chown(full, file.owner, -1)


def _link_visible(target: Path, files: Payload) -> None:
    for first, owner in {path.split("/")[0]: file.owner for path, file in files.items()}.items():
        link = target / first
        if link.is_symlink():
            continue
        link.symlink_to(f"{_DATA}/{first}")
        if owner is not None:
            os.chown(link, owner, -1, follow_symlinks=False)
