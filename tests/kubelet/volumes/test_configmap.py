"""ConfigMap volumes."""

import stat
from typing import Any

import pytest

from pynetes.kubelet.volumes.configmap import ConfigMapPlugin
from pynetes.kubelet.volumes.plugin import VolumeError


async def test_keys_become_files(context: Any, cluster: Any) -> None:
    cluster.config_maps["cm"] = {"data": {"a": "1"}}
    volume = context({"configMap": {"name": "cm", "defaultMode": 0o440}})
    mounted = await ConfigMapPlugin().set_up(volume)
    assert (volume.path / "a").read_text() == "1"
    assert stat.S_IMODE((volume.path / "a").stat().st_mode) == 0o440
    assert mounted.readonly
    assert mounted.watches == {("ConfigMap", "ns", "cm")}
    await ConfigMapPlugin().tear_down(volume.path)
    assert not volume.path.exists()


async def test_missing_and_optional(context: Any, cluster: Any) -> None:
    with pytest.raises(VolumeError, match='configmap "cm" not found'):
        await ConfigMapPlugin().set_up(context({"configMap": {"name": "cm"}}))
    volume = context({"configMap": {"name": "cm", "optional": True}})
    await ConfigMapPlugin().set_up(volume)
    assert [p.name for p in volume.path.iterdir() if not p.name.startswith("..")] == []
    cluster.config_maps["cm"] = {"data": {"a": "1"}}
    await ConfigMapPlugin().set_up(volume)
    assert (volume.path / "a").read_text() == "1"


@pytest.mark.root
async def test_fs_group_owns_files(context: Any, cluster: Any) -> None:
    cluster.config_maps["cm"] = {"data": {"a": "1"}}
    volume = context({"configMap": {"name": "cm", "defaultMode": 0o400}}, securityContext={"fsGroup": 1234})
    await ConfigMapPlugin().set_up(volume)
    status = (volume.path / "a").stat()
    assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 0o440)
    assert volume.path.stat().st_mode & stat.S_ISGID


async def test_mount_points_inside_of_the_volume_exist(context: Any, cluster: Any) -> None:
    cluster.config_maps["cm"] = {"data": {"a": "1"}}
    volume = context({"configMap": {"name": "cm"}})
    volume.pod["spec"]["containers"][0]["volumeMounts"].append({"name": "other", "mountPath": "/mnt/v/sub/dir"})
    await ConfigMapPlugin().set_up(volume)
    assert (volume.path / "sub/dir").is_dir()
    cluster.config_maps["cm"] = {"data": {"a": "2"}}
    await ConfigMapPlugin().set_up(volume)
    assert (volume.path / "sub/dir").is_dir()
    assert (volume.path / "a").read_text() == "2"
