"""What a replica set's pods amount to: the pure part."""

from datetime import datetime
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.controllers.podcontrol import state

Object = dict[str, Any]

REPLICA_FAILURE = "ReplicaFailure"


def replicas(owner: Object) -> int:
    wanted = owner["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)


def calculate(
    owner: Object,
    active: list[Object],
    terminating: int | None,
    failure: Exception | None,
    now: datetime,
) -> Object:
    """The status of `owner` with these active pods; `terminating` is left out for kinds that do not count it."""
    spec = owner["spec"]
    template_labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    counts: Object = {
        "fullyLabeledReplicas": sum(template_labels.items() <= meta.labels(pod).items() for pod in active),
        "readyReplicas": sum(state.is_ready(pod) for pod in active),
        "availableReplicas": sum(state.is_available(pod, spec.get("minReadySeconds") or 0, now) for pod in active),
        "observedGeneration": meta.generation(owner),
    }
    status: Object = {"replicas": len(active), **{field: count for field, count in counts.items() if count}}
    if terminating is not None:
        status["terminatingReplicas"] = terminating
    conditions = _conditions(owner, len(active), failure, now)
    if conditions:
        status["conditions"] = conditions
    return status


def _conditions(owner: Object, active: int, failure: Exception | None, now: datetime) -> list[Object]:
    """ReplicaFailure comes with the first failure and stays as it is until writes succeed again."""
    present: list[Object] = list((owner.get("status") or {}).get("conditions") or ())
    known = meta.get_condition(present, REPLICA_FAILURE)
    if failure is None:
        return [condition for condition in present if condition["type"] != REPLICA_FAILURE]
    if known is not None:
        return present
    condition: Object = {
        "type": REPLICA_FAILURE,
        "status": "True",
        "lastTransitionTime": times.format_time(now),
        "reason": "FailedCreate" if active < replicas(owner) else "FailedDelete",
        "message": str(failure),
    }
    return [*present, condition]


COUNTS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration")


def differs(old: Object, new: Object) -> bool:
    """Whether a status must be written; absent counts are zeros."""
    if any((old.get(field) or 0) != (new.get(field) or 0) for field in COUNTS):
        return True
    if old.get("terminatingReplicas") != new.get("terminatingReplicas"):
        return True
    return (old.get("conditions") or []) != (new.get("conditions") or [])
