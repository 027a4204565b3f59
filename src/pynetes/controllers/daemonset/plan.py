"""What a DaemonSet's controller does next: pods to create on nodes, pods to delete, and the status."""

from datetime import datetime
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.controllers.daemonset import placement
from pynetes.controllers.podcontrol import state
from pynetes.controllers.podcontrol.intstr import scaled

Object = dict[str, Any]
PodsByNode = dict[str, list[Object]]


class Plan(Struct):
    create: list[str] = field(default_factory=list)
    """Nodes that need a pod."""
    delete: list[Object] = field(default_factory=list)
    failed: list[Object] = field(default_factory=list)
    """Pods that failed: to be deleted, but not again and again without a pause."""
    succeeded: list[Object] = field(default_factory=list)


def by_node(pods: list[Object]) -> PodsByNode:
    """The pods of each node; pods that finished and are being deleted no longer count."""
    out: PodsByNode = {}
    for pod in pods:
        if state.is_terminal(pod) and meta.is_deleting(pod):
            continue
        node = placement.target_node(pod)
        if node:
            out.setdefault(node, []).append(pod)
    return out


def _age(pod: Object) -> tuple[bool, str, str]:
    """Scheduled pods first, then the oldest."""
    return not state.node_name(pod), meta.creation_time(pod), meta.name(pod)


