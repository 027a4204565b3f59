"""The answer to "what does this pod need now": which containers to kill, start or reset, and whether in a new sandbox.

`compute_actions` finds it, `manager` carries it out.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct, field

from pynetes.kubelet.probes.results import Result
from pynetes.kubelet.runtime.labels import container_hash
from pynetes.kubelet.runtime.pod_status import ContainerStatus
from pynetes.kubelet.runtime.resize import Update

KillReason = Literal["", "StartupProbe", "LivenessProbe", "FailedPostStartHook", "RestartAllContainers", "Unknown"]


class Kill(Struct, frozen=True):
    """A container to stop and why. `message` becomes the Killing event's."""

    name: str
    container_id: str
    message: str
    reason: KillReason = ""


class Reset(Struct, frozen=True):
    """A container to remove for a restart of the whole pod in place; killed first if it may still run."""

    name: str
    container_id: str
    kill: bool


class PodActions(Struct):
    """Indexes point into the spec's lists."""

    kill_pod: bool = False
    create_sandbox: bool = False
    sandbox_id: str = ""
    attempt: int = 0
    init_containers_to_start: list[int] = field(default_factory=list)
    containers_to_start: list[int] = field(default_factory=list)
    ephemeral_containers_to_start: list[int] = field(default_factory=list)
    containers_to_kill: dict[str, Kill] = field(default_factory=dict)
    containers_to_reset: list[Reset] = field(default_factory=list)
    containers_to_update: list[Update] = field(default_factory=list)

    def kill(self, kill: Kill) -> None:
        self.containers_to_kill[kill.container_id] = kill

    @property
    def idle(self) -> bool:
        """Nothing to do."""
        return not (
            self.kill_pod
            or self.create_sandbox
            or self.init_containers_to_start
            or self.containers_to_start
            or self.ephemeral_containers_to_start
            or self.containers_to_kill
            or self.containers_to_reset
            or self.containers_to_update
        )


class ProbeView(Struct, frozen=True):
    """What else is known of running containers: latest probe results by container id, resources by name."""

    liveness: Mapping[str, Result] = field(default_factory=dict)
    startup: Mapping[str, Result] = field(default_factory=dict)
    actuated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The resources they really have; those of unlisted containers are as they should be."""


def definition_changed(container: Mapping[str, Any], found: ContainerStatus) -> bool:
    return found.hash != container_hash(container)


def unknown_state_kill(what: str, found: ContainerStatus) -> Kill:
    """A container in unknown state may be running: stop it before another one starts."""
    message = f'{what} is in "unknown" state, try killing it before restart'
    return Kill(found.name, found.id, message, "Unknown")
