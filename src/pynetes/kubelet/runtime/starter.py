"""Starts one container: image, configuration, create, start, postStart hook; with upstream's events and reasons."""

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.environment import ConfigError
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.images.result import ImageError, ImageRef
from pynetes.kubelet.runtime import paths
from pynetes.kubelet.runtime.container_config import ContainerInputs, container_config
from pynetes.kubelet.runtime.hooks import HookError, HookRunner
from pynetes.kubelet.runtime.killer import Killer
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus, State
from pynetes.kubelet.runtime.resources import NodeResources
from pynetes.kubelet.runtime.security_context import SecurityContextError
from pynetes.kubelet.runtime.support import PodSupport
from pynetes.kubelet.runtime.uninterrupted import uninterrupted
from pynetes.kubelet.volumes.plugin import Mount, VolumeError

Pod = dict[str, Any]
Container = dict[str, Any]


class StartError(Exception):
    """The container did not start. `reason` and `message` become its waiting state."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason, self.message = reason, message


class Sandbox(Struct, frozen=True):
    """Where containers of a pod are started."""

    id: str
    config: pb.PodSandboxConfig
    ips: Sequence[str]
    runtime_handler: str = ""


class Directories(Struct, frozen=True):
    root: str
    logs: str
    container_logs: str = "/var/log/containers"
    """Links to all logs under one flat name each, where log shippers look."""

    @property
    def seccomp(self) -> str:
        return f"{self.root}/seccomp"


class Starter:
    """`hooks` runs postStart, `killer` ends a container whose hook failed, `node` is what resources are told by."""

    def __init__(
        self,
        runtime: RuntimeService,
        images: ImageService,
        hooks: HookRunner,
        killer: Killer,
        events: PodEvents,
        support: PodSupport,
        *,
        directories: Directories,
        node: NodeResources,
        seccomp_default: bool = False,
    ) -> None:
        self._runtime, self._images, self._hooks, self._killer = runtime, images, hooks, killer
        self._events, self._support, self._directories, self.node = events, support, directories, node
        self._seccomp_default = seccomp_default
        self._image_users: dict[str, tuple[int | None, str]] = {}

    async def start(self, pod: Pod, container: Container, sandbox: Sandbox, status: PodStatus) -> None:
        """Raises StartError."""
        volume_images = await self._volume_images(pod, container, sandbox)
        image = await self._image(pod, container, sandbox)
        config = await self._configure(pod, container, sandbox, status, image, volume_images)
        container_id = await self._create(pod, container, sandbox, config)
        await self._start(pod, container, container_id)
        self._link_log(sandbox.config, config, container_id)
        if handler := (container.get("lifecycle") or {}).get("postStart"):
            await self._post_start(pod, container, container_id, handler)

    def _failed(self, pod: Pod, container: Container, reason: str, message: str) -> StartError:
        self._events.container(pod, container, "Warning", "Failed", f"Error: {message}")
        return StartError(reason, message)

    async def _volume_images(self, pod: Pod, container: Container, sandbox: Sandbox) -> dict[str, pb.ImageSpec]:
        """By reference, those of the image volumes that the container mounts."""
        mounted = {mount["name"] for mount in container.get("volumeMounts") or ()}
        found: dict[str, pb.ImageSpec] = {}
        for volume in pod["spec"].get("volumes") or ():
            source = volume.get("image")
            if source is None or volume["name"] not in mounted:
                continue
            try:
                image = await self._support.ensure_volume_image(pod, source, sandbox.runtime_handler, sandbox.config)
            except ImageError as error:
                raise self._no_image(pod, container, error) from None
            found[source["reference"]] = pb.ImageSpec(
                image=image.ref,
                user_specified_image=source["reference"],
                runtime_handler=sandbox.runtime_handler,
                annotations=pod["metadata"].get("annotations") or {},
            )
        return found

    async def _image(self, pod: Pod, container: Container, sandbox: Sandbox) -> ImageRef:
        try:
            return await self._support.ensure_image(pod, container, sandbox.runtime_handler, sandbox.config)
        except ImageError as error:
            raise self._no_image(pod, container, error) from None

    def _no_image(self, pod: Pod, container: Container, error: ImageError) -> StartError:
        self._events.container(pod, container, "Warning", "Failed", f"Error: {error.reason}")
        return StartError(error.reason, error.message)

    async def _configure(
        self,
        pod: Pod,
        container: Container,
        sandbox: Sandbox,
        status: PodStatus,
        image: ImageRef,
        volume_images: Mapping[str, pb.ImageSpec],
    ) -> pb.ContainerConfig:
        try:
            target = self._target(container, status)
            environment = await self._support.environment(pod, container, sandbox.ips)
            mounts = self._support.mounts(pod, container, environment, sandbox.ips)
            uid, username = await self._image_user(image.ref)
            inputs = ContainerInputs(
                restart_count=self._restart_count(pod, container, status),
                image_ref=image.ref,
                image_uid=uid,
                image_username=username,
                environment=environment,
                mounts=[*mounts, *self._termination_log(pod, container)],
                volume_images=volume_images,
                target_id=target,
                user_namespace=self._support.user_namespace(pod, sandbox.runtime_handler),
            )
            config = container_config(
                pod,
                container,
                inputs,
                self.node,
                seccomp_root=self._directories.seccomp,
                seccomp_default=self._seccomp_default,
            )
            (Path(sandbox.config.log_directory) / config.log_path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            return config
        except CRIError as error:
            raise self._failed(pod, container, "CreateContainerConfigError", error.details) from None
        except (ConfigError, VolumeError, SecurityContextError, ValueError, OSError) as error:
            raise self._failed(pod, container, "CreateContainerConfigError", str(error)) from None

    def _target(self, container: Container, status: PodStatus) -> str:
        """Of an ephemeral container: the id of the container whose processes it wants to see."""
        name = container.get("targetContainerName")
        if not name:
            return ""
        found = status.find(name)
        if found is None:
            raise ConfigError(f'unable to find target container "{name}"')
        return found.id

    def _restart_count(self, pod: Pod, container: Container, status: PodStatus) -> int:
        found = status.find(container["name"])
        if found is not None:
            return found.restart_count + 1
        logs = paths.pod_log_directory(self._directories.logs, pod) / container["name"]
        return paths.restart_count_from_logs(logs)

    async def _image_user(self, image_ref: str) -> tuple[int | None, str]:
        """Of an image id, which never changes its content."""
        if image_ref not in self._image_users:
            image = await self._images.image_status(image_ref)
            if image is not None and image.HasField("uid"):
                user: tuple[int | None, str] = (image.uid.value, "")
            elif image is not None and image.username:
                user = (None, image.username)
            else:
                user = (0, "")
            if image is None:
                return user
            self._image_users[image_ref] = user
        return self._image_users[image_ref]

    def _termination_log(self, pod: Pod, container: Container) -> list[Mount]:
        """A fresh file for each instance of the container, so that old messages stay old."""
        path = container.get("terminationMessagePath")
        if not path:
            return []
        directory = paths.container_directory(self._directories.root, pod["metadata"]["uid"], container["name"])
        directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        file = directory / secrets.token_hex(4)
        file.touch()
        file.chmod(0o666)
        return [Mount(container_path=path if path.startswith("/") else "/" + path, host_path=str(file))]

    async def _create(self, pod: Pod, container: Container, sandbox: Sandbox, config: pb.ContainerConfig) -> str:
        try:
            container_id = await uninterrupted(self._runtime.create_container(sandbox.id, config, sandbox.config))
        except CRIError as error:
            raise self._failed(pod, container, "CreateContainerError", error.details) from None
        self._support.resources_given(pod, container["name"])
        self._events.container(pod, container, "Normal", "Created", "Container created")
        return container_id

    async def _start(self, pod: Pod, container: Container, container_id: str) -> None:
        try:
            await uninterrupted(self._runtime.start_container(container_id))
        except CRIError as error:
            raise self._failed(pod, container, "RunContainerError", error.details) from None
        self._events.container(pod, container, "Normal", "Started", "Container started")

    def _link_log(self, sandbox: pb.PodSandboxConfig, config: pb.ContainerConfig, container_id: str) -> None:
        log = Path(sandbox.log_directory) / config.log_path
        with contextlib.suppress(OSError):
            log_link(self._directories.container_logs, sandbox, config.metadata.name, container_id).symlink_to(log)

    async def _post_start(self, pod: Pod, container: Container, container_id: str, handler: dict[str, Any]) -> None:
        try:
            await self._hooks.run(pod, container, container_id, handler)
        except HookError as error:
            self._events.container(pod, container, "Warning", "FailedPostStartHook", "PostStartHook failed")
            started = ContainerStatus(container_id, container["name"], State.RUNNING)
            with contextlib.suppress(CRIError):
                await self._killer.kill_container(pod, started, "FailedPostStartHook", "FailedPostStartHook")
            raise StartError("PostStartHookError", str(error)) from None


def log_link(directory: str, sandbox: pb.PodSandboxConfig, container: str, container_id: str) -> Path:
    """`<pod>_<namespace>_<container>-<id>.log`; the file name is cut, never the id, at the kernel's 255 bytes."""
    name = f"{sandbox.metadata.name}_{sandbox.metadata.namespace}_{container}"
    ending = f"-{container_id}.log"
    Path(directory).mkdir(parents=True, exist_ok=True)
    return Path(directory) / (name[: 255 - len(ending)] + ending)
