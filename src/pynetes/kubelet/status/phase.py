"""The phase of a pod, from the statuses of its containers (upstream: getPhase). Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from pynetes.kubelet import pod as pods
from pynetes.kubelet.runtime.restart_policy import restarts_after_exit

RESTARTING_ALL = "RestartingAllContainers"
"""Reason of a container that ended because the whole pod restarts in place."""

Status = Mapping[str, Any]


class _Counts(Struct):
    unknown: int = 0
    running: int = 0
    waiting: int = 0
    stopped: int = 0
    stopped_for_good: int = 0
    succeeded: int = 0
    pending_init: int = 0
    pending_sidecars: int = 0
    init_failed: bool = False


def pod_phase(pod: Mapping[str, Any], statuses: Iterable[Status], *, is_terminal: bool, has_initialized: bool) -> str:
    """`statuses` of regular and init containers; `is_terminal`: nothing of the pod runs or will run again;
    `has_initialized`: a regular container of the present sandbox has started."""
    by_name = {status["name"]: status for status in statuses}
    counts = _Counts()
    for container in pods.init_containers(pod):
        if pods.is_sidecar(container):
            _count_sidecar(by_name.get(container["name"]), counts)
        else:
            _count_init(pod, container, by_name.get(container["name"]), counts)
    for container in pods.containers(pod):
        _count_regular(pod, container, by_name.get(container["name"]), counts)
    return _decide(pod, counts, is_terminal, has_initialized)


def _restartable(pod: Mapping[str, Any], container: Mapping[str, Any], terminated: Status) -> bool:
    if terminated.get("reason") == RESTARTING_ALL:
        return True
    return restarts_after_exit(container, pod["spec"], terminated.get("exitCode") or 0)


def _ended(status: Status) -> Status | None:
    """How it ended: now, or the last time if it waits for its next start."""
    if terminated := status["state"].get("terminated"):
        return dict(terminated)
    if "waiting" in status["state"]:
        return (status.get("lastState") or {}).get("terminated")
    return None


def _count_init(pod: Mapping[str, Any], container: Mapping[str, Any], status: Status | None, counts: _Counts) -> None:
    ended = _ended(status) if status else None
    if ended is None:
        counts.pending_init += 1
    elif ended.get("exitCode") and not _restartable(pod, container, ended):
        counts.init_failed = True


def _count_sidecar(status: Status | None, counts: _Counts) -> None:
    """Ended sidecars do not count: they matter to no phase."""
    if status is None:
        counts.unknown += 1
    elif "running" in status["state"]:
        counts.running += 1
        counts.pending_sidecars += not status.get("started")
    elif _ended(status) is None:
        counts.pending_sidecars += 1
        if "waiting" in status["state"]:
            counts.waiting += 1
        else:
            counts.unknown += 1


def _count_regular(
    pod: Mapping[str, Any], container: Mapping[str, Any], status: Status | None, counts: _Counts
) -> None:
    if status is None:
        counts.unknown += 1
    elif "running" in status["state"]:
        counts.running += 1
    elif (ended := _ended(status)) is not None:
        counts.stopped += 1
        counts.stopped_for_good += not _restartable(pod, container, ended)
        counts.succeeded += "terminated" in status["state"] and not ended.get("exitCode")
    elif "waiting" in status["state"]:
        counts.waiting += 1
    else:
        counts.unknown += 1


def _decide(pod: Mapping[str, Any], counts: _Counts, is_terminal: bool, has_initialized: bool) -> str:
    if counts.init_failed:
        return "Failed"
    if counts.pending_init or counts.waiting or (counts.pending_sidecars and not has_initialized):
        return "Pending"
    if counts.unknown:
        return "Pending"
    if counts.running:
        return "Running"
    if not counts.stopped:
        return "Pending"
    ended_well = "Succeeded" if counts.stopped == counts.succeeded else "Failed"
    if is_terminal and not pods.is_static(pod):
        return ended_well
    return "Running" if counts.stopped != counts.stopped_for_good else ended_well
