"""subPath never leads out of the volume."""

import os
import stat
from pathlib import Path

import pytest

from pynetes.kubelet.volumes import mounts
from pynetes.kubelet.volumes.plugin import VolumeError
from pynetes.kubelet.volumes.subpath import bind, validate

pytestmark = pytest.mark.root


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume"
    path.mkdir()
    path.chmod(0o2777)
    return path


@pytest.mark.parametrize("path", ["/abs", "a/../b", ".."])
def test_refused_outright(path: str) -> None:
    with pytest.raises(VolumeError):
        validate(path)


def test_a_missing_directory_is_made_with_the_volumes_mode(own_mounts: None, volume: Path, tmp_path: Path) -> None:
    bind(volume, "a/b", tmp_path / "sub/0")
    assert stat.S_IMODE((volume / "a/b").stat().st_mode) == 0o2777
    (volume / "a/b/x").write_text("1")
    assert (tmp_path / "sub/0/x").read_text() == "1"


def test_files_and_links_inside_of_the_volume(own_mounts: None, volume: Path, tmp_path: Path) -> None:
    (volume / "..ts").mkdir()
    (volume / "..ts/key").write_text("1")
    (volume / "..data").symlink_to("..ts")
    (volume / "key").symlink_to("..data/key")
    bind(volume, "key", tmp_path / "sub/0")
    assert (tmp_path / "sub/0").read_text() == "1"


@pytest.mark.parametrize("target", ["/etc", "../outside"])
def test_links_that_lead_out_are_refused(own_mounts: None, volume: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "outside").mkdir()
    (volume / "link").symlink_to(target)
    for path in ("link", "link/x"):
        with pytest.raises(VolumeError):
            bind(volume, path, tmp_path / "sub/0")
    assert os.listdir(tmp_path / "outside") == []


def test_binding_again_changes_nothing_and_follows_a_replacement(
    own_mounts: None, volume: Path, tmp_path: Path
) -> None:
    target = tmp_path / "sub/0"
    (volume / "f").write_text("1")
    bind(volume, "f", target)
    bind(volume, "f", target)
    assert mounts.mount_points().count(str(target)) == 1
    (volume / "f").unlink()
    (volume / "f").mkdir()
    bind(volume, "f", target)
    assert target.is_dir()
    assert mounts.mount_points().count(str(target)) == 1
