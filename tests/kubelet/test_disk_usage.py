"""`du` without a process."""

import os
from pathlib import Path

from pynetes.kubelet.disk_usage import DirectoryUsage, DiskUsages, measure


def test_files_directories_and_hard_links_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10000)
    (tmp_path / "d").mkdir()
    os.link(tmp_path / "a", tmp_path / "d/same")
    (tmp_path / "link").symlink_to("/etc")
    found = measure(tmp_path)
    assert found.inodes == 3
    assert 10000 <= found.used < 100_000
    assert measure(tmp_path / "none") == DirectoryUsage()


async def test_answers_are_kept_for_a_while(tmp_path: Path) -> None:
    usages = DiskUsages()
    before = await usages.of(str(tmp_path))
    (tmp_path / "a").write_bytes(b"x" * 10000)
    assert await usages.of(str(tmp_path)) == before
    assert (await DiskUsages().of(str(tmp_path))).inodes == 1