def surge(daemon_set: Object, desired: int) -> int:
    rolling = (daemon_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return scaled(rolling.get("maxSurge"), desired, up=True) if is_rolling(daemon_set) else 0


def is_rolling(daemon_set: Object) -> bool:
    return ((daemon_set["spec"].get("updateStrategy") or {}).get("type") or "RollingUpdate") == "RollingUpdate"


def manage(daemon_set: Object, nodes: list[Object], pods: PodsByNode, hash_: str, now: datetime) -> Plan:
    """One pod on each node that should have one; none elsewhere."""
    plan = Plan()
    known = {meta.name(node) for node in nodes}
    for node in nodes:
        name = meta.name(node)
        should, may_stay = placement.should_run(daemon_set, node)
        present = pods.get(name)
        if should and not present:
            plan.create.append(name)
        elif may_stay:
            _on_node(daemon_set, name, present or [], should, hash_, now, plan)
        else:
            plan.delete += [pod for pod in present or () if not meta.is_deleting(pod)]
    for name, lost in pods.items():
        if name not in known:
            plan.delete += [pod for pod in lost if not state.node_name(pod) and not meta.is_deleting(pod)]
    return plan


def _on_node(
    daemon_set: Object, node: str, present: list[Object], should: bool, hash_: str, now: datetime, plan: Plan
) -> None:
    running = []
    for pod in present:
        if meta.is_deleting(pod):
            continue
        match state.phase(pod):
            case "Failed":
                plan.failed.append(pod)
            case "Succeeded":
                plan.succeeded.append(pod)
            case _:
                running.append(pod)
    running.sort(key=_age)
    if not surge(daemon_set, 100):
        plan.delete += running[1:]
        return
    if not running and should:
        plan.create.append(node)
    if len(running) > 1:
        plan.delete += _superseded(daemon_set, running, hash_, now)


def _superseded(daemon_set: Object, running: list[Object], hash_: str, now: datetime) -> list[Object]:
    """With surge an old and a new pod may stand side by side, until the new one is available."""
    new = [pod for pod in running if meta.labels(pod).get(placement.HASH_LABEL) == hash_]
    old = [pod for pod in running if meta.labels(pod).get(placement.HASH_LABEL) != hash_]
    out = new[1:] + old[1:]
    if new and old:
        min_ready = daemon_set["spec"].get("minReadySeconds") or 0
        if not state.is_ready(old[0]) or state.is_available(new[0], min_ready, now):
            out.append(old[0])
    return out


def update(daemon_set: Object, nodes: list[Object], pods: PodsByNode, hash_: str, now: datetime) -> Plan:
    """The next step of a rolling update, in the bounds of maxUnavailable or maxSurge."""
    fits = {meta.name(node): placement.should_run(daemon_set, node)[0] for node in nodes}
    desired = sum(fits.values())
    rolling = (daemon_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    extra = surge(daemon_set, desired)
    if extra:
        return _surge(daemon_set, pods, hash_, extra, fits, desired, now)
    wanted = rolling.get("maxUnavailable")
    unavailable = scaled(1 if wanted is None else wanted, desired, up=True)
    return _replace(daemon_set, pods, hash_, max(unavailable, 1), now)


def _pair(daemon_set: Object, present: list[Object], hash_: str) -> tuple[Object | None, Object | None] | None:
    """The new and the old pod of a node; None if there are several of either, which is not the update's business."""
    generation = placement.template_generation(daemon_set)
    alive = [pod for pod in present if not meta.is_deleting(pod)]
    new = [pod for pod in alive if placement.is_updated(pod, hash_, generation)]
    old = [pod for pod in alive if not placement.is_updated(pod, hash_, generation)]
    if len(new) > 1 or len(old) > 1:
        return None
    return (new[0] if new else None), (old[0] if old else None)


def _replace(daemon_set: Object, pods: PodsByNode, hash_: str, limit: int, now: datetime) -> Plan:
    """Deletes old pods: those that do no work at once, others while enough are available."""
    min_ready = daemon_set["spec"].get("minReadySeconds") or 0
    plan, candidates, unavailable = Plan(), [], 0
    for present in pods.values():
        pair = _pair(daemon_set, present, hash_)
        if pair is None or (pair[0] is None) == (pair[1] is None):
            unavailable += 1
            continue
        new, old = pair
        if new is not None:
            unavailable += not state.is_available(new, min_ready, now)
        elif old is not None:
            if state.is_available(old, min_ready, now):
                candidates.append(old)
            else:
                plan.delete.append(old)
                unavailable += 1
    plan.delete += candidates[: max(0, limit - unavailable)]
    return plan


def _surge(
    daemon_set: Object, pods: PodsByNode, hash_: str, limit: int, fits: dict[str, bool], desired: int, now: datetime
) -> Plan:
    """Creates new pods beside old ones, and deletes an old one when its successor is available."""
    min_ready = daemon_set["spec"].get("minReadySeconds") or 0
    plan = Plan()
    candidates: list[str] = []
    leaving: list[Object] = []
    surging = available = 0
    for node, present in pods.items():
        pair = _pair(daemon_set, present, hash_)
        if pair is None:
            surging += 1
            continue
        new, old = pair
        standing = old or new
        available += standing is not None and state.is_available(standing, min_ready, now)
        if old is None:
            continue
        if new is not None:
            if state.is_available(new, min_ready, now):
                plan.delete.append(old)
            else:
                surging += 1
        elif not state.is_available(old, min_ready, now):
            if fits.get(node):
                plan.create.append(node)
            else:
                plan.delete.append(old)
        elif fits.get(node):
            candidates.append(node)
        else:
            leaving.append(old)
    plan.delete += leaving[: max(0, available - desired)]
    plan.create += candidates[: max(0, limit - surging)]
    return plan


def status(daemon_set: Object, nodes: list[Object], pods: PodsByNode, hash_: str, now: datetime) -> Object:
    """The counts; conditions and the collision count stay."""
    spec = daemon_set["spec"]
    counts = dict.fromkeys(("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"), 0)
    updated = available = 0
    for node in nodes:
        should, _ = placement.should_run(daemon_set, node)
        present = sorted(pods.get(meta.name(node), ()), key=_age)
        if not should:
            counts["numberMisscheduled"] += bool(present)
            continue
        counts["desiredNumberScheduled"] += 1
        if not present:
            continue
        counts["currentNumberScheduled"] += 1
        pod = present[0]
        counts["numberReady"] += state.is_ready(pod)
        available += state.is_available(pod, spec.get("minReadySeconds") or 0, now)
        updated += placement.is_updated(pod, hash_, placement.template_generation(daemon_set))
    unavailable = counts["desiredNumberScheduled"] - available
    optional = {
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": unavailable,
        "observedGeneration": meta.generation(daemon_set),
    }
    old = daemon_set.get("status") or {}
    kept = {field: old[field] for field in ("collisionCount", "conditions") if field in old}
    return {**kept, **counts, **{field: count for field, count in optional.items() if count}}
