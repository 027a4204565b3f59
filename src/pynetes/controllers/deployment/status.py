"""A Deployment's status: counts over its ReplicaSets, and the conditions Available, Progressing and ReplicaFailure."""

from datetime import datetime, timedelta
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.controllers.deployment import sizes
from pynetes.controllers.deployment.rollout import Revisions

Object = dict[str, Any]

AVAILABLE, PROGRESSING, REPLICA_FAILURE = "Available", "Progressing", "ReplicaFailure"
NEW_AVAILABLE, TIMED_OUT = "NewReplicaSetAvailable", "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"

_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")


def condition(type: str, status: str, reason: str, message: str, now: datetime) -> Object:
    stamp = times.format_time(now)
    return {
        "type": type,
        "status": status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp,
        "reason": reason,
        "message": message,
    }


def put_condition(conditions: list[Object], new: Object) -> None:
    """Puts `new` last; the same status and reason again changes nothing, not even the message."""
    current = meta.get_condition(conditions, new["type"])
    if current is not None:
        if current.get("status") == new["status"] and current.get("reason") == new["reason"]:
            return
        if current.get("status") == new["status"]:
            new = {**new, "lastTransitionTime": current.get("lastTransitionTime")}
        meta.remove_condition(conditions, new["type"])
    conditions.append(new)


def has_deadline(deployment: Object) -> bool:
    deadline = deployment["spec"].get("progressDeadlineSeconds")
    return deadline is not None and deadline != 2**31 - 1


def calculate(deployment: Object, revisions: Revisions, now: datetime) -> Object:
    """Counts and the Available condition; the other conditions stay as they are."""
    everything = revisions.all
    available = sizes.counted(everything, "availableReplicas")
    counts = {
        "replicas": sizes.counted(everything, "replicas"),
        "updatedReplicas": sizes.counted([revisions.new], "replicas") if revisions.new else 0,
        "readyReplicas": sizes.counted(everything, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sizes.total(everything) - available),
    }
    old = deployment.get("status") or {}
    status: Object = {"observedGeneration": meta.generation(deployment)}
    status.update({field: count for field, count in counts.items() if count})
    terminating = _terminating(everything)
    if terminating is not None:
        status["terminatingReplicas"] = terminating
    if old.get("collisionCount") is not None:
        status["collisionCount"] = old["collisionCount"]
    status["conditions"] = meta.copy(old.get("conditions") or [])
    if available >= sizes.replicas(deployment) - sizes.max_unavailable(deployment):
        text = "Deployment has minimum availability."
        new = condition(AVAILABLE, "True", "MinimumReplicasAvailable", text, now)
    else:
        text = "Deployment does not have minimum availability."
        new = condition(AVAILABLE, "False", "MinimumReplicasUnavailable", text, now)
    put_condition(status["conditions"], new)
    return status


def _terminating(replica_sets: list[Object]) -> int | None:
    """None as soon as one ReplicaSet does not count them."""
    out = 0
    for rs in replica_sets:
        status = rs.get("status") or {}
        count = status.get("terminatingReplicas")
        if count is None and status.get("observedGeneration"):
            return None
        out += count or 0
    return out


def rollout_status(deployment: Object, revisions: Revisions, now: datetime) -> Object:
    """`calculate`, with Progressing and ReplicaFailure brought up to date."""
    status = calculate(deployment, revisions, now)
    conditions = status["conditions"]
    current = meta.get_condition((deployment.get("status") or {}).get("conditions"), PROGRESSING)
    if not has_deadline(deployment):
        meta.remove_condition(conditions, PROGRESSING)
    elif not _is_settled(status, current):
        _judge_progress(deployment, revisions, status, current, now)
    failure = _failure(revisions)
    if failure is not None:
        put_condition(conditions, failure)
    else:
        meta.remove_condition(conditions, REPLICA_FAILURE)
    return status


def _is_settled(status: Object, current: Object | None) -> bool:
    """The last rollout is over: only its end was noted, and nothing old is left."""
    same = (status.get("replicas") or 0) == (status.get("updatedReplicas") or 0)
    return same and current is not None and current.get("reason") == NEW_AVAILABLE


