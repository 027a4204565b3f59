"""The shared body of the volumes made of small files: ConfigMap, Secret, downward API, projected."""

from pathlib import Path

from pynetes.kubelet.volumes import mounts, ownership, scratch, writer
from pynetes.kubelet.volumes.plugin import VolumeContext, VolumeError


def publish(context: VolumeContext, payload: writer.Payload, *, in_memory: bool) -> None:
    """Makes the volume's directory if need be and shows `payload` in it. Raises VolumeError."""
    path = context.path
    try:
        if in_memory:
            _make_in_memory(path)
        else:
            scratch.make(path)
        writer.write(path, payload, lambda: ownership.set_group(path, context.fs_group, readonly=True))
        _make_nested_mount_points(context)
    except (OSError, ValueError) as error:
        raise VolumeError(str(error)) from error


def _make_in_memory(path: Path) -> None:
    """Secrets stay off the disk where mounting is allowed at all (not so in an unprivileged sandbox)."""
    try:
        scratch.make_in_memory(path)
    except PermissionError:
        if mounts.is_mount_point(path):
            raise
        scratch.make(path)


def _make_nested_mount_points(context: VolumeContext) -> None:
    """A container may mount another volume inside of this one, which is read-only to it: its mount point must be
    there beforehand."""
    for container in (*(context.pod["spec"].get("initContainers") or ()), *context.pod["spec"]["containers"]):
        mounted = container.get("volumeMounts") or ()
        own = [m["mountPath"].rstrip("/") for m in mounted if m["name"] == context.name and not m.get("subPath")]
        for base in own:
            for other in mounted:
                inner = other["mountPath"].removeprefix(base + "/")
                if other["name"] == context.name or inner == other["mountPath"]:
                    continue
                first = inner.split("/")[0]
                if first.startswith(".."):
                    raise VolumeError(f"mount path {other['mountPath']} is reserved inside of volume {context.name}")
                if not (context.path / first).is_symlink():
                    (context.path / inner).mkdir(mode=0o755, parents=True, exist_ok=True)
