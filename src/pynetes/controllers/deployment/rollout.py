"""What a rollout does next: functions from a Deployment and its ReplicaSets to scalings and deletions.

Upstream's rules: a rolling update first scales the new ReplicaSet up as far as surge allows; if it cannot, it scales
old ones down as far as availability allows, unhealthy replicas first. Recreate waits for the old pods to end.
"""

from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.controllers.deployment import annotations, sizes
from pynetes.controllers.deployment.template import same_template

Object = dict[str, Any]


class Scale(Struct, frozen=True):
    """Bring a ReplicaSet (by name) to `to` replicas. `force` rewrites its size annotations even at that size."""

    name: str
    to: int
    force: bool = False


class Revisions(Struct, frozen=True):
    """A Deployment's ReplicaSets: the one of its template, and the others."""

    new: Object | None
    old: list[Object]

    @property
    def all(self) -> list[Object]:
        return [*self.old, self.new] if self.new is not None else list(self.old)


def _age(rs: Object) -> tuple[str, str]:
    return meta.creation_time(rs), meta.name(rs)


def classify(deployment: Object, replica_sets: list[Object]) -> Revisions:
    """Of several with the Deployment's template the oldest is the new one."""
    new = None
    for rs in sorted(replica_sets, key=_age):
        if same_template(rs["spec"].get("template") or {}, deployment["spec"].get("template") or {}):
            new = rs
            break
    return Revisions(new, [rs for rs in replica_sets if new is None or meta.uid(rs) != meta.uid(new)])


def is_scaling_event(deployment: Object, revisions: Revisions) -> bool:
    """Whether the Deployment's size changed since its ReplicaSets were last scaled."""
    for rs in sizes.active(revisions.all):
        desired = annotations.desired_replicas(rs)
        if desired is not None and desired != sizes.replicas(deployment):
            return True
    return False


# -- scaling without a rollout step (a paused Deployment, a change of size)


def scale(deployment: Object, revisions: Revisions) -> list[Scale]:
    wanted = sizes.replicas(deployment)
    single = _active_or_latest(revisions)
    if single is not None:
        return [] if sizes.replicas(single) == wanted else [Scale(meta.name(single), wanted)]
    if not revisions.all:
        return []
    if sizes.is_saturated(deployment, revisions.new):
        return [Scale(meta.name(rs), 0) for rs in sizes.active(revisions.old)]
    return _proportionally(deployment, revisions) if sizes.is_rolling(deployment) else []


def _active_or_latest(revisions: Revisions) -> Object | None:
    """The only ReplicaSet with pods; without any, the newest; None if several have."""
    active = sizes.active(revisions.all)
    if len(active) > 1:
        return None
    if active:
        return active[0]
    if revisions.new is not None:
        return revisions.new
    return max(revisions.old, key=_age, default=None)


def _proportionally(deployment: Object, revisions: Revisions) -> list[Scale]:
    """Shares what is to be added or removed by size, the largest first; it also takes what rounding leaves."""
    wanted = sizes.replicas(deployment)
    active = sizes.active(revisions.all)
    allowed = wanted + sizes.max_surge(deployment) if wanted > 0 else 0
    to_add = allowed - sizes.total(active)
    by_age = sorted(active, key=_age, reverse=to_add > 0)  # equals: the newest grow, the oldest shrink first
    ordered = sorted(by_age, key=sizes.replicas, reverse=True)
    added = 0
    targets: list[int] = []
    for rs in ordered:
        share = sizes.proportion(rs, deployment, to_add, added)
        targets.append(sizes.replicas(rs) + share)
        added += share
    if targets and to_add:
        targets[0] = max(0, targets[0] + to_add - added)
    return [Scale(meta.name(rs), size, force=True) for rs, size in zip(ordered, targets, strict=True)]


# -- rolling update


def roll(deployment: Object, revisions: Revisions) -> list[Scale]:
    """The next step of a rolling update whose new ReplicaSet exists; empty when there is none to take now."""
    assert revisions.new is not None
    return _scale_new(deployment, revisions, revisions.new) or _scale_old(deployment, revisions, revisions.new)


def _scale_new(deployment: Object, revisions: Revisions, new: Object) -> list[Scale]:
    wanted, current = sizes.replicas(deployment), sizes.replicas(new)
    target = wanted if current > wanted else sizes.new_replica_set_size(deployment, revisions.all, current)
    return [] if target == current else [Scale(meta.name(new), target)]


def _scale_old(deployment: Object, revisions: Revisions, new: Object) -> list[Scale]:
    old = sorted(sizes.active(revisions.old), key=_age)
    if not old:
        return []
    unavailable_new = sizes.replicas(new) - sizes.counted([new], "availableReplicas")
    budget = sizes.total(revisions.all) - sizes.min_available(deployment) - unavailable_new
    if budget <= 0:
        return []
    current = {meta.name(rs): sizes.replicas(rs) for rs in old}
    steps = _drop_unhealthy(old, current, budget)
    available = sizes.counted([*old, new], "availableReplicas") - sizes.min_available(deployment)
    return steps + _drop_available(old, current, available)


def _drop_unhealthy(old: list[Object], current: dict[str, int], budget: int) -> list[Scale]:
    """Replicas that are not available anyway; they would only block the rollout."""
    steps = []
    for rs in old:
        name = meta.name(rs)
        surplus = min(budget, current[name] - sizes.counted([rs], "availableReplicas"))
        if surplus > 0:
            budget -= surplus
            current[name] -= surplus
            steps.append(Scale(name, current[name]))
    return steps


def _drop_available(old: list[Object], current: dict[str, int], budget: int) -> list[Scale]:
    """Available replicas beyond the minimum."""
    steps = []
    for rs in old:
        name = meta.name(rs)
        surplus = min(budget, current[name])
        if surplus > 0:
            budget -= surplus
            current[name] -= surplus
            steps.append(Scale(name, current[name]))
    return steps


# -- recreate


def stop_old(revisions: Revisions) -> list[Scale]:
    return [Scale(meta.name(rs), 0) for rs in sizes.active(revisions.old)]


def old_pods_running(revisions: Revisions, pods_by_owner: dict[str, list[Object]]) -> bool:
    """Whether any pod of an old ReplicaSet may still run; `pods_by_owner` is by ReplicaSet uid."""
    if sizes.counted(revisions.old, "replicas") > 0:
        return True
    new = meta.uid(revisions.new) if revisions.new is not None else None
    for owner, pods in pods_by_owner.items():
        if owner == new:
            continue
        if any((pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded") for pod in pods):
            return True
    return False


# -- history


def surplus_history(deployment: Object, old: list[Object]) -> list[Object]:
    """Old ReplicaSets beyond revisionHistoryLimit that have nothing left, the lowest revisions first."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    if limit is None or limit == 2**31 - 1:
        return []
    kept = [rs for rs in old if not meta.is_deleting(rs)]
    ordered = sorted(kept, key=lambda rs: (annotations.revision(rs), *_age(rs)))
    return [rs for rs in ordered[: max(0, len(ordered) - limit)] if _is_spent(rs)]


def _is_spent(rs: Object) -> bool:
    status = rs.get("status") or {}
    observed = meta.generation(rs) <= (status.get("observedGeneration") or 0)
    return observed and not sizes.replicas(rs) and not status.get("replicas")
