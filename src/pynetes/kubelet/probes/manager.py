"""Owns the probe workers of all pods and says what they found in the pods' statuses."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.kubelet import pod as pods
from pynetes.kubelet.probes.prober import Prober
from pynetes.kubelet.probes.results import FIELDS, ProbeType, Results
from pynetes.kubelet.probes.worker import ProbeWorker, Surroundings
from pynetes.kubelet.runtime.actions import ProbeView

_RESTART_GRACE = 10.0


class ProbeManager:
    def __init__(self, tasks: Tasks, prober: Prober, around: Surroundings) -> None:
        self._tasks, self._prober, self._around = tasks, prober, around
        self.results: dict[ProbeType, Results] = {kind: Results() for kind in FIELDS}
        self._workers: dict[tuple[str, str, ProbeType], tuple[ProbeWorker, asyncio.Task[None]]] = {}

    def view(self) -> ProbeView:
        """For `compute_pod_actions`."""
        return ProbeView(self.results["liveness"].by_container, self.results["startup"].by_container)

    def add_pod(self, pod: dict[str, Any]) -> None:
        """Starts the workers that are missing. Called at every sync of the pod."""
        sidecars = [c for c in pods.init_containers(pod) if pods.is_sidecar(c)]
        for container in [*pods.containers(pod), *sidecars]:
            for kind, field in FIELDS.items():
                key = (pods.uid(pod), container["name"], kind)
                if container.get(field) and key not in self._workers:
                    worker = ProbeWorker(kind, pod, container, self._prober, self.results[kind], self._around)
                    name = f"{kind}-{meta.key(pod)}-{container['name']}"
                    task = self._tasks.start(worker.run(), name=name, crash=False)
                    self._workers[key] = (worker, task)
                    task.add_done_callback(lambda _, key=key, worker=worker: self._ended(key, worker))  # type: ignore[misc]

    def _ended(self, key: tuple[str, str, ProbeType], worker: ProbeWorker) -> None:
        found = self._workers.get(key)
        if found and found[0] is worker:
            del self._workers[key]

    def remove_pod(self, uid: str) -> None:
        self._stop(uid, tuple(FIELDS))

    def stop_liveness_and_startup(self, uid: str) -> None:
        """While a pod ends only its readiness is still of interest."""
        self._stop(uid, ("liveness", "startup"))

    def _stop(self, uid: str, kinds: tuple[ProbeType, ...]) -> None:
        for key, (_, task) in list(self._workers.items()):
            if key[0] == uid and key[2] in kinds:
                task.cancel()

    def cleanup(self, desired: set[str]) -> None:
        for uid in {key[0] for key in self._workers} - desired:
            self.remove_pod(uid)

    def _worker(self, uid: str, container: str, kind: ProbeType) -> ProbeWorker | None:
        found = self._workers.get((uid, container, kind))
        return found[0] if found else None

    # -- what probes say, written into a status

    def update_status(self, pod: Mapping[str, Any], status: dict[str, Any]) -> None:
        """Sets `started` and `ready` of every container status."""
        for container_status in status.get("containerStatuses") or ():
            container = next((c for c in pods.containers(pod) if c["name"] == container_status["name"]), None)
            self._update(pod, container, container_status)
        for container_status in status.get("initContainerStatuses") or ():
            container = next((c for c in pods.init_containers(pod) if c["name"] == container_status["name"]), None)
            if container is not None and pods.is_sidecar(container):
                self._update(pod, container, container_status)
                continue
            container_status["started"] = "running" in container_status["state"]
            terminated = container_status["state"].get("terminated")
            container_status["ready"] = terminated is not None and not terminated.get("exitCode")

    def _update(self, pod: Mapping[str, Any], container: Mapping[str, Any] | None, status: dict[str, Any]) -> None:
        uid, name = pods.uid(pod), status["name"]
        running = "running" in status["state"]
        status["started"] = started = running and self._started(uid, status)
        status["ready"] = False
        if running:
            self._wake_for_new_container(uid, name, status)
        if not started:
            return
        if self.results["readiness"].get(status.get("containerID") or "") == "success":
            status["ready"] = True
            return
        worker = self._worker(uid, name, "readiness")
        if worker is not None:
            worker.trigger()
        status["ready"] = self._ready_across_restart(pod, container, status, worker is None)

    def _wake_for_new_container(self, uid: str, name: str, status: Mapping[str, Any]) -> None:
        """A container that just started is probed at once, not up to a period later."""
        for kind in FIELDS:
            worker = self._worker(uid, name, kind)
            if worker is not None and worker.container_id != status.get("containerID"):
                worker.trigger()

    def _started(self, uid: str, status: Mapping[str, Any]) -> bool:
        result = self.results["startup"].get(status.get("containerID") or "")
        if result is not None:
            return result == "success"
        return bool(status.get("started")) or self._worker(uid, status["name"], "startup") is None

    def _ready_across_restart(
        self, pod: Mapping[str, Any], container: Mapping[str, Any] | None, status: Mapping[str, Any], ready: bool
    ) -> bool:
        """A restart of the kubelet makes no ready container unready, nor an unready one ready."""
        text = status["state"]["running"].get("startedAt")
        started_at = times.parse_time(text).timestamp() if text else clock.time_seconds()
        if container is None or started_at >= self._around.started_at - _RESTART_GRACE:
            return ready
        if not ready and self.results["readiness"].get(status["containerID"]) is None:
            ready = True
        conditions = (pod.get("status") or {}).get("conditions")
        if container.get("readinessProbe") and not meta.is_condition_true(conditions, "Ready"):
            return False
        return ready
