"""The loop of one probe of one container."""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta, times
from pynetes.component import clock
from pynetes.kubelet import pod as pods
from pynetes.kubelet.probes import measures
from pynetes.kubelet.probes.prober import Prober
from pynetes.kubelet.probes.results import FIELDS, ProbeType, Results
from pynetes.kubelet.probes.verdict import INITIAL, Verdict
from pynetes.kubelet.runtime import restart_policy

_RESTART_GRACE = 10.0
"""A container that ran this long before the kubelet started was running before: its old status holds at first."""


class Surroundings(Struct, frozen=True):
    """What workers ask about their pod. `status` is the status manager's latest, None before the first."""

    pod: Callable[[str], dict[str, Any] | None]
    status: Callable[[str], dict[str, Any] | None]
    started_at: float
    """Wall-clock second at which this kubelet started."""


class ProbeWorker:
    """Probes one container of a pod in its period; what comes of it goes into `results`, by the container's id."""

    def __init__(
        self,
        kind: ProbeType,
        pod: dict[str, Any],
        container: dict[str, Any],
        prober: Prober,
        results: Results,
        around: Surroundings,
    ) -> None:
        self.kind, self.container = kind, container
        self.uid = pods.uid(pod)
        self._pod, self._prober, self._results, self._around = pod, prober, results, around
        self.spec = container[FIELDS[kind]]
        self._period = float(self.spec.get("periodSeconds") or 10)
        self._verdict = Verdict(kind, self.spec.get("successThreshold") or 1, self.spec.get("failureThreshold") or 3)
        self.container_id = ""
        self._trigger = asyncio.Event()

    def trigger(self) -> None:
        """Probe now instead of at the next period."""
        self._trigger.set()

    async def run(self) -> None:
        """Until the pod ends or the task is cancelled."""
        try:
            # After a restart of the kubelet, not all probes of all pods in the same moment.
            if clock.time_seconds() - self._around.started_at < self._period and self._ran_before():
                await clock.sleep(random.random() * self._period)
            while await self._turn():
                try:
                    async with asyncio.timeout(self._period):
                        await self._trigger.wait()
                except TimeoutError:
                    pass
        finally:
            if self.container_id:
                self._results.remove(self.container_id)
            measures.ended(self.kind, self._pod, self.container)

    async def _turn(self) -> bool:
        """`once`; a trigger while it runs counts: what the probe looked at may have changed since."""
        self._trigger.clear()
        return await self.once()

    def _ran_before(self) -> bool:
        status = _container_status(self._around.status(self.uid) or {}, self.container["name"])
        return status is not None and self._survived_restart(status)

    def _survived_restart(self, status: Mapping[str, Any]) -> bool:
        started = _started_at(status)
        return started is not None and started < self._around.started_at - _RESTART_GRACE

    async def once(self) -> bool:
        """One turn; False when there is nothing left to probe."""
        api_status = self._around.status(self.uid)
        if api_status is None:
            return True
        if api_status.get("phase") in ("Succeeded", "Failed"):
            return False
        status = _container_status(api_status, self.container["name"])
        if status is None or not status.get("containerID"):
            return True
        if status["containerID"] != self.container_id:
            self._new_container(status)
        if self._verdict.on_hold:
            return True
        state = status.get("state") or {}
        if "running" not in state:
            self._results.set(self.container_id, "failure", self.uid)
            return self._may_come_back(state, api_status)
        pod = self._around.pod(self.uid) or self._pod
        if meta.is_deleting(pod) and self.kind != "readiness":
            # A quiet end: nothing is killed for its health any more.
            self._results.set(self.container_id, "success", self.uid)
            return False
        if self._too_early(status):
            return True
        return await self._probe(pod, api_status)

    def _too_early(self, status: Mapping[str, Any]) -> bool:
        started = _started_at(status)
        delay = self.spec.get("initialDelaySeconds") or 0
        if started is not None and int(clock.time_seconds() - started) < delay:
            return True
        # Startup probes until the container has started, the others only from then on.
        return bool(status.get("started")) == (self.kind == "startup")

    def _new_container(self, status: Mapping[str, Any]) -> None:
        if self.container_id:
            self._results.remove(self.container_id)
        self.container_id = status["containerID"]
        self._verdict.new_container()
        if self.kind == "startup" and status.get("started") and pods.is_sidecar(self.container):
            # What had started before the kubelet restarted holds back no other container (upstream #136910).
            self._results.set(self.container_id, "success", self.uid)
        if not self._survived_restart(status):
            self._results.set(self.container_id, INITIAL[self.kind], self.uid)

    def _may_come_back(self, state: Mapping[str, Any], api_status: Mapping[str, Any]) -> bool:
        terminated = state.get("terminated")
        if terminated is None:
            return True
        spec = self._pod["spec"]
        if restart_policy.restarts_after_exit(self.container, spec, int(terminated.get("exitCode") or 0)):
            return True
        return restart_policy.should_restart_all(self._pod, None, api_status)

    async def _probe(self, pod: dict[str, Any], api_status: Mapping[str, Any]) -> bool:
        container_id = self.container_id
        raw_id = container_id.partition("://")[2]
        healthy = await self._prober.probe(self.kind, pod, self.container, raw_id, api_status.get("podIP") or "")
        if healthy is None:
            return True
        result = self._verdict.add(healthy)
        if result is not None:
            self._results.set(container_id, result, self.uid)
        return True


def _container_status(api_status: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    for kind in ("containerStatuses", "initContainerStatuses"):
        for status in api_status.get(kind) or ():
            if status["name"] == name:
                return dict(status)
    return None


def _started_at(status: Mapping[str, Any]) -> float | None:
    text = ((status.get("state") or {}).get("running") or {}).get("startedAt")
    return times.parse_time(text).timestamp() if text else None
