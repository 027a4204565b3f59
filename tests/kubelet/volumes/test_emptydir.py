"""emptyDir on disk and in memory."""

import os
import stat
from typing import Any

import pytest

from pynetes.kubelet.volumes.emptydir import EmptyDirPlugin, huge_page_size, memory_size
from pynetes.kubelet.volumes.plugin import VolumeError


async def test_everybody_may_write_and_content_stays(context: Any) -> None:
    volume = context({"emptyDir": {}})
    mounted = await EmptyDirPlugin().set_up(volume)
    assert stat.S_IMODE(volume.path.stat().st_mode) == 0o777
    assert not mounted.readonly
    (volume.path / "x").write_text("data")
    await EmptyDirPlugin().set_up(volume)
    assert (volume.path / "x").read_text() == "data"
    await EmptyDirPlugin().tear_down(volume.path)
    await EmptyDirPlugin().tear_down(volume.path)
    assert not volume.path.exists()


@pytest.mark.root
async def test_memory_is_a_tmpfs_of_the_limits_size(own_mounts: None, context: Any) -> None:
    volume = context({"emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}})
    await EmptyDirPlugin().set_up(volume)
    found = os.statvfs(volume.path)
    assert found.f_blocks * found.f_frsize == 8 << 20
    await EmptyDirPlugin().tear_down(volume.path)
    assert not volume.path.exists()


@pytest.mark.root
async def test_fs_group(context: Any) -> None:
    volume = context({"emptyDir": {}}, securityContext={"fsGroup": 77})
    await EmptyDirPlugin().set_up(volume)
    status = volume.path.stat()
    assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (77, 0o2777)


NODE = {"status": {"allocatable": {"memory": "1Gi"}}}


@pytest.mark.parametrize(
    ("source", "limits", "node", "expected"),
    [
        ({}, {}, NODE, 1 << 30),
        ({}, {"memory": "64Mi"}, NODE, 64 << 20),
        ({"sizeLimit": "8Mi"}, {"memory": "64Mi"}, NODE, 8 << 20),
        ({"sizeLimit": "128Mi"}, {"memory": "64Mi"}, NODE, 64 << 20),
        ({"sizeLimit": "8Mi"}, {}, None, 8 << 20),
        ({}, {}, None, 0),
    ],
)
def test_memory_size(source: Any, limits: Any, node: Any, expected: int) -> None:
    pod = {"spec": {"containers": [{"name": "c", "resources": {"limits": limits}}]}}
    assert memory_size(source, pod, node) == expected


def test_huge_pages_follow_the_request() -> None:
    pod = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"hugepages-2Mi": "4Mi"}}}]}}
    assert huge_page_size("HugePages", pod) == (2 << 20, 4 << 20)
    assert huge_page_size("HugePages-1Gi", pod) == (1 << 30, 0)
    with pytest.raises(VolumeError):
        huge_page_size("HugePages", {"spec": {"containers": []}})


async def test_unknown_medium(context: Any) -> None:
    with pytest.raises(VolumeError, match='unknown storage medium "Tape"'):
        await EmptyDirPlugin().set_up(context({"emptyDir": {"medium": "Tape"}}))
