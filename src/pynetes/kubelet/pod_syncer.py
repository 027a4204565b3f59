"""What pod workers do: bring a pod up, end it, clean up after it (upstream: syncPod and its siblings)."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from pynetes.apimachinery import meta, times
from pynetes.component import clock
from pynetes.kubelet import pod as pods
from pynetes.kubelet.admit import Rejection
from pynetes.kubelet.allocation import Allocations, larger, spec_resources, with_resources
from pynetes.kubelet.cgroups import PodCgroups
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.objects import NodeObjects
from pynetes.kubelet.pleg import PLEG
from pynetes.kubelet.pod_workers import NetworkNotReady, StatusChange, SyncFailed, SyncOutcome
from pynetes.kubelet.probes.manager import ProbeManager
from pynetes.kubelet.runtime.killer import KillError
from pynetes.kubelet.runtime.manager import RuntimeManager
from pynetes.kubelet.runtime.pod_status import PodStatus, State
from pynetes.kubelet.runtime.restart_policy import should_restart_all
from pynetes.kubelet.runtime.sync_result import SyncResult
from pynetes.kubelet.runtime_state import RuntimeState
from pynetes.kubelet.static_pods import MirrorClient
from pynetes.kubelet.status.container_statuses import StatusInputs
from pynetes.kubelet.status.manager import StatusManager
from pynetes.kubelet.status.pod_status import Eviction, Surroundings, pod_status
from pynetes.kubelet.user_namespaces import UserNamespaces
from pynetes.kubelet.volumes import VolumeError, VolumeManager

log = logging.getLogger(__name__)

Pod = dict[str, Any]

_DEADLINE = Eviction("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
_NETWORK_NOT_READY = "network is not ready"


class NodePodSyncer(Struct):
    """`pod_workers.PodSyncer` for a whole kubelet. `objects` and `mirrors` are None on a standalone node."""

    config: KubeletConfig
    events: PodEvents
    pleg: PLEG
    runtime: RuntimeManager
    runtime_state: RuntimeState
    statuses: StatusManager
    probes: ProbeManager
    volumes: VolumeManager
    cgroups: PodCgroups | None
    user_namespaces: UserNamespaces
    objects: NodeObjects | None
    mirrors: MirrorClient | None
    host_ips: Callable[[], Sequence[str]]
    allocations: Allocations
    admit: Callable[[Pod, list[Pod]], Rejection | None]
    other_pods: Callable[[Pod], list[Pod]]
    start_errors: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    """Why containers did not start, by pod uid and container."""

    # -- status

    async def _runtime_status(self, uid: str) -> PodStatus:
        try:
            return await self.pleg.status(uid)
        except CRIError as error:
            raise SyncFailed(f"the runtime's status cannot be read: {error}", 1.0) from None

    def _api_status(self, pod: Pod, runtime: PodStatus, *, is_terminal: bool = False) -> dict[str, Any]:
        old = self.statuses.latest(pod)
        inputs = StatusInputs(
            start_errors=self.start_errors.get(pods.uid(pod), {}),
            restarting_all=should_restart_all(pod, runtime, old),
            recursive_read_only=self.runtime_state.recursive_read_only(),
            actuated=self.allocations.actuated(pods.uid(pod)),
        )
        around = Surroundings(
            host_ips=self.host_ips(),
            update_from_probes=self.probes.update_status,
            resize_conditions=() if is_terminal else self.allocations.conditions(pods.uid(pod)),
            eviction=self._deadline(pod, old),
        )
        return pod_status(pod, runtime, old, inputs, around, is_terminal=is_terminal)

    def _deadline(self, pod: Pod, status: dict[str, Any]) -> Eviction | None:
        if not past_deadline(pod, status, clock.time_seconds()):
            return None
        if status.get("phase") not in ("Succeeded", "Failed"):
            self.events.pod(pod, "Normal", _DEADLINE.reason, _DEADLINE.message)
        return _DEADLINE

    async def sandbox_ready(self, pod: Pod) -> None:
        """The pod has its network: its address and PodReadyToStartContainers are shown before images are pulled."""
        self.pleg.invalidate(pods.uid(pod))
        runtime = await self.pleg.status(pods.uid(pod))
        self.statuses.set_pod_status(pod, self._api_status(pod, runtime))

    # -- a pod that should run

    async def sync_pod(self, pod: Pod) -> SyncOutcome:
        uid = pods.uid(pod)
        runtime = await self._runtime_status(uid)
        pod = self.allocations.resolve(pod, self.admit, self.other_pods(pod))
        self.allocations.settle(pod, [c.name for c in runtime.running()])
        status = self._api_status(pod, runtime)
        self.statuses.set_pod_status(pod, status)
        if status["phase"] in ("Succeeded", "Failed"):
            return SyncOutcome(terminal=True)
        self._check_network(pod)
        await self._prepare(pod)
        self.probes.add_pod(pod)
        runtime = replace(runtime, ips=[entry["ip"] for entry in status.get("podIPs") or ()])
        restarting = meta.is_condition_true(status["conditions"], "AllContainersRestarting")
        result = await self._sync_runtime(pod, runtime, restarting)
        self._note_start_errors(uid, result)
        if result.resize_error:
            self.allocations.failed(pod, result.resize_error)
        if result.changed:
            await self._show(pod)
        if result.error:
            raise SyncFailed(result.error, self._retry_after(pod, result))
        if result.next_step:
            return SyncOutcome(again_after=0.0)
        return SyncOutcome(again_after=self._until_deadline(pod))

    async def _sync_runtime(self, pod: Pod, runtime: PodStatus, restarting: bool) -> SyncResult:
        try:
            view = replace(self.probes.view(), actuated=self.allocations.actuated(pods.uid(pod)))
            return await self.runtime.sync_pod(pod, runtime, view, restart_all_containers=restarting)
        finally:
            self.pleg.invalidate(pods.uid(pod))

    async def _show(self, pod: Pod) -> None:
        """What was just done is in the status at once, without waiting for anyone to notice."""
        runtime = await self._runtime_status(pods.uid(pod))
        self.allocations.settle(pod, [c.name for c in runtime.running()])
        self.statuses.set_pod_status(pod, self._api_status(pod, runtime))

    def _check_network(self, pod: Pod) -> None:
        if self.runtime_state.network_ready or pods.uses_host_network(pod):
            return
        text = f"{_NETWORK_NOT_READY}: " + ("; ".join(self.runtime_state.errors()) or "no answer from the runtime yet")
        self.events.pod(pod, "Warning", "NetworkNotReady", text)
        raise NetworkNotReady(text)

    async def _prepare(self, pod: Pod) -> None:
        """Everything a pod needs before its sandbox: objects, cgroup, mirror, directories, volumes."""
        if self.objects is not None:
            self.objects.register(pod)
        if self.cgroups is not None:
            try:
                # While a resize is under way, the cgroup has room for what was and for what will be.
                actuated = self.allocations.actuated(pods.uid(pod))
                self.cgroups.ensure(with_resources(pod, larger(spec_resources(pod), actuated)))
            except OSError as error:
                message = f"unable to ensure pod container exists: {error}"
                self.events.pod(pod, "Warning", "FailedCreatePodContainer", message)
                raise SyncFailed(message) from None
        if self.mirrors is not None and pods.is_static(pod):
            await self.mirrors.ensure(pod)
        try:
            await self.volumes.mount_pod(pod)
        except VolumeError as error:
            self.events.pod(pod, "Warning", "FailedMount", str(error))
            raise SyncFailed(str(error), 1.0) from None
        except OSError as error:
            self.events.pod(pod, "Warning", "Failed", f"error making pod data directories: {error}")
            raise SyncFailed(str(error)) from None

    def _note_start_errors(self, uid: str, result: SyncResult) -> None:
        known = self.start_errors.setdefault(uid, {})
        for name, error in result.start_errors.items():
            if error is None:
                known.pop(name, None)
            else:
                known[name] = error

    def _retry_after(self, pod: Pod, result: SyncResult) -> float | None:
        if result.retry_after is None:
            return None
        deadline = self._until_deadline(pod)
        return result.retry_after if deadline is None else min(result.retry_after, deadline)

    def _until_deadline(self, pod: Pod) -> float | None:
        left = seconds_to_deadline(pod, self.statuses.latest(pod), clock.time_seconds())
        return None if left is None or left > self.config.sync_frequency else max(left, 0.0)

    # -- a pod that must end

    async def sync_terminating_pod(self, pod: Pod, grace_period: int, status: StatusChange | None) -> None:
        uid, pod = pods.uid(pod), self.allocations.allocated(pod)
        self.pleg.invalidate(uid)
        runtime = await self._runtime_status(uid)
        shown = self._api_status(pod, runtime)
        if status is not None:
            status(shown)
        self.statuses.set_pod_status(pod, shown)
        self.probes.stop_liveness_and_startup(uid)
        await self._kill(pod, runtime, grace_period)
        self.probes.remove_pod(uid)
        runtime = await self._stopped(uid)
        self.statuses.set_pod_status(pod, self._api_status(pod, runtime, is_terminal=True))

    async def _kill(self, pod: Pod, runtime: PodStatus, grace_period: int) -> None:
        try:
            await self.runtime.kill_pod(pod, runtime, grace_period)
        except KillError as error:
            self.events.pod(pod, "Warning", "FailedKillPod", f"error killing pod: {error}")
            raise SyncFailed(f"error killing terminating pod: {error}", 1.0) from None
        finally:
            self.pleg.invalidate(pods.uid(pod))

    async def _stopped(self, uid: str) -> PodStatus:
        """The runtime's word that nothing runs: it may follow a stop by a moment."""
        for _ in range(20):
            runtime = await self._runtime_status(uid)
            alive = [c.name for c in runtime.containers if c.state is State.RUNNING]
            if not alive:
                return runtime
            self.pleg.invalidate(uid)
            await clock.sleep(0.05)
        raise SyncFailed(f"detected running containers after a successful KillPod, CRI violation: {alive}", 1.0)

    async def sync_terminating_runtime_pod(self, uid: str) -> None:
        runtime = await self._runtime_status(uid)
        try:
            await self.runtime.kill_pod(None, runtime, None)
        except KillError as error:
            raise SyncFailed(f"error killing orphaned pod: {error}", 1.0) from None
        finally:
            self.pleg.invalidate(uid)
        await self._release(uid)
        await self.runtime.remove_pod(await self._runtime_status(uid))
        self.pleg.forget(uid)

    # -- a pod that has ended

    async def sync_terminated_pod(self, pod: Pod) -> None:
        uid, pod = pods.uid(pod), self.allocations.allocated(pod)
        runtime = await self._runtime_status(uid)
        self.statuses.set_pod_status(pod, self._api_status(pod, runtime, is_terminal=True))
        await self._release(uid)
        self.statuses.terminate_pod(pod)
        self.start_errors.pop(uid, None)

    async def _release(self, uid: str) -> None:
        """Gives back what the pod held on the node."""
        try:
            await self.volumes.unmount_pod(uid)
            if self.objects is not None:
                self.objects.unregister(uid)
            if self.cgroups is not None:
                await self.cgroups.remove(uid)
            await asyncio.to_thread(self.user_namespaces.release, uid)
        except OSError as error:
            raise SyncFailed(f"cleaning up after the pod failed: {error}", 1.0) from None

    async def forget(self, uid: str) -> None:
        """The pod's object is gone too: the runtime need not remember its containers either."""
        if uid in self.pleg.runtime_pods:
            try:
                self.pleg.invalidate(uid)
                await self.runtime.remove_pod(await self.pleg.status(uid))
            except CRIError as error:
                log.info("containers of pod %s stay for the next collection: %s", uid, error)
        self.pleg.forget(uid)
        self.allocations.forget(uid)
        self.start_errors.pop(uid, None)


def seconds_to_deadline(pod: Pod, status: dict[str, Any], now: float) -> float | None:
    """None without activeDeadlineSeconds, or before the pod has started."""
    deadline = pod["spec"].get("activeDeadlineSeconds")
    start = status.get("startTime")
    if deadline is None or not start:
        return None
    return float(times.parse_time(start).timestamp() + deadline - now)


def past_deadline(pod: Pod, status: dict[str, Any], now: float) -> bool:
    left = seconds_to_deadline(pod, status, now)
    return left is not None and left <= 0
