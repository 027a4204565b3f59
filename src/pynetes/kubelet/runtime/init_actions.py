"""What init containers need: run to completion one after another, sidecars started in order and kept running.

Walks backwards from the last init container that left a trace: completed ones may be gone from the runtime, so the
last known decides how far initialization came (upstream: computeInitContainerActions).
"""

from collections.abc import Mapping
from typing import Any

from pynetes.kubelet import pod as pods
from pynetes.kubelet.runtime import resize, restart_policy
from pynetes.kubelet.runtime.actions import Kill, PodActions, ProbeView, definition_changed, unknown_state_kill
from pynetes.kubelet.runtime.pod_status import ContainerStatus, PodStatus, State


def init_failed(found: ContainerStatus) -> bool:
    if found.reason == "OOMKilled" or found.state is State.UNKNOWN:
        return True
    return found.state is State.EXITED and found.exit_code != 0


def compute_init_actions(pod: Mapping[str, Any], status: PodStatus, probes: ProbeView, actions: PodActions) -> bool:
    """Adds to `actions`; True when the pod is initialized, so that regular containers may start."""
    inits = pods.init_containers(pod)
    if not inits:
        return True
    return _InitWalk(pod, status, probes, actions).run()


class _InitWalk:
    def __init__(self, pod: Mapping[str, Any], status: PodStatus, probes: ProbeView, actions: PodActions) -> None:
        self.pod, self.status, self.probes, self.actions = pod, status, probes, actions
        self.inits = pods.init_containers(pod)
        self.start: list[int] = []
        # A regular container that was created or runs means that all init containers once did their work. One that
        # exited proves nothing: it may belong to the sandbox before a reboot.
        self.pod_initialized = any(
            (found := status.find(c["name"])) is not None and found.state in (State.CREATED, State.RUNNING)
            for c in pods.containers(pod)
        )
        self.previously = self.pod_initialized
        """Whether the init containers before the one at hand have done their work."""

    def run(self) -> bool:
        for index in range(len(self.inits) - 1, -1, -1):
            container = self.inits[index]
            found = self.status.find(container["name"])
            if found is None:
                if self.previously and pods.is_sidecar(container):
                    self.start.append(index)
                continue
            if self.previously and not pods.is_sidecar(container):
                continue
            if not self._visit(index, container, found):
                self.actions.kill_pod = True
                self.actions.init_containers_to_start = []
                return False
            self.previously = True
        if not self.previously:
            self.start.append(0)
        self.actions.init_containers_to_start = self.start[::-1]
        return self.pod_initialized

    def _visit(self, index: int, container: Mapping[str, Any], found: ContainerStatus) -> bool:
        """False when the pod has failed for good."""
        if found.state is State.CREATED:
            # Creating and starting are one step: what is stuck between them failed to start.
            self.start.append(index)
        elif found.state is State.RUNNING:
            if pods.is_sidecar(container):
                self._running_sidecar(index, container, found)
            else:
                self._resize(index, container, found)
        elif found.state is State.EXITED:
            return self._exited(index, container, found)
        else:
            return self._unknown(index, container, found)
        return True

    def _running_sidecar(self, index: int, container: Mapping[str, Any], found: ContainerStatus) -> None:
        name = container["name"]
        if container.get("startupProbe"):
            startup = self.probes.startup.get(found.container_id)
            if startup != "success":
                if startup == "failure":
                    self._replace(index, found, f"Init container {name} failed startup probe", "StartupProbe")
                return
        self._done(index)
        if definition_changed(container, found):
            self._replace(index, found, f"Init container {name} definition changed", "")
        elif container.get("livenessProbe") and self.probes.liveness.get(found.container_id) == "failure":
            self._replace(index, found, f"Init container {name} failed liveness probe", "LivenessProbe")
        else:
            self._resize(index, container, found)

    def _resize(self, index: int, container: Mapping[str, Any], found: ContainerStatus) -> None:
        actuated = self.probes.actuated.get(found.name)
        way = resize.how(container, actuated)
        if way == "restart":
            self._replace(index, found, f"Container {found.name} resize requires restart", "")
        elif way == "update" and actuated is not None:
            self.actions.containers_to_update.append(resize.update(container, found.id, actuated))

    def _done(self, index: int) -> None:
        """The init container at `index` no longer holds the others back."""
        if index == len(self.inits) - 1:
            self.pod_initialized = True
        elif not self.previously:
            self.start.append(index + 1)

    def _exited(self, index: int, container: Mapping[str, Any], found: ContainerStatus) -> bool:
        if pods.is_sidecar(container):
            self.start.append(index)
        elif init_failed(found):
            if not restart_policy.should_be_restarted(container, self.pod, self.status):
                return False
            self.start.append(index)
        else:
            self._done(index)
        return True

    def _unknown(self, index: int, container: Mapping[str, Any], found: ContainerStatus) -> bool:
        if not pods.is_sidecar(container) and not restart_policy.restarts_on_failure(container, self.pod["spec"]):
            return False
        self.actions.kill(unknown_state_kill("Init container", found))
        self.start.append(index)
        return True

    def _replace(self, index: int, found: ContainerStatus, message: str, reason: Any) -> None:
        self.actions.kill(Kill(found.name, found.id, message, reason))
        self.start.append(index)
