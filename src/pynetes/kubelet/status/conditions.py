"""The pod conditions that the kubelet owns, with upstream's reasons and messages. Pure.

`observedGeneration` is the pod's generation; `lastTransitionTime` is the manager's to set.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pynetes.apimachinery import meta
from pynetes.kubelet import pod as pods
from pynetes.kubelet.runtime import restart_policy
from pynetes.kubelet.runtime.compute_actions import sandbox_changed
from pynetes.kubelet.runtime.pod_status import PodStatus

KUBELET_CONDITIONS = frozenset(
    (
        "PodScheduled",
        "Ready",
        "Initialized",
        "ContainersReady",
        "PodReadyToStartContainers",
        "PodResizePending",
        "PodResizeInProgress",
        "AllContainersRestarting",
    )
)
SHARED_CONDITIONS = frozenset(("DisruptionTarget",))
"""Written by the kubelet and by others."""

Condition = dict[str, Any]
Statuses = Sequence[Mapping[str, Any]]


def _condition(pod: Mapping[str, Any], type_: str, status: bool, reason: str = "", message: str = "") -> Condition:
    out: Condition = {"type": type_, "status": "True" if status else "False", **meta.observed_generation(pod)}
    if reason:
        out["reason"] = reason
    if message:
        out["message"] = message
    return out


def _names(names: Iterable[str]) -> str:
    """As Go prints a list of strings."""
    return "[" + " ".join(names) + "]"


def _find(statuses: Statuses, name: str) -> Mapping[str, Any] | None:
    return next((status for status in statuses if status["name"] == name), None)


def containers_ready(pod: Mapping[str, Any], statuses: Statuses, phase: str) -> Condition:
    unknown, unready = [], []
    sidecars = [c for c in pods.init_containers(pod) if pods.is_sidecar(c)]
    for container in [*sidecars, *pods.containers(pod)]:
        status = _find(statuses, container["name"])
        if status is None:
            unknown.append(container["name"])
        elif not status.get("ready"):
            unready.append(container["name"])
    if phase == "Failed" or (phase == "Succeeded" and not unknown):
        return terminal("ContainersReady", pod, phase)
    messages = [f"containers with unknown status: {_names(unknown)}"] if unknown else []
    messages += [f"containers with unready status: {_names(unready)}"] if unready else []
    if messages:
        return _condition(pod, "ContainersReady", False, "ContainersNotReady", ", ".join(messages))
    return _condition(pod, "ContainersReady", True)


def terminal(type_: str, pod: Mapping[str, Any], phase: str) -> Condition:
    """Ready or ContainersReady of a pod that has ended."""
    return _condition(pod, type_, False, "PodFailed" if phase == "Failed" else "PodCompleted")


def ready(pod: Mapping[str, Any], conditions: list[Condition], statuses: Statuses, phase: str) -> Condition:
    """Containers and readiness gates; `conditions` are all the others of the pod."""
    containers = containers_ready(pod, statuses, phase)
    if containers["status"] != "True":
        return containers | {"type": "Ready"}
    messages = []
    for gate in pod["spec"].get("readinessGates") or ():
        type_ = gate["conditionType"]
        found = meta.get_condition(conditions, type_)
        if found is None:
            messages.append(f'corresponding condition of pod readiness gate "{type_}" does not exist.')
        elif found.get("status") != "True":
            messages.append(f'the status of pod readiness gate "{type_}" is not "True", but {found.get("status")}')
    if messages:
        return _condition(pod, "Ready", False, "ReadinessGatesNotReady", ", ".join(messages))
    return _condition(pod, "Ready", True)


def initialized(pod: Mapping[str, Any], statuses: Statuses, phase: str, *, was_initialized: bool) -> Condition:
    unknown, incomplete = [], []
    for container in pods.init_containers(pod):
        status = _find(statuses, container["name"])
        if status is None:
            unknown.append(container["name"])
        elif not status.get("started" if pods.is_sidecar(container) else "ready"):
            incomplete.append(container["name"])
    if phase == "Succeeded" and not unknown:
        return _condition(pod, "Initialized", True, "PodCompleted")
    if any_regular_container_started(pod, statuses):
        return _condition(pod, "Initialized", True)
    messages = [f"containers with unknown status: {_names(unknown)}"] if unknown else []
    messages += [f"containers with incomplete status: {_names(incomplete)}"] if incomplete else []
    if messages and not was_initialized:
        return _condition(pod, "Initialized", False, "ContainersNotInitialized", ", ".join(messages))
    return _condition(pod, "Initialized", True)


def any_regular_container_started(pod: Mapping[str, Any], statuses: Statuses) -> bool:
    """Some regular container runs or has just ended."""
    for container in pods.containers(pod):
        status = _find(statuses, container["name"])
        if status is not None and ("running" in status["state"] or "terminated" in status["state"]):
            return True
    return False


def ready_to_start_containers(pod: Mapping[str, Any], runtime: PodStatus) -> Condition:
    """The sandbox stands and has its network."""
    changed, _, _ = sandbox_changed(pod, runtime)
    return _condition(pod, "PodReadyToStartContainers", not changed)


def scheduled(pod: Mapping[str, Any]) -> Condition:
    return _condition(pod, "PodScheduled", True)


def all_containers_restarting(
    pod: Mapping[str, Any], runtime: PodStatus, old: Mapping[str, Any], phase: str
) -> Condition:
    type_ = "AllContainersRestarting"
    if phase in ("Succeeded", "Failed"):
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return {"type": type_, "status": "False", "reason": reason}
    names = [c["name"] for c in [*pods.init_containers(pod), *pods.containers(pod)]]
    cleaned_up = not any(runtime.find(name) for name in names)
    if cleaned_up or not restart_policy.should_restart_all(pod, runtime, old):
        return {"type": type_, "status": "False"}
    return {
        "type": type_,
        "status": "True",
        "reason": "RestartAllContainersStarted",
        "message": "container exited with restart policy rule",
    }
