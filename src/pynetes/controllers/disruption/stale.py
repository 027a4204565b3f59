"""Pods that were told of a disruption (condition DisruptionTarget) which did not come: the condition is taken back."""

from datetime import datetime, timedelta
from typing import Any

from pynetes.apimachinery import meta, times
from pynetes.controllers.podcontrol import state

Object = dict[str, Any]

TARGET = "DisruptionTarget"
TIMEOUT = timedelta(minutes=2)
_BY_KUBELET = "TerminationByKubelet"


def seconds_left(pod: Object, now: datetime) -> float | None:
    """Until the condition is stale; None if there is nothing to take back."""
    if meta.is_deleting(pod) or state.is_terminal(pod):
        return None
    condition = meta.get_condition((pod.get("status") or {}).get("conditions"), TARGET)
    if condition is None or condition.get("status") != "True" or condition.get("reason") == _BY_KUBELET:
        return None
    since = condition.get("lastTransitionTime")
    if not since:
        return 0.0
    return max((times.parse_time(since) + TIMEOUT - now).total_seconds(), 0.0)


def taken_back(pod: Object, now: datetime) -> Object:
    """The pod with the condition False, without a reason."""
    out: Object = meta.copy(pod)
    condition = meta.get_condition(out["status"]["conditions"], TARGET)
    assert condition is not None
    for field in ("reason", "message"):
        condition.pop(field, None)
    condition |= {"status": "False", "lastTransitionTime": times.format_time(now), **meta.observed_generation(pod)}
    return out
