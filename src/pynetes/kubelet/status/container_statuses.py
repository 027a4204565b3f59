"""Statuses of a pod's containers: what the runtime knows, on top of what was last said. Pure.

Upstream: convertToAPIContainerStatuses. What the runtime has forgotten is carried on from the old status, so that a
container that ran never looks as if it had not.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta, times
from pynetes.kubelet import pod as pods
from pynetes.kubelet.images import reference
from pynetes.kubelet.pod import ContainerKind
from pynetes.kubelet.runtime import restart_policy
from pynetes.kubelet.runtime.pod_status import (
    ContainerStatus,
    PodStatus,
    State,
    any_regular_container_created,
)
from pynetes.kubelet.status.phase import RESTARTING_ALL

Status = dict[str, Any]
STATUS_FIELDS: Mapping[ContainerKind, str] = {
    "initContainers": "initContainerStatuses",
    "containers": "containerStatuses",
    "ephemeralContainers": "ephemeralContainerStatuses",
}
STATUS_UNKNOWN = "ContainerStatusUnknown"
_RESET = "The container is removed because RestartAllContainers in place"
_LOST_RUNNING = "The container could not be located when the pod was deleted.  The container used to be Running"
LOST = "The container could not be located when the pod was terminated"
_INFERRED = (
    "Unable to get init container status from container runtime and pod has been initialized, "
    "treat it as exited normally"
)


class StatusInputs(Struct, frozen=True):
    """What statuses are made of besides the pod and the runtime's state."""

    start_errors: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Why the last start of a container failed: (reason, message)."""
    restarting_all: bool = False
    recursive_read_only: bool = False
    """Whether the runtime can mount so."""
    actuated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Resources that running containers really have, where an in-place resize is under way."""


def format_nanoseconds(value: int) -> str:
    return times.format_time(datetime.fromtimestamp(value / 1e9, UTC))


def container_statuses(
    pod: Mapping[str, Any],
    kind: ContainerKind,
    runtime: PodStatus,
    old: Iterable[Status],
    inputs: StatusInputs,
) -> list[Status]:
    """In the order clients expect: init containers as in the spec, others by name."""
    statuses = _Builder(pod, kind, runtime, old, inputs).build()
    return statuses if kind == "initContainers" else sorted(statuses, key=lambda s: s["name"])


