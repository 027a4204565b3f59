"""The CRI's RuntimeService: sandboxes, containers, exec and statistics, one method a call.

Calls answer with the interface's messages (`runtime_pb2`); every failure is a `CRIError`. Timeouts are seconds.
"""

from collections.abc import Mapping, Sequence

from google.protobuf.message import Message

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import Channel, R

_SERVICE = "/runtime.v1.RuntimeService/"

REQUEST_TIMEOUT = 120.0
"""Upstream's runtimeRequestTimeout."""


class RuntimeService:
    def __init__(self, channel: Channel, *, timeout: float = REQUEST_TIMEOUT) -> None:
        self._channel = channel
        self._timeout = timeout

    async def _call(self, method: str, request: Message, response: type[R], timeout: float | None = None) -> R:
        return await self._channel.call(_SERVICE + method, request, response, timeout or self._timeout)

    # -- the runtime itself

    async def version(self) -> pb.VersionResponse:
        return await self._call("Version", pb.VersionRequest(version="v1"), pb.VersionResponse)

    async def status(self, *, verbose: bool = False) -> pb.StatusResponse:
        return await self._call("Status", pb.StatusRequest(verbose=verbose), pb.StatusResponse)

    async def runtime_config(self) -> pb.RuntimeConfigResponse:
        """Unimplemented before containerd 2: callers fall back to configuration."""
        return await self._call("RuntimeConfig", pb.RuntimeConfigRequest(), pb.RuntimeConfigResponse)

    # -- sandboxes

    async def run_pod_sandbox(self, config: pb.PodSandboxConfig, *, runtime_handler: str = "") -> str:
        """Starts a sandbox (its network included) and returns its id."""
        request = pb.RunPodSandboxRequest(config=config, runtime_handler=runtime_handler)
        # Upstream doubles the timeout: the pause image may have to be pulled.
        answer = await self._call("RunPodSandbox", request, pb.RunPodSandboxResponse, 2 * self._timeout)
        return answer.pod_sandbox_id

    async def stop_pod_sandbox(self, sandbox_id: str) -> None:
        request = pb.StopPodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self._call("StopPodSandbox", request, pb.StopPodSandboxResponse)

    async def remove_pod_sandbox(self, sandbox_id: str) -> None:
        request = pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self._call("RemovePodSandbox", request, pb.RemovePodSandboxResponse)

    async def pod_sandbox_status(self, sandbox_id: str, *, verbose: bool = False) -> pb.PodSandboxStatusResponse:
        request = pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id, verbose=verbose)
        return await self._call("PodSandboxStatus", request, pb.PodSandboxStatusResponse)

    async def list_pod_sandboxes(self, filter_: pb.PodSandboxFilter | None = None) -> list[pb.PodSandbox]:
        request = pb.ListPodSandboxRequest(filter=filter_)
        return list((await self._call("ListPodSandbox", request, pb.ListPodSandboxResponse)).items)

    # -- containers

    async def create_container(
        self, sandbox_id: str, config: pb.ContainerConfig, sandbox_config: pb.PodSandboxConfig
    ) -> str:
        request = pb.CreateContainerRequest(pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox_config)
        return (await self._call("CreateContainer", request, pb.CreateContainerResponse)).container_id

    async def start_container(self, container_id: str) -> None:
        await self._call(
            "StartContainer", pb.StartContainerRequest(container_id=container_id), pb.StartContainerResponse
        )

    async def stop_container(self, container_id: str, grace_period: int) -> None:
        """Stop signal, then after `grace_period` seconds SIGKILL. The RPC's own deadline must outlast it: a call that
        times out has stopped nothing."""
        request = pb.StopContainerRequest(container_id=container_id, timeout=grace_period)
        await self._call("StopContainer", request, pb.StopContainerResponse, self._timeout + grace_period)

    async def remove_container(self, container_id: str) -> None:
        request = pb.RemoveContainerRequest(container_id=container_id)
        await self._call("RemoveContainer", request, pb.RemoveContainerResponse)

    async def list_containers(self, filter_: pb.ContainerFilter | None = None) -> list[pb.Container]:
        request = pb.ListContainersRequest(filter=filter_)
        return list((await self._call("ListContainers", request, pb.ListContainersResponse)).containers)

    async def container_status(self, container_id: str, *, verbose: bool = False) -> pb.ContainerStatusResponse:
        request = pb.ContainerStatusRequest(container_id=container_id, verbose=verbose)
        return await self._call("ContainerStatus", request, pb.ContainerStatusResponse)

    async def update_container_resources(
        self, container_id: str, linux: pb.LinuxContainerResources, annotations: Mapping[str, str] | None = None
    ) -> None:
        request = pb.UpdateContainerResourcesRequest(
            container_id=container_id, linux=linux, annotations=dict(annotations or {})
        )
        await self._call("UpdateContainerResources", request, pb.UpdateContainerResourcesResponse)

    async def reopen_container_log(self, container_id: str) -> None:
        request = pb.ReopenContainerLogRequest(container_id=container_id)
        await self._call("ReopenContainerLog", request, pb.ReopenContainerLogResponse)

    # -- streams

    async def exec_sync(self, container_id: str, command: Sequence[str], timeout: float = 0) -> pb.ExecSyncResponse:
        """Runs a command to its end. `timeout` 0 waits for ever; past it the call fails with DeadlineExceeded."""
        request = pb.ExecSyncRequest(container_id=container_id, cmd=command, timeout=int(timeout))
        deadline = timeout + self._timeout if timeout else None
        return await self._channel.call(_SERVICE + "ExecSync", request, pb.ExecSyncResponse, deadline)

    async def exec(
        self, container_id: str, command: Sequence[str], *, tty: bool, stdin: bool, stdout: bool, stderr: bool
    ) -> str:
        """The one-time URL of a stream on the runtime's own server."""
        request = pb.ExecRequest(
            container_id=container_id, cmd=command, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr
        )
        return (await self._call("Exec", request, pb.ExecResponse)).url

    async def attach(self, container_id: str, *, tty: bool, stdin: bool, stdout: bool, stderr: bool) -> str:
        request = pb.AttachRequest(container_id=container_id, tty=tty, stdin=stdin, stdout=stdout, stderr=stderr)
        return (await self._call("Attach", request, pb.AttachResponse)).url

    async def port_forward(self, sandbox_id: str, ports: Sequence[int] = ()) -> str:
        request = pb.PortForwardRequest(pod_sandbox_id=sandbox_id, port=ports)
        return (await self._call("PortForward", request, pb.PortForwardResponse)).url

    # -- statistics

    async def container_stats(self, container_id: str) -> pb.ContainerStats:
        request = pb.ContainerStatsRequest(container_id=container_id)
        return (await self._call("ContainerStats", request, pb.ContainerStatsResponse)).stats

    async def list_container_stats(self, filter_: pb.ContainerStatsFilter | None = None) -> list[pb.ContainerStats]:
        request = pb.ListContainerStatsRequest(filter=filter_)
        return list((await self._call("ListContainerStats", request, pb.ListContainerStatsResponse)).stats)
