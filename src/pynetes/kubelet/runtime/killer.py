"""Ends containers: preStop hook, stop signal, grace period, and the pod's order of termination."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from pynetes.component import clock
from pynetes.kubelet import pod as pods
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.runtime import labels
from pynetes.kubelet.runtime.actions import KillReason
from pynetes.kubelet.runtime.hooks import HookError, HookRunner, run_within
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus
from pynetes.kubelet.runtime.termination_order import TerminationOrder

log = logging.getLogger(__name__)

_MINIMUM_GRACE = 2
"""Every container gets a moment to end by itself."""


class KillError(Exception):
    """Something of the pod could not be stopped; the pod worker tries again."""


def grace_period(pod: Mapping[str, Any], container: Mapping[str, Any], reason: KillReason) -> int:
    """Seconds from the pod's deletion, else from the failed probe, else from the spec."""
    deletion = pod["metadata"].get("deletionGracePeriodSeconds")
    if deletion is not None:
        return int(deletion)
    own = pod["spec"].get("terminationGracePeriodSeconds")
    if own is None:
        return _MINIMUM_GRACE
    field = {"StartupProbe": "startupProbe", "LivenessProbe": "livenessProbe"}.get(reason, "")
    from_probe = (container.get(field) or {}).get("terminationGracePeriodSeconds")
    return int(own if from_probe is None else from_probe)


class Killer:
    def __init__(self, runtime: RuntimeService, hooks: HookRunner, events: PodEvents) -> None:
        self._runtime, self._hooks, self._events = runtime, hooks, events

    async def kill_pod(self, pod: Mapping[str, Any] | None, status: PodStatus, grace_override: int | None) -> None:
        """All containers at once (in their order), then the sandboxes. `pod` is None when its object is gone.
        Raises KillError."""
        alive = status.possibly_running()
        order = None
        if pod is not None and pods.has_sidecars(pod):
            order = TerminationOrder(pod, [c.name for c in alive])
        results = await asyncio.gather(
            *(self.kill_container(pod, found, grace_override=grace_override, order=order) for found in alive),
            return_exceptions=True,
        )
        errors = [result for result in results if isinstance(result, Exception)]
        if errors:
            raise KillError("; ".join(f'failed to "KillContainer": {error}' for error in errors))
        for sandbox in status.sandboxes:
            try:
                await self._runtime.stop_pod_sandbox(sandbox.id)
            except CRIError as error:
                if not error.not_found:
                    errors.append(error)
        if errors:
            raise KillError(f'failed to "KillPodSandbox" for "{status.uid}" with KillPodSandboxError: "{errors[0]}"')

    async def kill_container(
        self,
        pod: Mapping[str, Any] | None,
        found: ContainerStatus,
        message: str = "",
        reason: KillReason = "",
        *,
        grace_override: int | None = None,
        order: TerminationOrder | None = None,
    ) -> None:
        """Raises CRIError."""
        spec = pods.find_container(pod, found.name) if pod is not None else None
        if pod is None or spec is None:
            pod, spec = await self._restored(found.id)
        grace = grace_period(pod, spec, reason) if grace_override is None else grace_override
        text = message or f"Stopping container {spec['name']}"
        self._events.container(pod, spec, "Normal", "Killing", text)
        if (handler := (spec.get("lifecycle") or {}).get("preStop")) and grace > 0:
            grace -= await self._pre_stop(pod, spec, found.id, handler, grace)
        if order is not None and grace > 0:
            grace -= int(await order.wait_for_turn(found.name, grace))
        try:
            await self._runtime.stop_container(found.id, max(grace, _MINIMUM_GRACE))
        except CRIError as error:
            if not error.not_found:
                raise
        if order is not None:
            order.terminated(found.name)

    async def _restored(self, container_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Pod and container from what was written on the container when it was made."""
        status = (await self._runtime.container_status(container_id)).status
        return labels.restore(status.labels, status.annotations)

    async def _pre_stop(
        self,
        pod: Mapping[str, Any],
        container: Mapping[str, Any],
        container_id: str,
        handler: Mapping[str, Any],
        grace: int,
    ) -> int:
        """Whole seconds it took, never more than the grace period."""
        start = clock.monotonic()
        try:
            if not await run_within(grace, self._hooks.run(pod, container, container_id, handler)):
                log.info("preStop hook of %s did not end within %d s", container["name"], grace)
        except HookError as error:
            log.info("preStop hook of %s failed: %s", container["name"], error)
            # Not the text: a server's answer may hold secrets.
            self._events.container(pod, container, "Warning", "FailedPreStopHook", "PreStopHook failed")
        return int(clock.monotonic() - start)
