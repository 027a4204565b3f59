"""What the runtime is told about one container."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.environment import command_and_args
from pynetes.kubelet.runtime import labels
from pynetes.kubelet.runtime.paths import container_log_path
from pynetes.kubelet.runtime.resources import NodeResources, linux_resources
from pynetes.kubelet.runtime.security_context import container_security_context
from pynetes.kubelet.volumes.plugin import Mount

_PROPAGATION: Mapping[str, pb.MountPropagation] = {
    "PRIVATE": pb.PROPAGATION_PRIVATE,
    "HOST_TO_CONTAINER": pb.PROPAGATION_HOST_TO_CONTAINER,
    "BIDIRECTIONAL": pb.PROPAGATION_BIDIRECTIONAL,
}


class ContainerInputs(Struct, frozen=True):
    """What was found out about a container before its configuration can be written."""

    restart_count: int
    image_ref: str
    image_uid: int | None
    image_username: str
    environment: Sequence[tuple[str, str]]
    mounts: Sequence[Mount]
    target_id: str = ""
    """Of an ephemeral container: whose process namespace it joins."""
    user_namespace: pb.UserNamespace | None = None
    volume_images: Mapping[str, pb.ImageSpec] = field(default_factory=dict)
    """The pulled images of image volumes, by reference."""


def container_config(
    pod: Mapping[str, Any],
    container: Mapping[str, Any],
    inputs: ContainerInputs,
    node: NodeResources,
    *,
    seccomp_root: str,
    seccomp_default: bool,
) -> pb.ContainerConfig:
    """Raises SecurityContextError."""
    security = container_security_context(
        pod,
        container,
        image_uid=inputs.image_uid,
        image_username=inputs.image_username,
        seccomp_root=seccomp_root,
        seccomp_default=seccomp_default,
    )
    if inputs.target_id and security.namespace_options.pid == pb.CONTAINER:
        security.namespace_options.pid = pb.TARGET
        security.namespace_options.target_id = inputs.target_id
    if inputs.user_namespace is not None:
        security.namespace_options.userns_options.CopyFrom(inputs.user_namespace)
    command, args = command_and_args(container, dict(inputs.environment))
    return pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name=container["name"], attempt=inputs.restart_count),
        image=pb.ImageSpec(image=inputs.image_ref, user_specified_image=container.get("image") or ""),
        command=command,
        args=args,
        working_dir=container.get("workingDir") or "",
        envs=[pb.KeyValue(key=name, value=value.encode()) for name, value in inputs.environment],
        mounts=[_mount(mount, inputs) for mount in inputs.mounts],
        labels=labels.container_labels(pod, container),
        annotations=labels.container_annotations(pod, container, inputs.restart_count),
        log_path=container_log_path(container["name"], inputs.restart_count),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        linux=pb.LinuxContainerConfig(
            resources=linux_resources(pod, container, node),
            security_context=security,
        ),
    )


def _mount(mount: Mount, inputs: ContainerInputs) -> pb.Mount:
    user_namespace = inputs.user_namespace
    return pb.Mount(
        container_path=mount.container_path,
        host_path=mount.host_path,
        readonly=mount.readonly,
        propagation=_PROPAGATION[mount.propagation],
        recursive_read_only=mount.recursive_read_only,
        uidMappings=user_namespace.uids if user_namespace else (),
        gidMappings=user_namespace.gids if user_namespace else (),
        image=inputs.volume_images[mount.image] if mount.image else None,
        image_sub_path=mount.image_sub_path,
    )
