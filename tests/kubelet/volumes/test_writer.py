"""Directories that change all at once."""

import os
import stat
from pathlib import Path

import pytest

from pynetes.kubelet.volumes.writer import File, write


def tree(path: Path) -> dict[str, str]:
    """What a reader sees, without the hidden parts."""
    found = {}
    for base, _, files in os.walk(path, followlinks=True):
        for name in files:
            relative = str(Path(base, name).relative_to(path))
            if not relative.startswith(".."):
                found[relative] = Path(base, name).read_text()
    return found


def hidden(path: Path) -> list[str]:
    return sorted(name for name in os.listdir(path) if name.startswith(".."))


def test_files_are_links_through_the_data_link(tmp_path: Path) -> None:
    assert write(tmp_path, {"a": File(b"1"), "d/b": File(b"2", 0o400)})
    assert tree(tmp_path) == {"a": "1", "d/b": "2"}
    assert os.readlink(tmp_path / "a") == "..data/a"
    assert os.readlink(tmp_path / "d") == "..data/d"
    assert os.readlink(tmp_path / "..data").startswith("..20")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "d/b").stat().st_mode) == 0o400
    assert stat.S_IMODE((tmp_path / "..data").stat().st_mode) == 0o755


def test_the_same_payload_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1")})
    before = hidden(tmp_path)
    assert not write(tmp_path, {"a": File(b"1")})
    assert hidden(tmp_path) == before


def test_updates_replace_remove_and_add(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1"), "gone": File(b"x"), "dir/gone": File(b"x"), "keep/one": File(b"1")})
    assert write(tmp_path, {"a": File(b"2"), "new/deep/x": File(b"3"), "keep/two": File(b"2")})
    assert tree(tmp_path) == {"a": "2", "new/deep/x": "3", "keep/two": "2"}
    assert sorted(os.listdir(tmp_path)) == sorted([*hidden(tmp_path), "a", "new", "keep"])
    assert len(hidden(tmp_path)) == 2, "one data link, one directory"


def test_an_open_file_keeps_the_old_content(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"old")})
    with open(tmp_path / "a") as reader:
        write(tmp_path, {"a": File(b"new")})
        assert reader.read() == "old"
    assert (tmp_path / "a").read_text() == "new"


def test_a_missing_visible_link_comes_back(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1")})
    (tmp_path / "a").unlink()
    assert not write(tmp_path, {"a": File(b"1")})
    assert tree(tmp_path) == {"a": "1"}


def test_leftovers_of_an_interrupted_write_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1")})
    (tmp_path / "..data_tmp").symlink_to("nowhere")
    assert write(tmp_path, {"a": File(b"2")})
    assert tree(tmp_path) == {"a": "2"}


def test_failing_permissions_leave_the_old_version(tmp_path: Path) -> None:
    write(tmp_path, {"a": File(b"1")})

    def refuse() -> None:
        raise PermissionError("no")

    with pytest.raises(PermissionError):
        write(tmp_path, {"a": File(b"2")}, refuse)
    assert tree(tmp_path) == {"a": "1"}
    assert len(hidden(tmp_path)) == 2


@pytest.mark.parametrize(
    "path", ["", "/abs", "a/../b", "..", "..data", "..x/y", "n" * 256, "a/" * 2100 + "b"], ids=lambda p: p[:10]
)
def test_bad_paths_are_refused_before_anything_is_written(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="invalid path"):
        write(tmp_path, {"a": File(b"1"), path: File(b"x")})
    assert os.listdir(tmp_path) == []


def test_names_with_inner_dots_are_fine(tmp_path: Path) -> None:
    write(tmp_path, {"a..b": File(b"1"), ".hidden": File(b"2")})
    assert tree(tmp_path) == {"a..b": "1", ".hidden": "2"}
