"""Mounts the volumes of pods, keeps them current and removes them.

Layout below the kubelet's directory, as upstream's (tools look there):
`pods/<uid>/volumes/<plugin with ~ for />/<volume>` and `pods/<uid>/volume-subpaths/<volume>/<container>/<index>`.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from pynetes.component import clock
from pynetes.kubelet import environment
from pynetes.kubelet.volumes import mounts, subpath
from pynetes.kubelet.volumes.plugin import (
    Mount,
    MountedVolume,
    Propagation,
    Sources,
    VolumeContext,
    VolumeError,
    VolumePlugin,
)
from pynetes.kubelet.volumes.table import PLUGINS

log = logging.getLogger(__name__)

_PROPAGATION: dict[str, Propagation] = {
    "": "PRIVATE",
    "None": "PRIVATE",
    "HostToContainer": "HOST_TO_CONTAINER",
    "Bidirectional": "BIDIRECTIONAL",
}
_MAX_WAIT, _RETRY = 60.0, 10.0


def used_volumes(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The pod's volumes that some container mounts: upstream leaves the others alone."""
    spec = pod["spec"]
    containers = (c for key in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(key) or ())
    used = {
        mount["name"] for c in containers for mount in (*(c.get("volumeMounts") or ()), *(c.get("volumeDevices") or ()))
    }
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        for variable in container.get("env") or ():
            if ref := (variable.get("valueFrom") or {}).get("fileKeyRef"):
                used.add(ref["volumeName"])
    return [volume for volume in spec.get("volumes") or () if volume["name"] in used]


