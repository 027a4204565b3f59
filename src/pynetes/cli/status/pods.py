"""The pods that do not run, by namespace, with the reason; and how many there are in each phase."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from pynetes.apimachinery import meta, times
from pynetes.cli.status.remarks import BAD, WARN, Remark

Object = dict[str, Any]

SECTION = "pods"
#: A pod may take so long to come up, or go, without a word about it.
PATIENCE = 60.0


class Trouble(Struct, frozen=True):
    """A pod that does not do its work. `age`: seconds since it was made."""

    namespace: str
    name: str
    reason: str
    message: str
    age: float

    @property
    def is_system(self) -> bool:
        return self.namespace == "kube-system"

    def document(self) -> Object:
        return asdict(self)


def phases(pods: Iterable[Object]) -> dict[str, int]:
    counts = Counter((pod.get("status") or {}).get("phase") or "Unknown" for pod in pods)
    return dict(sorted(counts.items()))


def troubles(pods: Iterable[Object], now: datetime) -> list[Trouble]:
    """System pods first, then by namespace."""
    found = []
    for pod in pods:
        age = (now - times.parse_time(meta.creation_time(pod))).total_seconds()
        reason, message = _trouble(pod, now)
        if reason and (age > PATIENCE or reason not in _STARTING):
            found.append(Trouble(meta.namespace(pod), meta.name(pod), reason, message, age))
    return sorted(found, key=lambda each: (not each.is_system, each.namespace, each.name))


#: What every pod is for a while.
_STARTING = ("Pending", "ContainerCreating", "PodInitializing", "NotReady")


def _trouble(pod: Object, now: datetime) -> tuple[str, str]:
    """Reason and message; the reason is empty for a pod that is as it should be."""
    status = pod.get("status") or {}
    phase = status.get("phase") or "Unknown"
    deleted = (pod.get("metadata") or {}).get("deletionTimestamp")
    if deleted:
        overdue = (now - times.parse_time(deleted)).total_seconds()
        return ("Terminating", "it does not go") if overdue > PATIENCE else ("", "")
    if phase == "Succeeded":
        return "", ""
    if phase == "Failed":
        return status.get("reason") or _exit(status) or "Failed", status.get("message") or ""
    conditions = status.get("conditions") or []
    scheduled = meta.get_condition(conditions, "PodScheduled") or {}
    if phase == "Pending" and scheduled.get("status") == "False":
        return scheduled.get("reason") or "Pending", scheduled.get("message") or ""
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (container.get("state") or {}).get("waiting")
        if waiting:
            return waiting.get("reason") or "Waiting", waiting.get("message") or ""
    if phase == "Running" and (meta.get_condition(conditions, "Ready") or {}).get("status") != "True":
        return "NotReady", (meta.get_condition(conditions, "Ready") or {}).get("message") or ""
    return ("", "") if phase == "Running" else (phase, status.get("message") or "")


def _exit(status: Object) -> str:
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            return ended.get("reason") or f"ExitCode:{ended['exitCode']}"
    return ""


def remarks(found: list[Trouble]) -> list[Remark]:
    """System pods must run; others are their owners' business."""
    said = []
    for system, level in ((True, BAD), (False, WARN)):
        some = [each for each in found if each.is_system is system]
        if some:
            first = some[0]
            names = f"{first.namespace}/{first.name}" + (f" and {len(some) - 1} more" if len(some) > 1 else "")
            verb = "do" if len(some) > 1 else "does"
            what = f"{names} {verb} not run ({first.reason})"
            said.append(Remark(level, SECTION, what, f"kubectl describe pod -n {first.namespace} {first.name}"))
    return said
