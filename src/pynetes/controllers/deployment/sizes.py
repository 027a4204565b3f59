"""Numbers of replicas: what a rollout may add, take away, and how scaling is shared between ReplicaSets."""

import math
from typing import Any

from pynetes.controllers.deployment import annotations
from pynetes.controllers.podcontrol.intstr import scaled

Object = dict[str, Any]


def replicas(obj: Object) -> int:
    """The wanted replicas of a Deployment or ReplicaSet."""
    wanted = obj["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)


def total(replica_sets: list[Object]) -> int:
    return sum(replicas(rs) for rs in replica_sets)


def counted(replica_sets: list[Object], field: str) -> int:
    """The sum of a status field."""
    return sum((rs.get("status") or {}).get(field) or 0 for rs in replica_sets)


def active(replica_sets: list[Object]) -> list[Object]:
    """Those that want pods."""
    return [rs for rs in replica_sets if replicas(rs) > 0]


def is_rolling(deployment: Object) -> bool:
    return bool(((deployment["spec"].get("strategy") or {}).get("type") or "RollingUpdate") == "RollingUpdate")


def _fenceposts(deployment: Object) -> tuple[int, int]:
    """(surge, unavailable); never both zero, or nothing could move."""
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    wanted = replicas(deployment)
    surge = scaled(rolling.get("maxSurge"), wanted, up=True)
    unavailable = scaled(rolling.get("maxUnavailable"), wanted, up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(deployment: Object) -> int:
    return _fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    if not is_rolling(deployment) or not replicas(deployment):
        return 0
    return min(_fenceposts(deployment)[1], replicas(deployment))


def min_available(deployment: Object) -> int:
    return replicas(deployment) - max_unavailable(deployment) if is_rolling(deployment) else 0


def new_replica_set_size(deployment: Object, all_sets: list[Object], current: int) -> int:
    """How many replicas the newest ReplicaSet (now of `current`) may have at this point of the rollout."""
    wanted = replicas(deployment)
    if not is_rolling(deployment):
        return wanted
    surge = scaled(
        ((deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}).get("maxSurge"), wanted, up=True
    )
    room = wanted + surge - total(all_sets)
    if room <= 0:
        return current
    return current + min(room, wanted - current)


def is_saturated(deployment: Object, rs: Object | None) -> bool:
    """Whether `rs` alone carries the Deployment, and both sides know it."""
    if rs is None:
        return False
    wanted = replicas(deployment)
    available = (rs.get("status") or {}).get("availableReplicas") or 0
    return replicas(rs) == wanted and annotations.desired_replicas(rs) == wanted and available == wanted


def proportion(rs: Object, deployment: Object, to_add: int, added: int) -> int:
    """The share of `to_add` (negative: to remove) that is `rs`'s, where `added` are given out already."""
    if not replicas(rs) or not to_add or to_add == added:
        return 0
    fraction, allowed = _fraction(rs, deployment), to_add - added
    return min(fraction, allowed) if to_add > 0 else max(fraction, allowed)


def _fraction(rs: Object, deployment: Object) -> int:
    size = replicas(rs)
    if not replicas(deployment):
        return -size
    before = annotations.max_replicas(rs) or (deployment.get("status") or {}).get("replicas") or 0
    if not before:
        return 0
    wanted = size * (replicas(deployment) + max_surge(deployment)) / before
    return _round(wanted) - size


def _round(value: float) -> int:
    """Half away from zero."""
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)
