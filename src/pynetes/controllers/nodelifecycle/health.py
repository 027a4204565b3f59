"""Whether a node still reports: by its Ready condition's heartbeat and by its lease, as seen on our own clock."""

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pynetes.apimachinery import meta, times

Object = dict[str, Any]

_TYPES = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


class NodeHealth(Struct, frozen=True):
    """When (monotonic seconds) a node was last seen to report, and what it said then."""

    probed_at: float
    heartbeat: str | None
    renew_time: str | None


def conditions(node: Object) -> list[Object]:
    return (node.get("status") or {}).get("conditions") or []


def ready_status(node: Object) -> str:
    """True, False or Unknown."""
    condition = meta.get_condition(conditions(node), "Ready")
    return (condition or {}).get("status") or "Unknown"


def observe(known: NodeHealth | None, node: Object, lease: Object | None, now: float, age: float) -> NodeHealth:
    """What is known after a look at the node; `age` is how long it exists, for one that never reported."""
    ready = meta.get_condition(conditions(node), "Ready")
    heartbeat = ready.get("lastHeartbeatTime") or "" if ready is not None else None
    renewed = ((lease or {}).get("spec") or {}).get("renewTime")
    if known is None:
        probed_at = now if ready is not None or renewed else now - age
        return NodeHealth(probed_at, heartbeat, renewed)
    if heartbeat != known.heartbeat or (renewed or "") > (known.renew_time or ""):
        return NodeHealth(now, heartbeat, renewed)
    return replace(known, renew_time=renewed or known.renew_time)


def is_silent(health: NodeHealth, now: float, grace: float, startup_grace: float) -> bool:
    """Whether a node said nothing for longer than it may."""
    return now > health.probed_at + (startup_grace if health.heartbeat is None else grace)


def unknown_conditions(node: Object, now: datetime) -> list[Object]:
    """The conditions of a silent node: nobody knows any more."""
    out: list[Object] = meta.copy(conditions(node))
    stamp = times.format_time(now)
    for type in _TYPES:
        condition = meta.get_condition(out, type)
        if condition is None:
            out.append(
                {
                    "type": type,
                    "status": "Unknown",
                    "lastHeartbeatTime": meta.creation_time(node),
                    "lastTransitionTime": stamp,
                    "reason": "NodeStatusNeverUpdated",
                    "message": "Kubelet never posted node status.",
                }
            )
        elif condition.get("status") != "Unknown":
            condition.update(
                status="Unknown",
                reason="NodeStatusUnknown",
                message="Kubelet stopped posting node status.",
                lastTransitionTime=stamp,
            )
    return out
