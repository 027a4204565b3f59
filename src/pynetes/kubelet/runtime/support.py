"""What the runtime manager asks of the rest of the kubelet about a pod."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.dns import DNSConfig
from pynetes.kubelet.images.result import ImageRef
from pynetes.kubelet.volumes.plugin import Mount

Pod = dict[str, Any]
Container = dict[str, Any]


class PodSupport(Protocol):
    def dns(self, pod: Pod) -> DNSConfig:
        """Raises ValueError, OSError."""
        ...

    def cgroup_parent(self, pod: Pod) -> str: ...

    async def runtime_handler(self, pod: Pod) -> str:
        """Of the pod's RuntimeClass; empty for the default. Raises LookupError."""
        ...

    def user_namespace(self, pod: Pod, runtime_handler: str) -> pb.UserNamespace | None:
        """Mappings for `hostUsers: false`. Raises ValueError where the runtime cannot."""
        ...

    async def ensure_image(
        self, pod: Pod, container: Container, runtime_handler: str, sandbox_config: pb.PodSandboxConfig
    ) -> ImageRef:
        """Raises ImageError."""
        ...

    async def ensure_volume_image(
        self, pod: Pod, source: Mapping[str, Any], runtime_handler: str, sandbox_config: pb.PodSandboxConfig
    ) -> ImageRef:
        """`source` is an image volume's. Raises ImageError."""
        ...

    async def environment(self, pod: Pod, container: Container, pod_ips: Sequence[str]) -> list[tuple[str, str]]:
        """Raises ConfigError."""
        ...

    def mounts(
        self, pod: Pod, container: Container, environment: Sequence[tuple[str, str]], pod_ips: Sequence[str]
    ) -> list[Mount]:
        """Volumes and /etc/hosts. Raises VolumeError."""
        ...

    def resources_given(self, pod: Pod, container: str) -> None:
        """The container has (at its start, or now) the resources that the pod's spec says."""
        ...

    def grow_cgroup(self, pod: Pod) -> None:
        """Makes room in the pod's cgroup for the containers' old and new resources. Raises OSError."""
        ...

    def fit_cgroup(self, pod: Pod) -> None:
        """Sets the pod's cgroup to what its spec says. Raises OSError."""
        ...

    async def sandbox_ready(self, pod: Pod) -> None:
        """The sandbox and its network stand: time to say so in the pod's status."""
        ...