class _Builder:
    def __init__(
        self,
        pod: Mapping[str, Any],
        kind: ContainerKind,
        runtime: PodStatus,
        old: Iterable[Status],
        inputs: StatusInputs,
    ) -> None:
        self.pod, self.kind, self.runtime, self.inputs = pod, kind, runtime, inputs
        self.containers: list[dict[str, Any]] = pod["spec"].get(kind) or []
        self.old = {status["name"]: status for status in old}
        self.waiting_reason = "PodInitializing" if pods.init_containers(pod) else "ContainerCreating"
        self.statuses = {container["name"]: self._default(container) for container in self.containers}

    def build(self) -> list[Status]:
        for container in self.containers:
            if self.runtime.find(container["name"]) is None:
                self._forgotten(container["name"])
        seen: dict[str, int] = {}
        for found in self.runtime.containers:
            if found.name in self.statuses and seen.get(found.name, 0) < 2:
                self._found(found, first=found.name not in seen)
                seen[found.name] = seen.get(found.name, 0) + 1
        for container in self.containers:
            self._start_failed(container)
        return list(self.statuses.values())

    def _default(self, container: Mapping[str, Any]) -> Status:
        old = self.old.get(container["name"])
        if old is not None and "terminated" in (old.get("state") or {}):
            status: Status = meta.copy(old)
            return status
        status = {
            "name": container["name"],
            "state": {"waiting": {"reason": self.waiting_reason}},
            "lastState": meta.copy((old or {}).get("lastState") or {}),
            "ready": False,
            "restartCount": (old or {}).get("restartCount") or 0,
            "image": container.get("image") or "",
            "imageID": "",
        }
        if mounts := self._volume_mounts(container):
            status["volumeMounts"] = mounts
        return status

    def _volume_mounts(self, container: Mapping[str, Any]) -> list[dict[str, Any]]:
        out = []
        for mount in container.get("volumeMounts") or ():
            shown = {"name": mount["name"], "mountPath": mount["mountPath"]}
            if mount.get("readOnly"):
                mode = mount.get("recursiveReadOnly") or "Disabled"
                possible = mode == "Enabled" or (mode == "IfPossible" and self.inputs.recursive_read_only)
                shown |= {"readOnly": True, "recursiveReadOnly": "Enabled" if possible else "Disabled"}
            out.append(shown)
        return out

    def _forgotten(self, name: str) -> None:
        """The runtime has nothing of a container that once had a status."""
        old, status = self.old.get(name), self.statuses[name]
        state = (old or {}).get("state") or {}
        if old is None:
            return
        if self.inputs.restarting_all and "waiting" not in state:
            status["state"] = {"waiting": {"reason": RESTARTING_ALL, "message": _RESET}}
            status["lastState"] = {"terminated": {"exitCode": 137, "reason": RESTARTING_ALL, "message": _RESET}}
            status["restartCount"] = (old.get("restartCount") or 0) + 1
            return
        if "running" not in state or "terminated" in status["lastState"]:
            return
        # It ran and is gone: waiting alone would say that it never ran, and send the pod back to Pending.
        status["lastState"] = {"terminated": {"exitCode": 137, "reason": STATUS_UNKNOWN, "message": _LOST_RUNNING}}
        if not meta.is_deleting(self.pod):
            status["restartCount"] += 1

    def _found(self, found: ContainerStatus, *, first: bool) -> None:
        status = self._converted(found)
        if first:
            self.statuses[found.name] = status
        else:
            self.statuses[found.name]["lastState"] = status["state"]

    def _converted(self, found: ContainerStatus) -> Status:
        old = self.old.get(found.name)
        container = next(c for c in self.containers if c["name"] == found.name)
        status: Status = {
            "name": found.name,
            "state": self._state(found, old),
            "lastState": self._last_state(found, old),
            "ready": False,
            "restartCount": max(found.restart_count, (old or {}).get("restartCount") or 0),
            "image": _shown_image(container, found),
            "imageID": found.image_ref,
            "containerID": found.container_id,
        }
        if mounts := (old or {}).get("volumeMounts") or self._volume_mounts(container):
            status["volumeMounts"] = mounts
        self._correct_restart_count(status, found, old)
        if found.state is State.RUNNING and old is not None and old.get("started") is not None:
            status["started"] = old["started"]
        self._add_resources(status, container, found)
        if found.user is not None:
            status["user"] = found.user
        return status

    def _correct_restart_count(self, status: Status, found: ContainerStatus, old: Status | None) -> None:
        """The runtime's count starts anew where it has forgotten the container's past."""
        state = (old or {}).get("state") or {}
        if old is None:
            return
        replaced = old.get("containerID") != found.container_id
        known = old.get("restartCount") or 0
        if found.state is State.RUNNING and "terminated" in state and replaced and known >= found.restart_count:
            status["restartCount"] = known + 1
        if found.state is State.UNKNOWN and "running" in state:
            status["restartCount"] = known + 1

    def _last_state(self, found: ContainerStatus, old: Status | None) -> dict[str, Any]:
        if old is None:
            return {}
        ended = (old.get("state") or {}).get("terminated")
        if ended and old.get("containerID") != found.container_id:
            return {"terminated": meta.copy(ended)}
        before = (old.get("lastState") or {}).get("terminated")
        return {"terminated": meta.copy(before)} if before else {}

    def _state(self, found: ContainerStatus, old: Status | None) -> dict[str, Any]:
        if found.state is State.RUNNING:
            return {"running": {"startedAt": format_nanoseconds(found.started_at)}}
        if found.state is State.EXITED:
            return {"terminated": _terminated(found)}
        if found.state is State.UNKNOWN and "running" in ((old or {}).get("state") or {}):
            reason = RESTARTING_ALL if self.inputs.restarting_all else STATUS_UNKNOWN
            return {"terminated": {"exitCode": 137, "reason": reason, "message": LOST}}
        return {"waiting": {}}

    def _add_resources(self, status: Status, container: Mapping[str, Any], found: ContainerStatus) -> None:
        allocated = container.get("resources") or {}
        actuated = self.inputs.actuated.get(found.name) if found.state is State.RUNNING else None
        status["resources"] = meta.copy(dict(actuated if actuated is not None else allocated))
        if allocated.get("requests"):
            status["allocatedResources"] = dict(allocated["requests"])

    def _start_failed(self, container: Mapping[str, Any]) -> None:
        """What is to be started again and could not be shows why it waits."""
        name = container["name"]
        found = self.runtime.find(name)
        if self.kind == "initContainers" and self._init_done(container, found):
            return
        if not restart_policy.should_be_restarted(container, self.pod, self.runtime):
            return
        error = self.inputs.start_errors.get(name)
        if error is None:
            return
        status = self.statuses[name]
        if "terminated" in status["state"]:
            status["lastState"] = status["state"]
        waiting = {"reason": error[0]}
        if error[1]:
            waiting["message"] = error[1]
        status["state"] = {"waiting": waiting}

    def _init_done(self, container: Mapping[str, Any], found: ContainerStatus | None) -> bool:
        if found is not None:
            return found.state is State.EXITED and found.exit_code == 0
        status = self.statuses[container["name"]]
        if pods.is_sidecar(container) or "waiting" not in status["state"]:
            return False
        if not any_regular_container_created(pods.containers(self.pod), self.runtime):
            return False
        # The runtime has forgotten it, but later containers exist: it must have ended well.
        status["state"] = {"terminated": {"exitCode": 0, "reason": "Completed", "message": _INFERRED}}
        return True


def _terminated(found: ContainerStatus) -> dict[str, Any]:
    out: dict[str, Any] = {"exitCode": found.exit_code}
    if found.reason:
        out["reason"] = found.reason
    if found.message:
        out["message"] = found.message
    if found.started_at > 0:
        out["startedAt"] = format_nanoseconds(found.started_at)
    if found.finished_at > 0:
        out["finishedAt"] = format_nanoseconds(found.finished_at)
    out["containerID"] = found.container_id
    return out


def _shown_image(container: Mapping[str, Any], found: ContainerStatus) -> str:
    """The runtime names any tag of the image's id: of several, the one that the spec means is shown, in full."""
    try:
        wanted = reference.parse(container.get("image") or "")
    except ValueError:
        return found.image
    if wanted.digest or found.image == wanted.repository:
        return found.image
    return f"{wanted.repository}:{wanted.tag}"