def _judge_progress(
    deployment: Object, revisions: Revisions, status: Object, current: Object | None, now: datetime
) -> None:
    subject = f'Deployment "{meta.name(deployment)}"'
    if revisions.new is not None:
        subject = f'ReplicaSet "{meta.name(revisions.new)}"'
    conditions = status["conditions"]
    if is_complete(deployment, status):
        text = f"{subject} has successfully progressed."
        put_condition(conditions, condition(PROGRESSING, "True", NEW_AVAILABLE, text, now))
    elif _is_progressing(deployment.get("status") or {}, status):
        new = condition(PROGRESSING, "True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        if current is not None and current.get("status") == "True":
            new["lastTransitionTime"] = current.get("lastTransitionTime")
        meta.remove_condition(conditions, PROGRESSING)
        conditions.append(new)
    elif _has_timed_out(deployment, meta.get_condition(conditions, PROGRESSING), now):
        text = f"{subject} has timed out progressing."
        put_condition(conditions, condition(PROGRESSING, "False", TIMED_OUT, text, now))


def is_complete(deployment: Object, status: Object) -> bool:
    """All replicas are of the new template and available, and nothing else is left."""
    wanted = sizes.replicas(deployment)
    counts = [status.get(field) or 0 for field in ("updatedReplicas", "replicas", "availableReplicas")]
    observed = (status.get("observedGeneration") or 0) >= meta.generation(deployment)
    return observed and all(count == wanted for count in counts)


def _is_progressing(old: Object, new: Object) -> bool:
    """More new, ready or available replicas, or fewer old ones."""
    before = {field: old.get(field) or 0 for field in _COUNTS}
    after = {field: new.get(field) or 0 for field in _COUNTS}
    return (
        after["updatedReplicas"] > before["updatedReplicas"]
        or after["replicas"] - after["updatedReplicas"] < before["replicas"] - before["updatedReplicas"]
        or after["readyReplicas"] > before["readyReplicas"]
        or after["availableReplicas"] > before["availableReplicas"]
    )


def _has_timed_out(deployment: Object, current: Object | None, now: datetime) -> bool:
    if current is None or current.get("reason") == NEW_AVAILABLE:
        return False
    if current.get("reason") == TIMED_OUT:
        return True
    since = times.parse_time(current["lastUpdateTime"])
    return since + timedelta(seconds=deployment["spec"]["progressDeadlineSeconds"]) < now


def _failure(revisions: Revisions) -> Object | None:
    """The new ReplicaSet's failure, else any other's."""
    candidates = [revisions.new] if revisions.new is not None else []
    for rs in [*candidates, *revisions.old]:
        found = meta.get_condition((rs.get("status") or {}).get("conditions"), REPLICA_FAILURE)
        if found is not None:
            return {**found, "lastUpdateTime": found.get("lastTransitionTime")}
    return None


def seconds_to_deadline(deployment: Object, status: Object, now: datetime) -> float | None:
    """When to look again whether a rollout got stuck; None if there is nothing to wait for."""
    current = meta.get_condition((deployment.get("status") or {}).get("conditions"), PROGRESSING)
    if not has_deadline(deployment) or current is None or current.get("reason") == TIMED_OUT:
        return None
    if is_complete(deployment, status):
        return None
    since = times.parse_time(current["lastUpdateTime"])
    due = since + timedelta(seconds=deployment["spec"]["progressDeadlineSeconds"])
    return max(0.0, (due - now).total_seconds()) + 1


def pause_condition(deployment: Object, now: datetime) -> Object | None:
    """The Progressing condition that tells of pausing or resuming, if it is to be written now."""
    if not has_deadline(deployment):
        return None
    current = meta.get_condition((deployment.get("status") or {}).get("conditions"), PROGRESSING)
    if current is not None and current.get("reason") == TIMED_OUT:
        return None
    noted = current is not None and current.get("reason") == PAUSED
    paused = bool(deployment["spec"].get("paused"))
    if paused and not noted:
        return condition(PROGRESSING, "Unknown", PAUSED, "Deployment is paused", now)
    if not paused and noted:
        return condition(PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", now)
    return None


def same(a: Object, b: Object) -> bool:
    """Whether two statuses are equal; absent and zero are one."""
    keys = {*a, *b} - {"terminatingReplicas"}
    if a.get("terminatingReplicas") != b.get("terminatingReplicas"):
        return False
    return all((a.get(key) or None) == (b.get(key) or None) for key in keys)
