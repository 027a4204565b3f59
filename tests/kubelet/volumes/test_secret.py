"""Secret volumes live in memory."""

import base64
from typing import Any

import pytest

from pynetes.kubelet.volumes import mounts
from pynetes.kubelet.volumes.plugin import VolumeError
from pynetes.kubelet.volumes.secret import SecretPlugin


@pytest.mark.root
async def test_on_a_tmpfs_that_goes_away(own_mounts: None, context: Any, cluster: Any) -> None:
    cluster.secrets["s"] = {"data": {"password": base64.b64encode(b"x").decode()}}
    volume = context({"secret": {"secretName": "s"}})
    for _ in range(2):
        mounted = await SecretPlugin().set_up(volume)
    assert (volume.path / "password").read_bytes() == b"x"
    assert [p for p in mounts.mount_points() if p == str(volume.path)] == [str(volume.path)], "mounted once"
    assert mounted.watches == {("Secret", "ns", "s")}
    await SecretPlugin().tear_down(volume.path)
    assert not volume.path.exists()
    assert not mounts.is_mount_point(volume.path)


async def test_missing(context: Any) -> None:
    with pytest.raises(VolumeError, match='secret "s" not found'):
        await SecretPlugin().set_up(context({"secret": {"secretName": "s"}}))
