"""Volume mounts and raw block devices of a container."""

from collections.abc import Mapping

from pynetes.apis.core.path_validation import validate_local_path
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def validate_volume_mounts(found: FieldErrors, container: Object, volumes: Mapping[str, Object], path: str) -> None:
    devices = {d.get("name"): d.get("devicePath") for d in container.get("volumeDevices") or ()}
    seen: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        own = f"{path}[{index}]"
        name, mount_path = mount.get("name") or "", mount.get("mountPath") or ""
        found.present(f"{own}.name", name)
        if name not in volumes:
            found.not_found(f"{own}.name", name)
        found.present(f"{own}.mountPath", mount_path)
        if mount_path in seen:
            found.invalid(f"{own}.mountPath", mount_path, "must be unique")
        seen.add(mount_path)
        if name in devices:
            found.invalid(f"{own}.name", name, "must not already exist in volumeDevices")
        if mount_path in devices.values():
            found.invalid(f"{own}.mountPath", mount_path, "must not already exist as a path in volumeDevices")
        _sub_path(found, mount, own, path)
        _propagation(found, mount, container, f"{path}.mountPropagation")
        _recursive_read_only(found, mount, f"{path}.recursiveReadOnly")


def _sub_path(found: FieldErrors, mount: Object, own: str, path: str) -> None:
    sub_path, expression = mount.get("subPath"), mount.get("subPathExpr")
    if sub_path:
        validate_local_path(found, sub_path, f"{path}.subPath")
    if expression:
        if sub_path:
            found.invalid(f"{own}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive")
        validate_local_path(found, expression, f"{path}.subPathExpr")


def _propagation(found: FieldErrors, mount: Object, container: Object, path: str) -> None:
    mode = mount.get("mountPropagation")
    if mode is None:
        return
    if mode not in _PROPAGATIONS:
        found.not_supported(path, mode, _PROPAGATIONS)
    if mode == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
        found.forbidden(path, "Bidirectional mount propagation is available only to privileged containers")


def _recursive_read_only(found: FieldErrors, mount: Object, path: str) -> None:
    mode = mount.get("recursiveReadOnly")
    if mode is None or mode == "Disabled":
        return
    if mode not in _RECURSIVE:
        found.not_supported(path, mode, _RECURSIVE)
        return
    if not mount.get("readOnly"):
        found.forbidden(path, "may only be specified when readOnly is true")
    if mount.get("mountPropagation") not in (None, "None"):
        found.forbidden(path, "may only be specified when mountPropagation is None or not specified")


def validate_volume_devices(found: FieldErrors, container: Object, volumes: Mapping[str, Object], path: str) -> None:
    mounts = {m.get("name"): m.get("mountPath") for m in container.get("volumeMounts") or ()}
    names: set[str] = set()
    paths: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices") or ()):
        own = f"{path}[{index}]"
        name, device_path = device.get("name") or "", device.get("devicePath") or ""
        found.present(f"{own}.name", name)
        if name and name in names:
            found.invalid(f"{own}.name", name, "must be unique")
        volume = volumes.get(name)
        if volume is None:
            found.not_found(f"{own}.name", name)
        elif volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
            block = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            found.invalid(f"{own}.name", name, block)
        found.present(f"{own}.devicePath", device_path)
        if device_path in paths:
            found.invalid(f"{own}.devicePath", device_path, "must be unique")
        if ".." in device_path.split("/"):
            found.invalid(f"{own}.devicePath", device_path, "can not contain backsteps ('..')")
        else:
            paths.add(device_path)
        if name in mounts:
            found.invalid(f"{own}.name", name, "must not already exist in volumeMounts")
        if device_path in mounts.values():
            found.invalid(f"{own}.devicePath", device_path, "must not already exist as a path in volumeMounts")
        names.add(name)
