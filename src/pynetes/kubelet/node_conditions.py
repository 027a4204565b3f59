"""The conditions of a node, with upstream's reasons and messages. Pure: old conditions and facts in, new ones out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

Condition = dict[str, Any]


class Pressures(Struct, frozen=True):
    """What the eviction manager sees."""

    memory: bool = False
    disk: bool = False
    pid: bool = False


class _Texts(Struct, frozen=True):
    """Reason, message and event, with and without pressure."""

    under: tuple[str, str, str]
    free: tuple[str, str, str]


_PRESSURES = {
    "MemoryPressure": _Texts(
        (
            "KubeletHasInsufficientMemory",
            "kubelet has insufficient memory available",
            "NodeHasInsufficientMemory",
        ),
        ("KubeletHasSufficientMemory", "kubelet has sufficient memory available", "NodeHasSufficientMemory"),
    ),
    "DiskPressure": _Texts(
        ("KubeletHasDiskPressure", "kubelet has disk pressure", "NodeHasDiskPressure"),
        ("KubeletHasNoDiskPressure", "kubelet has no disk pressure", "NodeHasNoDiskPressure"),
    ),
    "PIDPressure": _Texts(
        ("KubeletHasInsufficientPID", "kubelet has insufficient PID available", "NodeHasInsufficientPID"),
        ("KubeletHasSufficientPID", "kubelet has sufficient PID available", "NodeHasSufficientPID"),
    ),
}


class Conditions(Struct):
    """`items` are the kubelet's own, Ready last (upstream's rule); `events` are reasons to record."""

    items: list[Condition] = field(default_factory=list)
    events: list[str] = field(default_factory=list)


def aggregate(errors: Sequence[str]) -> str:
    """Several errors as Go's aggregate prints them."""
    unique = list(dict.fromkeys(errors))
    return unique[0] if len(unique) == 1 else f"[{', '.join(unique)}]"


def update(old: Iterable[Mapping[str, Any]], pressures: Pressures, errors: Sequence[str], now: str) -> Conditions:
    """`errors` say why the node is not ready; none means it is."""
    known = {condition["type"]: condition for condition in old}
    result = Conditions()
    states = {
        "MemoryPressure": pressures.memory,
        "DiskPressure": pressures.disk,
        "PIDPressure": pressures.pid,
    }
    for name, under in states.items():
        texts = _PRESSURES[name]
        reason, message, event = texts.under if under else texts.free
        status = "True" if under else "False"
        if (known.get(name) or {}).get("status") != status:
            result.events.append(event)
        result.items.append(_condition(name, status, reason, message, known.get(name), now))
    result.items.append(_ready(known.get("Ready"), errors, now, result.events))
    return result


def _ready(known: Mapping[str, Any] | None, errors: Sequence[str], now: str, events: list[str]) -> Condition:
    if errors:
        condition = _condition("Ready", "False", "KubeletNotReady", aggregate(errors), known, now)
    else:
        message = "kubelet is posting ready status"
        condition = _condition("Ready", "True", "KubeletReady", message, known, now)
    if known is not None and known.get("status") != condition["status"]:
        events.append("NodeNotReady" if errors else "NodeReady")
    return condition


def _condition(
    name: str, status: str, reason: str, message: str, known: Mapping[str, Any] | None, now: str
) -> Condition:
    same = known is not None and known.get("status") == status
    return {
        "type": name,
        "status": status,
        "lastHeartbeatTime": now,
        "lastTransitionTime": (known or {}).get("lastTransitionTime") or now if same else now,
        "reason": reason,
        "message": message,
    }


def without_heartbeats(conditions: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """For comparison: a new heartbeat alone is no change."""
    return [{k: v for k, v in condition.items() if k != "lastHeartbeatTime"} for condition in conditions]