class _PodVolumes(Struct):
    pod: dict[str, Any]
    mounted: dict[str, MountedVolume] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class VolumeManager:
    """`root` is the kubelet's directory (`<root>/pods/<uid>/volumes/...`)."""

    def __init__(
        self,
        root: Path,
        sources: Sources,
        *,
        recursive_read_only: Callable[[], bool] = lambda: False,
        on_refresh_error: Callable[[dict[str, Any], str], None] = lambda pod, message: None,
    ) -> None:
        """`recursive_read_only` tells whether the runtime can mount so. `on_refresh_error` hears (pod, message) when a
        volume that containers already use cannot be brought up to date: a FailedMount event, but nothing that stops the
        pod."""
        self._root = root
        self._sources = sources
        self._plugins = PLUGINS
        self._recursive_read_only = recursive_read_only
        self._on_refresh_error = on_refresh_error
        self._pods: dict[str, _PodVolumes] = {}
        self._dirty: set[tuple[str, str, str]] = set()
        self._wake = asyncio.Event()

    # -- mounting

    async def mount_pod(self, pod: dict[str, Any]) -> None:
        """Makes or refreshes every volume that a container of the pod uses. Raises VolumeError. Idempotent."""
        uid = pod["metadata"]["uid"]
        state = self._pods.setdefault(uid, _PodVolumes(pod))
        async with state.lock:
            state.pod = pod
            self._make_pod_directories(uid)
            errors = []
            for volume in used_volumes(pod):
                try:
                    await self._set_up(state, volume)
                except VolumeError as error:
                    message = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
                    if volume["name"] in state.mounted:
                        self._on_refresh_error(pod, message)  # the containers keep the content they have
                    else:
                        errors.append(message)
        self._wake.set()
        if errors:
            raise VolumeError("\n".join(errors))

    def _make_pod_directories(self, uid: str) -> None:
        for path in (self._pod_directory(uid), self._pod_directory(uid) / "volumes"):
            path.mkdir(mode=0o750, parents=True, exist_ok=True)

    async def _set_up(self, state: _PodVolumes, volume: dict[str, Any]) -> None:
        plugin = self._plugin(volume)
        path = self._volume_directory(state.pod["metadata"]["uid"], plugin, volume["name"])
        context = VolumeContext(state.pod, volume, path, self._sources)
        state.mounted[volume["name"]] = await plugin.set_up(context)

    def _plugin(self, volume: Mapping[str, Any]) -> VolumePlugin:
        for source in volume:
            if source in self._plugins:
                return self._plugins[source]
        kinds = [key for key in volume if key != "name"]
        if not kinds:
            return self._plugins["emptyDir"]
        raise VolumeError(f"no volume plugin matched: {kinds[0]}")

    def _pod_directory(self, uid: str) -> Path:
        return self._root / "pods" / uid

    def _volume_directory(self, uid: str, plugin: VolumePlugin, name: str) -> Path:
        return self._pod_directory(uid) / "volumes" / plugin.name.replace("/", "~") / name

    def volume_path(self, uid: str, name: str) -> str | None:
        """Where a mounted volume lies on the node."""
        state = self._pods.get(uid)
        mounted = state.mounted.get(name) if state else None
        return mounted.path if mounted else None

    # -- what containers get

    def mounts_for(
        self, pod: dict[str, Any], container: dict[str, Any], env: Mapping[str, str] | None = None
    ) -> list[Mount]:
        """The container's mounts (not /etc/hosts nor the termination log). `env` serves subPathExpr. Raises
        VolumeError."""
        state = self._pods.get(pod["metadata"]["uid"])
        mounted = state.mounted if state else {}
        found = []
        for index, wanted in enumerate(container.get("volumeMounts") or ()):
            volume = mounted.get(wanted["name"])
            if volume is None:
                raise VolumeError(
                    f'cannot find volume "{wanted["name"]}" to mount into container "{container["name"]}"'
                )
            sub_path = _sub_path(wanted, env or {})
            host_path = "" if volume.image else self._host_path(pod, container, index, wanted, volume, sub_path)
            found.append(
                Mount(
                    container_path=os.path.join("/", wanted["mountPath"]),
                    host_path=host_path,
                    readonly=bool(wanted.get("readOnly")) or volume.readonly,
                    propagation=_propagation(wanted),
                    recursive_read_only=self._is_recursive_read_only(wanted),
                    image=volume.image,
                    image_sub_path=sub_path if volume.image else "",
                )
            )
        return found

    def _is_recursive_read_only(self, wanted: Mapping[str, Any]) -> bool:
        mode = wanted.get("recursiveReadOnly") or "Disabled"
        if mode == "Disabled":
            return False
        if not wanted.get("readOnly"):
            raise VolumeError(f"recursive read-only mount of {wanted['mountPath']} must be readOnly")
        if mode == "Enabled" and not self._recursive_read_only():
            raise VolumeError(
                f'volume "{wanted["name"]}" requested recursive read-only mode, but it is not supported by the runtime'
            )
        return self._recursive_read_only()

    def _host_path(
        self,
        pod: Mapping[str, Any],
        container: Mapping[str, Any],
        index: int,
        wanted: Mapping[str, Any],
        volume: MountedVolume,
        sub_path: str,
    ) -> str:
        if not sub_path:
            return volume.path
        name, uid = container["name"], pod["metadata"]["uid"]
        target = self._pod_directory(uid) / "volume-subpaths" / volume.name / name / str(index)
        try:
            subpath.bind(Path(volume.path), sub_path, target)
        except (OSError, VolumeError) as error:
            # The user learns no details, for they could tell of the node's file system.
            log.warning("subPath %s of volume %s for container %s: %s", sub_path, volume.name, name, error)
            raise VolumeError(
                f'failed to prepare subPath for volumeMount "{wanted["name"]}" of container "{name}"'
            ) from None
        return str(target)

    # -- removal

    async def unmount_pod(self, uid: str) -> None:
        """Removes every volume of the pod from the node; works for pods that an earlier process mounted. Raises
        OSError."""
        state = self._pods.pop(uid, None)
        if state is None:
            await self._tear_down(uid)
            return
        async with state.lock:
            await self._tear_down(uid)

    async def _tear_down(self, uid: str) -> None:
        directory = self._pod_directory(uid)
        subpaths = directory / "volume-subpaths"
        mounts.unmount_below(subpaths)
        shutil.rmtree(subpaths, ignore_errors=True)
        by_name = {plugin.name.replace("/", "~"): plugin for plugin in self._plugins.values()}
        for plugin_directory in _entries(directory / "volumes"):
            plugin = by_name.get(plugin_directory.name)
            for path in _entries(plugin_directory):
                if plugin is not None:
                    await plugin.tear_down(path)
            if not any(_entries(plugin_directory)):
                plugin_directory.rmdir()

    def has_volumes(self, uid: str) -> bool:
        """Whether anything of the pod's volumes is still on the node."""
        return any(True for plugin in _entries(self._pod_directory(uid) / "volumes") for _ in _entries(plugin))

    def pods_on_disk(self) -> set[str]:
        """Pods that have a directory, perhaps of an earlier process: to find leftovers."""
        return {path.name for path in _entries(self._root / "pods")}

    # -- keeping current

    def object_changed(self, kind: str, namespace: str, name: str) -> None:
        """A ConfigMap or Secret changed: volumes made of it are rewritten by `run`."""
        self._dirty.add((kind, namespace, name))
        self._wake.set()

    async def run(self) -> None:
        """Rewrites volumes whose ConfigMap or Secret changed and renews tokens, until cancelled."""
        while True:
            self._wake.clear()
            dirty, self._dirty = self._dirty, set()
            failed = await self._refresh(dirty)
            if not self._dirty:
                await self._wait(_RETRY if failed else _MAX_WAIT)
            self._dirty |= failed

    async def _wait(self, longest: float) -> None:
        now = clock.time_seconds()
        due = [m.refresh_at for s in self._pods.values() for m in s.mounted.values() if m.refresh_at is not None]
        seconds = min([longest, *(at - now if at > now else _RETRY for at in due)])
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _refresh(self, dirty: set[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        """Sets up what is affected again; returns the objects whose volumes could not be."""
        failed: set[tuple[str, str, str]] = set()
        now = clock.time_seconds()
        for state in list(self._pods.values()):
            due = [m for m in state.mounted.values() if m.watches & dirty or (m.refresh_at or now + 1) <= now]
            if not due:
                continue
            async with state.lock:
                volumes = {volume["name"]: volume for volume in used_volumes(state.pod)}
                if self._pods.get(state.pod["metadata"]["uid"]) is not state:
                    continue
                for mounted in due:
                    if mounted.name in volumes and not await self._try_set_up(state, volumes[mounted.name]):
                        failed |= mounted.watches & dirty
        return failed

    async def _try_set_up(self, state: _PodVolumes, volume: dict[str, Any]) -> bool:
        try:
            await self._set_up(state, volume)
        except Exception as error:  # one volume's trouble must not end the refresh of all
            log.warning("volume %s of pod %s: %s", volume["name"], state.pod["metadata"]["name"], error)
            message = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}'
            self._on_refresh_error(state.pod, message)
            return False
        return True


def _sub_path(wanted: Mapping[str, Any], env: Mapping[str, str]) -> str:
    """Relative, without `..`; empty for the whole volume."""
    found = str(wanted.get("subPath") or "")
    if expression := wanted.get("subPathExpr"):
        try:
            found = environment.expand_sub_path(expression, env)
        except environment.ConfigError as error:
            raise VolumeError(str(error)) from None
    if found:
        subpath.validate(found)
    return found


def _propagation(wanted: Mapping[str, Any]) -> Propagation:
    mode = wanted.get("mountPropagation") or ""
    if mode not in _PROPAGATION:
        raise VolumeError(f'invalid MountPropagation mode: "{mode}"')
    return _PROPAGATION[mode]


def _entries(directory: Path) -> Iterable[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else ()
