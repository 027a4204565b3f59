"""What starting a pod's containers needs from the rest of the kubelet: images, environment, mounts, cgroups, DNS."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import RUNTIME_CLASSES
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.kubelet import dns, hosts
from pynetes.kubelet.allocation import Allocations, larger, spec_resources, with_resources
from pynetes.kubelet.cgroups import PodCgroups
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.environment import ConfigError, make_environment
from pynetes.kubelet.images import ImageManager
from pynetes.kubelet.images.result import ImageRef
from pynetes.kubelet.objects import CacheError, NodeObjects
from pynetes.kubelet.runtime.hostname import hostname_and_domain
from pynetes.kubelet.runtime.paths import pod_directory
from pynetes.kubelet.runtime_state import RuntimeState
from pynetes.kubelet.user_namespaces import UserNamespaces
from pynetes.kubelet.volumes import Mount, VolumeManager

Pod = dict[str, Any]
Container = dict[str, Any]

_SERVICES_TIMEOUT = 5.0


class NodePodSupport(Struct):
    """`runtime.support.PodSupport` for a whole kubelet. `objects` and `client` are None on a standalone node."""

    config: KubeletConfig
    images: ImageManager
    volumes: VolumeManager
    cgroups: PodCgroups | None
    user_namespaces: UserNamespaces
    runtime_state: RuntimeState
    objects: NodeObjects | None
    client: Client | None
    host_ips: Callable[[], Sequence[str]]
    node: Callable[[], dict[str, Any] | None]
    on_sandbox_ready: Callable[[Pod], Awaitable[None]]
    allocations: Allocations

    def dns(self, pod: Pod) -> dns.DNSConfig:
        return dns.config_for(pod, self.config)

    def cgroup_parent(self, pod: Pod) -> str:
        return self.cgroups.parent(pod) if self.cgroups else ""

    async def runtime_handler(self, pod: Pod) -> str:
        name = pod["spec"].get("runtimeClassName")
        if not name or self.client is None:
            return ""
        try:
            return str((await self.client.get(RUNTIME_CLASSES, name)).get("handler") or "")
        except (StatusError, TransportError) as error:
            raise LookupError(f"failed to get RuntimeClass for {name}: {error}") from None

    def user_namespace(self, pod: Pod, runtime_handler: str) -> pb.UserNamespace | None:
        handler = next((h for h in self.runtime_state.handlers if h.name == runtime_handler), None)
        return self.user_namespaces.of(pod, supported=bool(handler and handler.features.user_namespaces))

    async def ensure_image(
        self, pod: Pod, container: Container, runtime_handler: str, sandbox_config: pb.PodSandboxConfig
    ) -> ImageRef:
        return await self.images.ensure_image(
            pod, container, runtime_handler=runtime_handler, sandbox_config=sandbox_config
        )

    async def ensure_volume_image(
        self, pod: Pod, source: Mapping[str, Any], runtime_handler: str, sandbox_config: pb.PodSandboxConfig
    ) -> ImageRef:
        return await self.images.ensure_volume_image(
            pod, source, runtime_handler=runtime_handler, sandbox_config=sandbox_config
        )

    async def environment(self, pod: Pod, container: Container, pod_ips: Sequence[str]) -> list[tuple[str, str]]:
        uid = pod["metadata"]["uid"]
        services: Sequence[dict[str, Any]] = ()
        if self.objects is not None:
            services = await self._services(self.objects)
            try:
                await self.objects.wait_for(pod)
            except CacheError as error:
                raise ConfigError(str(error)) from None
        return make_environment(
            pod,
            container,
            config_map=self._getter("ConfigMap", pod),
            secret=self._getter("Secret", pod),
            services=services,
            pod_ips=pod_ips,
            host_ips=self.host_ips(),
            node=self.node(),
            volume_path=lambda name: self.volumes.volume_path(uid, name),
        )

    async def _services(self, objects: NodeObjects) -> Sequence[dict[str, Any]]:
        try:
            async with asyncio.timeout(_SERVICES_TIMEOUT):
                await objects.wait_for_services()
        except TimeoutError:
            text = "services have not yet been read at least once, cannot construct envs"
            raise ConfigError(text) from None
        return objects.services()

    def _getter(self, kind: str, pod: Pod) -> Callable[[str], dict[str, Any] | None]:
        if self.objects is None:
            return lambda name: None
        return self.objects.getter(kind, pod["metadata"]["namespace"])

    def mounts(
        self, pod: Pod, container: Container, environment: Sequence[tuple[str, str]], pod_ips: Sequence[str]
    ) -> list[Mount]:
        found = self.volumes.mounts_for(pod, container, dict(environment))
        if hosts.should_mount(pod, container, pod_ips):
            found.append(self._hosts_file(pod, pod_ips))
        return found

    def _hosts_file(self, pod: Pod, pod_ips: Sequence[str]) -> Mount:
        hostname, domain = hostname_and_domain(pod, self.config.cluster_domain)
        path = pod_directory(self.config.root_dir, pod["metadata"]["uid"]) / "etc-hosts"
        text = hosts.content(pod, pod_ips, hostname, domain=domain)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            # In place, never by rename: running containers have the file itself mounted.
            path.write_text(text)
            path.chmod(0o644)
        return Mount(container_path="/etc/hosts", host_path=str(path))

    def resources_given(self, pod: Pod, container: str) -> None:
        self.allocations.set_actuated(pod["metadata"]["uid"], container, spec_resources(pod).get(container) or {})

    def grow_cgroup(self, pod: Pod) -> None:
        if self.cgroups is not None:
            actuated = self.allocations.actuated(pod["metadata"]["uid"])
            self.cgroups.ensure(with_resources(pod, larger(spec_resources(pod), actuated)))

    def fit_cgroup(self, pod: Pod) -> None:
        if self.cgroups is not None:
            self.cgroups.ensure(pod)

    async def sandbox_ready(self, pod: Pod) -> None:
        await self.on_sandbox_ready(pod)
