"""Carries out what `compute_actions` decides: the runtime half of a pod's sync (upstream: kuberuntime SyncPod)."""

import logging
from typing import Any

from pynetes.apimachinery import times
from pynetes.component import clock
from pynetes.kubelet import measures
from pynetes.kubelet import pod as pods
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.runtime import paths
from pynetes.kubelet.runtime.actions import PodActions, ProbeView
from pynetes.kubelet.runtime.backoff import Backoff
from pynetes.kubelet.runtime.compute_actions import compute_pod_actions
from pynetes.kubelet.runtime.inspect import RuntimeInspector, sandbox_status
from pynetes.kubelet.runtime.killer import Killer, KillError
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus, State
from pynetes.kubelet.runtime.resizer import Resizer
from pynetes.kubelet.runtime.sandbox_config import sandbox_config
from pynetes.kubelet.runtime.security_context import SecurityContextError
from pynetes.kubelet.runtime.starter import Directories, Sandbox, Starter, StartError
from pynetes.kubelet.runtime.support import PodSupport
from pynetes.kubelet.runtime.sync_result import SyncResult
from pynetes.kubelet.runtime.uninterrupted import uninterrupted

log = logging.getLogger(__name__)

Pod = dict[str, Any]
Container = dict[str, Any]


class RuntimeManager:
    """Pods in the container runtime. `support` is what it needs of the rest of the kubelet; `backoff` tells how long a
    container that keeps dying waits."""

    def __init__(
        self,
        runtime: RuntimeService,
        inspector: RuntimeInspector,
        starter: Starter,
        killer: Killer,
        events: PodEvents,
        support: PodSupport,
        *,
        directories: Directories,
        cluster_domain: str,
        backoff: Backoff | None = None,
    ) -> None:
        self._runtime, self._inspector, self._starter, self._killer = runtime, inspector, starter, killer
        self._events, self._support, self._directories = events, support, directories
        self._cluster_domain = cluster_domain
        self._resizer = Resizer(runtime, support, starter.node)
        self.backoff = backoff or Backoff()

    async def sync_pod(
        self, pod: Pod, status: PodStatus, probes: ProbeView, *, restart_all_containers: bool = False
    ) -> SyncResult:
        """Brings the pod's sandbox and containers to what the spec wants. Never raises for what can go wrong outside:
        the result says it."""
        actions = compute_pod_actions(pod, status, probes, restart_all_containers=restart_all_containers)
        result = SyncResult(changed=not actions.idle)
        if actions.idle:
            return result
        if actions.create_sandbox and actions.sandbox_id:
            message = "Pod sandbox changed, it will be killed and re-created."
            self._events.pod(pod, "Normal", "SandboxChanged", message)
        if not await self._stop_what_must_stop(pod, status, actions, result):
            return result
        await self._prune_init_containers(pod, status, keep=0 if actions.create_sandbox else 1)
        if actions.containers_to_update:
            await self._resizer.resize(pod, actions.containers_to_update, result)
        if self._starts_nothing(actions):
            return result
        sandbox = await self._sandbox(pod, status, actions, result)
        if sandbox is not None:
            await self._start_containers(pod, status, actions, sandbox, result)
        return result

    async def kill_pod(self, pod: Pod | None, status: PodStatus, grace_period: int | None) -> None:
        """Raises KillError."""
        await self._killer.kill_pod(pod, status, grace_period)

    async def remove_pod(self, status: PodStatus) -> None:
        """Makes the runtime forget a dead pod."""
        for found in status.containers:
            await self._remove_container(found.id)
        for sandbox in status.sandboxes:
            try:
                await self._runtime.remove_pod_sandbox(sandbox.id)
            except CRIError as error:
                log.warning("sandbox %s stays for the next collection: %s", sandbox.id, error)

    # -- stopping

    async def _stop_what_must_stop(self, pod: Pod, status: PodStatus, actions: PodActions, result: SyncResult) -> bool:
        if actions.kill_pod:
            try:
                await self._killer.kill_pod(pod, status, None)
            except KillError as error:
                result.fail(str(error))
                return False
            return True
        for kill in actions.containers_to_kill.values():
            found = next(c for c in status.containers if c.id == kill.container_id)
            if not await self._kill(pod, found, kill.message, kill.reason, result):
                return False
        for reset in actions.containers_to_reset:
            found = next(c for c in status.containers if c.id == reset.container_id)
            if reset.kill and not await self._kill(pod, found, "killing", "RestartAllContainers", result, grace=0):
                return False
            await self._remove_container(reset.container_id)
            result.next_step = True
        return True

    async def _kill(
        self, pod: Pod, found: ContainerStatus, message: str, reason: Any, result: SyncResult, grace: int | None = None
    ) -> bool:
        try:
            await self._killer.kill_container(pod, found, message, reason, grace_override=grace)
        except CRIError as error:
            result.fail(f'failed to "KillContainer" for "{found.name}" with KillContainerError: "{error}"')
            return False
        return True

    async def _prune_init_containers(self, pod: Pod, status: PodStatus, *, keep: int) -> None:
        """Old instances of init containers go before new ones come, so that collection has less to do."""
        for container in pods.init_containers(pod):
            ended = [c for c in status.containers if c.name == container["name"] and c.state is not State.RUNNING]
            if keep:
                ended = [c for c in ended if c.state is not State.CREATED]
            for found in ended[keep:]:
                await self._remove_container(found.id)

    async def _remove_container(self, container_id: str) -> None:
        try:
            await self._runtime.remove_container(container_id)
        except CRIError as error:
            if not error.not_found:
                log.warning("container %s stays for the next collection: %s", container_id, error)

    # -- sandbox

    @staticmethod
    def _starts_nothing(actions: PodActions) -> bool:
        starts = actions.init_containers_to_start, actions.containers_to_start, actions.ephemeral_containers_to_start
        return not actions.create_sandbox and not any(starts)

    async def _sandbox(self, pod: Pod, status: PodStatus, actions: PodActions, result: SyncResult) -> Sandbox | None:
        try:
            handler = await self._support.runtime_handler(pod)
            config = self._sandbox_config(pod, actions.attempt, handler)
        except (ValueError, OSError, LookupError, SecurityContextError) as error:
            self._sandbox_failed(pod, str(error), result)
            return None
        if not actions.create_sandbox:
            return Sandbox(actions.sandbox_id, config, status.ips, handler)
        return await self._create_sandbox(pod, status, config, handler, result)

    def _sandbox_config(self, pod: Pod, attempt: int, handler: str) -> pb.PodSandboxConfig:
        dns = self._support.dns(pod)
        for reason, message in dns.warnings:
            self._events.pod(pod, "Warning", reason, message)
        return sandbox_config(
            pod,
            attempt,
            dns=dns,
            log_directory=str(paths.pod_log_directory(self._directories.logs, pod)),
            cgroup_parent=self._support.cgroup_parent(pod),
            cluster_domain=self._cluster_domain,
            user_namespace=self._support.user_namespace(pod, handler),
        )

    def _sandbox_failed(self, pod: Pod, why: str, result: SyncResult) -> None:
        self._events.pod(pod, "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {why}")
        what = f'failed to "CreatePodSandbox" for "{pods.describe(pod)}" with CreatePodSandboxError'
        result.fail(f'{what}: "Failed to create sandbox for pod \\"{pods.describe(pod)}\\": {why}"')

    async def _create_sandbox(
        self, pod: Pod, status: PodStatus, config: pb.PodSandboxConfig, handler: str, result: SyncResult
    ) -> Sandbox | None:
        try:
            # World-readable, as log shippers need it.
            paths.pod_log_directory(self._directories.logs, pod).mkdir(mode=0o755, parents=True, exist_ok=True)
            sandbox_id = await uninterrupted(self._runtime.run_pod_sandbox(config, runtime_handler=handler))
        except (CRIError, OSError) as error:
            measures.pod_started(failed=True)
            self._sandbox_failed(pod, str(error), result)
            return None
        measures.pod_started()
        ips = status.ips
        if not pods.uses_host_network(pod):
            try:
                answer = await self._runtime.pod_sandbox_status(sandbox_id)
            except CRIError as error:
                message = f"Unable to get pod sandbox status: {error}"
                self._events.pod(pod, "Warning", "FailedPodSandBoxStatus", message)
                result.fail(message)
                return None
            ips = list(sandbox_status(answer.status).ips)
        await self._support.sandbox_ready(pod)
        return Sandbox(sandbox_id, config, ips, handler)

    # -- starting

    async def _start_containers(
        self, pod: Pod, status: PodStatus, actions: PodActions, sandbox: Sandbox, result: SyncResult
    ) -> None:
        for index in actions.ephemeral_containers_to_start:
            await self._start(pod, pods.ephemeral_containers(pod)[index], sandbox, status, result)
        for index in actions.init_containers_to_start:
            container = pods.init_containers(pod)[index]
            started = await self._start(pod, container, sandbox, status, result)
            if started and pods.is_sidecar(container):
                result.next_step = True
            elif not started and not pods.is_sidecar(container):
                return
        for index in actions.containers_to_start:
            await self._start(pod, pods.containers(pod)[index], sandbox, status, result)

    async def _start(
        self, pod: Pod, container: Container, sandbox: Sandbox, status: PodStatus, result: SyncResult
    ) -> bool:
        name = container["name"]
        try:
            self._check_backoff(pod, container, status, result)
            await self._try(pod, container, sandbox, status)
        except StartError as error:
            result.start_errors[name] = (error.reason, error.message)
            result.fail(f'failed to "StartContainer" for "{name}" with {error.reason}: "{error.message}"')
            return False
        result.start_errors[name] = None
        return True

    async def _try(self, pod: Pod, container: Container, sandbox: Sandbox, status: PodStatus) -> None:
        """Raises StartError."""
        try:
            await self._starter.start(pod, container, sandbox, status)
        except StartError as error:
            measures.container_started(pod, container["name"], error.reason)
            raise
        measures.container_started(pod, container["name"])

    def _check_backoff(self, pod: Pod, container: Container, status: PodStatus, result: SyncResult) -> None:
        """Raises StartError while the container must wait after its last end."""
        name = container["name"]
        found = next((c for c in status.containers if c.name == name and c.state is State.EXITED), None)
        if found is None:
            return
        ended = found.finished_at / 1e9
        key = f"{pods.uid(pod)}/{name}/{container.get('image')}/{container.get('resources')}"
        if self.backoff.in_backoff_since(key, ended):
            where = pods.describe(pod)
            message = f"Back-off restarting failed container {name} in pod {where}"
            self._events.container(pod, container, "Warning", "BackOff", message)
            delay = self.backoff.get(key)
            result.wait(max(ended + delay - clock.time_seconds(), 0.0))
            shown = times.format_duration(delay)
            raise StartError("CrashLoopBackOff", f"back-off {shown} restarting failed container={name} pod={where}")
        self.backoff.next(key, ended)
