"""What goes to the API: the kubelet's status with what others own in it kept, and times set. Pure."""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery import meta
from pynetes.kubelet import pod as pods
from pynetes.kubelet.runtime import restart_policy
from pynetes.kubelet.status.conditions import KUBELET_CONDITIONS, SHARED_CONDITIONS, terminal

Status = dict[str, Any]

_MAX_MESSAGES = 12 * 1024
"""Termination messages of all containers of a pod together."""
_FOREIGN_FIELDS = (
    "resourceClaimStatuses",
    "extendedResourceClaimStatus",
    "nodeAllocatableResourceClaimStatuses",
    "nominatedNodeName",
)
_TERMINAL = ("Succeeded", "Failed")


def normalize(pod: Mapping[str, Any], status: Status) -> None:
    """Cuts messages that are too long in sum."""
    count = sum(1 for _ in pods.all_containers(pod))
    limit = _MAX_MESSAGES // max(count, 1)
    for field in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for container in status.get(field) or ():
            for state in (container["state"], container.get("lastState") or {}):
                terminated = state.get("terminated")
                if terminated and len(terminated.get("message") or "") > limit:
                    terminated["message"] = terminated["message"].encode()[:limit].decode(errors="ignore")


def set_transition_times(status: Status, old: Mapping[str, Any], now: str) -> None:
    """A condition's lastTransitionTime changes with its status only."""
    for condition in status.get("conditions") or ():
        if condition["type"] not in KUBELET_CONDITIONS | SHARED_CONDITIONS:
            continue
        before = meta.get_condition(old.get("conditions"), condition["type"])
        same = before is not None and before.get("status") == condition["status"]
        condition["lastProbeTime"] = None
        condition["lastTransitionTime"] = (before or {}).get("lastTransitionTime") if same else now
        if not condition["lastTransitionTime"]:
            condition["lastTransitionTime"] = now


def illegal_transition(pod: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Why the new status cannot follow the old one: a container that ended for good lives again."""
    spec = pod["spec"]
    if spec.get("restartPolicy") in (None, "Always") or restart_policy.could_restart_all(spec):
        return ""
    for kind, field, what in (
        ("containers", "containerStatuses", "container"),
        ("initContainers", "initContainerStatuses", "init container"),
    ):
        after = {s["name"]: s for s in new.get(field) or ()}
        for container in spec.get(kind) or ():
            before = next((s for s in old.get(field) or () if s["name"] == container["name"]), None)
            ended = ((before or {}).get("state") or {}).get("terminated")
            if ended is None or restart_policy.restarts_after_exit(container, spec, ended.get("exitCode") or 0):
                continue
            following = after.get(container["name"])
            if following is not None and "terminated" not in following["state"]:
                name = container["name"]
                return f"terminated {what} {name} attempted illegal transition to non-terminated state"
    return ""


def merge(
    pod: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any], *, could_be_running: bool, now: str
) -> Status:
    """`old` is the API's status. While containers may still run, the phase does not become terminal: resources that
    others hand out again on that word are not free yet."""
    out: Status = meta.copy(dict(new))
    ends = old.get("phase") not in _TERMINAL and new.get("phase") in _TERMINAL
    kept = [dict(c) for c in old.get("conditions") or () if c["type"] not in KUBELET_CONDITIONS]
    for condition in out.get("conditions") or ():
        if condition["type"] in KUBELET_CONDITIONS:
            kept.append(condition)
        elif condition["type"] in SHARED_CONDITIONS and ends and not could_be_running:
            kept = [c for c in kept if c["type"] != condition["type"]]
            kept.append(condition | {"lastTransitionTime": now})
    out["conditions"] = kept
    for field in _FOREIGN_FIELDS:
        out.pop(field, None)
        if field in old:
            out[field] = old[field]
    if ends and could_be_running:
        for field in ("phase", "reason", "message"):
            out.pop(field, None)
            if field in old:
                out[field] = old[field]
    if out.get("phase") in _TERMINAL:
        _unready(pod, out, now)
    return out


def _unready(pod: Mapping[str, Any], status: Status, now: str) -> None:
    """What has ended serves nothing, even where the last words of its probes say otherwise."""
    conditions = status["conditions"]
    for type_ in ("Ready", "ContainersReady"):
        if meta.is_condition_true(conditions, type_):
            new = terminal(type_, pod, status["phase"]) | {"lastProbeTime": None, "lastTransitionTime": now}
            status["conditions"] = conditions = [new if c["type"] == type_ else c for c in conditions]
