"""The volume manager: mounting, mounts for containers, live updates, removal."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.kubelet.volumes import Mount, VolumeError, VolumeManager, mounts

CONFIG = {"name": "config", "configMap": {"name": "cm"}}
SCRATCH = {"name": "scratch", "emptyDir": {}}


@pytest.fixture
def manager(tmp_path: Path, cluster: Any) -> VolumeManager:
    return VolumeManager(tmp_path, cluster.sources())


def volume_path(tmp_path: Path, plugin: str, name: str) -> Path:
    return tmp_path / "pods/u-1/volumes" / f"kubernetes.io~{plugin}" / name


async def test_mounts_lie_where_upstream_has_them(
    manager: VolumeManager, tmp_path: Path, cluster: Any, pod_with: Any
) -> None:
    cluster.config_maps["cm"] = {"data": {"a": "1"}}
    pod = pod_with([CONFIG, SCRATCH, {"name": "host", "hostPath": {"path": "/etc"}}])
    await manager.mount_pod(pod)
    config, scratch = volume_path(tmp_path, "configmap", "config"), volume_path(tmp_path, "empty-dir", "scratch")
    assert manager.mounts_for(pod, pod["spec"]["containers"][0]) == [
        Mount("/mnt/config", str(config), readonly=True),
        Mount("/mnt/scratch", str(scratch)),
        Mount("/mnt/host", "/etc"),
    ]
    assert (config / "a").read_text() == "1"
    assert manager.volume_path("u-1", "scratch") == str(scratch)


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        ({"readOnly": True}, {"readonly": True}),
        ({"mountPropagation": "HostToContainer"}, {"propagation": "HOST_TO_CONTAINER"}),
        ({"mountPropagation": "Bidirectional"}, {"propagation": "BIDIRECTIONAL"}),
        ({"mountPropagation": "None"}, {}),
        ({"readOnly": True, "recursiveReadOnly": "IfPossible"}, {"readonly": True}),
    ],
)
async def test_mount_options(manager: VolumeManager, pod_with: Any, mount: Any, expected: Any) -> None:
    pod = pod_with([{"name": "v", "hostPath": {"path": "/etc"}}])
    pod["spec"]["containers"][0]["volumeMounts"][0] |= mount
    await manager.mount_pod(pod)
    assert manager.mounts_for(pod, pod["spec"]["containers"][0]) == [Mount("/mnt/v", "/etc", **expected)]


@pytest.mark.parametrize("mode", ["Enabled", "IfPossible"])
async def test_what_the_runtime_can_mount_read_only_with_all_below_is_so(
    tmp_path: Path, cluster: Any, pod_with: Any, mode: str
) -> None:
    manager = VolumeManager(tmp_path, cluster.sources(), recursive_read_only=lambda: True)
    pod = pod_with([{"name": "v", "hostPath": {"path": "/etc"}}])
    pod["spec"]["containers"][0]["volumeMounts"][0] |= {"readOnly": True, "recursiveReadOnly": mode}
    await manager.mount_pod(pod)
    expected = Mount("/mnt/v", "/etc", readonly=True, recursive_read_only=True)
    assert manager.mounts_for(pod, pod["spec"]["containers"][0]) == [expected]


async def test_an_image_is_the_runtimes_to_mount(manager: VolumeManager, pod_with: Any) -> None:
    pod = pod_with([{"name": "v", "image": {"reference": "data:1"}}])
    await manager.mount_pod(pod)
    container = pod["spec"]["containers"][0]
    expected = Mount("/mnt/v", "", readonly=True, image="data:1")
    assert manager.mounts_for(pod, container) == [expected]
    container["volumeMounts"][0]["subPath"] = "etc"
    assert manager.mounts_for(pod, container) == [replace(expected, image_sub_path="etc")]
    container["volumeMounts"][0]["subPath"] = "../x"
    with pytest.raises(VolumeError, match=r"unable to provision SubPath `\.\./x`"):
        manager.mounts_for(pod, container)


@pytest.mark.parametrize(
    ("mount", "message"),
    [
        ({"name": "none"}, 'cannot find volume "none" to mount into container "c"'),
        ({"mountPropagation": "Sideways"}, 'invalid MountPropagation mode: "Sideways"'),
        ({"subPathExpr": "$(X)"}, "missing value for X"),
        ({"subPath": "../x"}, "unable to provision SubPath `../x`: must not contain '..'"),
        ({"readOnly": True, "recursiveReadOnly": "Enabled"}, "recursive read-only"),
    ],
)
async def test_impossible_mounts(manager: VolumeManager, pod_with: Any, mount: Any, message: str) -> None:
    pod = pod_with([SCRATCH])
    await manager.mount_pod(pod)
    pod["spec"]["containers"][0]["volumeMounts"][0] |= mount
    with pytest.raises(VolumeError, match=message.replace("(", r"\(")):
        manager.mounts_for(pod, pod["spec"]["containers"][0])


async def test_errors_name_the_volume_and_the_rest_is_mounted(
    manager: VolumeManager, tmp_path: Path, pod_with: Any
) -> None:
    pod = pod_with([CONFIG, SCRATCH])
    with pytest.raises(VolumeError) as caught:
        await manager.mount_pod(pod)
    assert str(caught.value) == 'MountVolume.SetUp failed for volume "config" : configmap "cm" not found'
    assert volume_path(tmp_path, "empty-dir", "scratch").is_dir()


async def test_unknown_kinds_and_unused_volumes(manager: VolumeManager, pod_with: Any) -> None:
    with pytest.raises(VolumeError, match="no volume plugin matched: cephfs"):
        await manager.mount_pod(pod_with([{"name": "v", "cephfs": {}}]))
    pod = pod_with([])
    pod["spec"]["volumes"] = [{"name": "unused", "cephfs": {}}]
    await manager.mount_pod(pod)


@pytest.mark.root
async def test_sub_paths_are_bound(
    own_mounts: None, manager: VolumeManager, tmp_path: Path, cluster: Any, pod_with: Any
) -> None:
    cluster.config_maps["cm"] = {"data": {"nginx.conf": "conf"}}
    pod = pod_with([CONFIG, SCRATCH])
    container = pod["spec"]["containers"][0]
    container["volumeMounts"] = [
        {"name": "config", "mountPath": "/etc/nginx.conf", "subPath": "nginx.conf"},
        {"name": "scratch", "mountPath": "/logs", "subPathExpr": "$(POD)"},
    ]
    await manager.mount_pod(pod)
    found = manager.mounts_for(pod, container, {"POD": "p-1"})
    bound = tmp_path / "pods/u-1/volume-subpaths/config/c/0"
    assert (found[0].host_path, bound.read_text()) == (str(bound), "conf")
    assert volume_path(tmp_path, "empty-dir", "scratch").joinpath("p-1").is_dir()
    assert found[1].host_path == str(tmp_path / "pods/u-1/volume-subpaths/scratch/c/1")
    await manager.unmount_pod("u-1")
    assert not any(point.startswith(str(tmp_path)) for point in mounts.mount_points())
    assert not (tmp_path / "pods/u-1/volume-subpaths").exists()
    assert not manager.has_volumes("u-1")


@pytest.mark.root
async def test_a_new_process_removes_what_an_old_one_mounted(
    own_mounts: None, tmp_path: Path, cluster: Any, pod_with: Any
) -> None:
    cluster.secrets["s"] = {"data": {}}
    pod = pod_with([{"name": "s", "secret": {"secretName": "s"}}, SCRATCH])
    await VolumeManager(tmp_path, cluster.sources()).mount_pod(pod)
    fresh = VolumeManager(tmp_path, cluster.sources())
    assert fresh.pods_on_disk() == {"u-1"}
    assert fresh.has_volumes("u-1")
    await fresh.unmount_pod("u-1")
    assert not fresh.has_volumes("u-1")


@asynccontextmanager
async def running(manager: VolumeManager) -> AsyncIterator[None]:
    async with Tasks("test") as tasks:
        tasks.start(manager.run(), name="volumes")
        yield


def _read(path: Path) -> str:
    return path.read_text()


async def eventually(path: Path, text: str) -> None:
    async with asyncio.timeout(30):
        while _read(path) != text:
            await clock.sleep(0.01)


async def test_changes_of_a_config_map_arrive(
    manager: VolumeManager, tmp_path: Path, cluster: Any, pod_with: Any
) -> None:
    cluster.config_maps["cm"] = {"data": {"a": "1"}}
    await manager.mount_pod(pod_with([CONFIG]))
    async with running(manager):
        cluster.config_maps["cm"] = {"data": {"a": "2"}}
        manager.object_changed("ConfigMap", "ns", "cm")
        await eventually(volume_path(tmp_path, "configmap", "config") / "a", "2")


async def test_a_deleted_config_map_leaves_the_content_and_is_told(tmp_path: Path, cluster: Any, pod_with: Any) -> None:
    told = asyncio.Queue[str]()
    manager = VolumeManager(tmp_path, cluster.sources(), on_refresh_error=lambda pod, text: told.put_nowait(text))
    cluster.config_maps["cm"] = {"data": {"a": "1"}}
    await manager.mount_pod(pod_with([CONFIG]))
    del cluster.config_maps["cm"]
    async with running(manager):
        manager.object_changed("ConfigMap", "ns", "cm")
        async with asyncio.timeout(30):
            assert 'configmap "cm" not found' in await told.get()
    assert (volume_path(tmp_path, "configmap", "config") / "a").read_text() == "1"
    await manager.mount_pod(pod_with([CONFIG]))


@pytest.mark.root
async def test_tokens_are_renewed_in_time(
    own_mounts: None, manager: VolumeManager, tmp_path: Path, cluster: Any, pod_with: Any
) -> None:
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}
    cluster.now = clock.time_seconds() - 500
    await manager.mount_pod(pod_with([{"name": "api", "projected": {"sources": [token]}}]))
    path = volume_path(tmp_path, "projected", "api") / "token"
    assert path.read_text() == "token-1"
    cluster.now = clock.time_seconds()
    async with running(manager):
        await eventually(path, "token-2")
    assert len(cluster.requests) == 2


async def test_unexpected_trouble_with_one_volume_spares_the_others(
    manager: VolumeManager, tmp_path: Path, cluster: Any, pod_with: Any
) -> None:
    class Broken(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            raise RuntimeError("boom")

    cluster.config_maps["cm"] = {"data": {"a": "1"}}
    cluster.config_maps["bad"] = {"data": {"a": "1"}}
    await manager.mount_pod(pod_with([{"name": "bad", "configMap": {"name": "bad"}}, CONFIG]))
    cluster.config_maps["bad"] = Broken()
    cluster.config_maps["cm"] = {"data": {"a": "2"}}
    async with running(manager):
        manager.object_changed("ConfigMap", "ns", "bad")
        manager.object_changed("ConfigMap", "ns", "cm")
        await eventually(volume_path(tmp_path, "configmap", "config") / "a", "2")


@pytest.mark.root
async def test_new_labels_show_at_the_next_sync(
    own_mounts: None, manager: VolumeManager, tmp_path: Path, pod_with: Any
) -> None:
    items = [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
    pod = pod_with([{"name": "info", "downwardAPI": {"items": items}}])
    await manager.mount_pod(pod)
    path = volume_path(tmp_path, "downward-api", "info") / "labels"
    assert path.read_text() == 'app="x"'
    pod["metadata"]["labels"] = {"app": "y"}
    await manager.mount_pod(pod)
    assert path.read_text() == 'app="y"'
