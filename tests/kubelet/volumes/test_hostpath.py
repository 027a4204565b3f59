"""hostPath types."""

import socket
from pathlib import Path
from typing import Any

import pytest

from pynetes.kubelet.volumes.hostpath import HostPathPlugin, check
from pynetes.kubelet.volumes.plugin import VolumeError


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "sock"))
    return {name: str(tmp_path / name) for name in ("dir", "file", "sock", "missing")} | {"null": "/dev/null"}


@pytest.mark.parametrize(
    ("kind", "fits"),
    [
        ("", "dir file sock null missing"),
        ("Directory", "dir"),
        ("DirectoryOrCreate", "dir missing"),
        ("File", "file"),
        ("FileOrCreate", "file missing"),
        ("Socket", "sock"),
        ("CharDevice", "null"),
        ("BlockDevice", ""),
    ],
)
def test_types(paths: dict[str, str], kind: str, fits: str) -> None:
    for name, path in paths.items():
        if name in fits.split():
            check(path, kind)
        else:
            with pytest.raises(VolumeError, match="hostPath type check failed"):
                check(path, kind)


def test_or_create_creates(tmp_path: Path) -> None:
    check(str(tmp_path / "a/b"), "DirectoryOrCreate")
    check(str(tmp_path / "f"), "FileOrCreate")
    assert (tmp_path / "a/b").is_dir()
    assert (tmp_path / "f").is_file()


def test_backsteps_and_unknown_types_are_refused() -> None:
    with pytest.raises(VolumeError, match=r"invalid HostPath `/a/../b`: must not contain '..'"):
        check("/a/../b", "")
    with pytest.raises(VolumeError, match="Door is an invalid volume type"):
        check("/tmp", "Door")


async def test_the_message_names_path_and_kind(context: Any, tmp_path: Path) -> None:
    volume = context({"hostPath": {"path": str(tmp_path / "none"), "type": "Directory"}})
    with pytest.raises(VolumeError, match=f"hostPath type check failed: {tmp_path}/none is not a directory"):
        await HostPathPlugin().set_up(volume)
    mounted = await HostPathPlugin().set_up(context({"hostPath": {"path": str(tmp_path), "type": "Directory"}}))
    assert mounted.path == str(tmp_path)
    assert not volume.path.exists()
