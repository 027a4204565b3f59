"""Mount points of this process."""

from pathlib import Path

import pytest

from pynetes.kubelet.volumes import mounts


def test_mount_points_are_unescaped() -> None:
    text = "22 1 0:5 / /a\\040b rw - tmpfs tmpfs rw\n23 22 0:6 / /a\\040b/c rw shared:1 - proc proc rw\n"
    assert mounts.mount_points(text) == ["/a b", "/a b/c"]


@pytest.mark.root
def test_everything_below_is_unmounted(own_mounts: None, tmp_path: Path) -> None:
    for name in ("a", "a/b", "a/b/c"):
        (tmp_path / name).mkdir()
        mounts.mount("tmpfs", tmp_path / name, "tmpfs")
    (tmp_path / "ab").mkdir()
    mounts.mount("tmpfs", tmp_path / "ab", "tmpfs")
    mounts.unmount_below(tmp_path / "a")
    assert [p for p in mounts.mount_points() if p.startswith(str(tmp_path))] == [str(tmp_path / "ab")]


def test_errors_name_the_path(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=str(tmp_path)):
        mounts.unmount(tmp_path / "none")
