"""What a pod's status means to those who manage it."""

from datetime import datetime, timedelta
from typing import Any

from pynetes.apimachinery import meta, times

Object = dict[str, Any]


def phase(pod: Object) -> str:
    return (pod.get("status") or {}).get("phase") or ""


def node_name(pod: Object) -> str:
    return (pod.get("spec") or {}).get("nodeName") or ""


def is_terminal(pod: Object) -> bool:
    """Succeeded or failed: its containers will not run again."""
    return phase(pod) in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Neither finished nor being deleted: it counts as a replica."""
    return not is_terminal(pod) and not meta.is_deleting(pod)


def is_terminating(pod: Object) -> bool:
    """Being deleted, with containers that may still run."""
    return meta.is_deleting(pod) and not is_terminal(pod)


def ready_condition(pod: Object) -> Object | None:
    return meta.get_condition((pod.get("status") or {}).get("conditions"), "Ready")


def is_ready(pod: Object) -> bool:
    condition = ready_condition(pod)
    return condition is not None and condition.get("status") == "True"


def ready_time(pod: Object) -> str:
    """When the pod became ready, as on the wire; empty if it is not."""
    condition = ready_condition(pod)
    if condition is None or condition.get("status") != "True":
        return ""
    return condition.get("lastTransitionTime") or ""


def is_available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    """Ready for at least `min_ready_seconds`."""
    if not is_ready(pod):
        return False
    if not min_ready_seconds:
        return True
    since = ready_time(pod)
    return bool(since) and times.parse_time(since) + timedelta(seconds=min_ready_seconds) <= now


def seconds_until_available(pods: list[Object], min_ready_seconds: int, now: datetime) -> float | None:
    """When the next of the ready pods becomes available; None if none is on its way."""
    waits = []
    for pod in pods:
        since = ready_time(pod)
        if since and not is_available(pod, min_ready_seconds, now):
            waits.append((times.parse_time(since) + timedelta(seconds=min_ready_seconds) - now).total_seconds())
    return min(waits) if waits else None


def max_restarts(pod: Object) -> tuple[int, int]:
    """The highest restart count of its containers, and of its sidecars."""
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    sidecars = {c["name"] for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
    regular = max((c.get("restartCount") or 0 for c in status.get("containerStatuses") or ()), default=0)
    init = status.get("initContainerStatuses") or ()
    return regular, max((c.get("restartCount") or 0 for c in init if c.get("name") in sidecars), default=0)
