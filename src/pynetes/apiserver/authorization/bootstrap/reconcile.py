"""Brings live roles and bindings to the default policy, adding what is missing and taking nothing away.

Upstream's rules: an object annotated autoupdate=false is left alone; labels and annotations that are there win; a
binding that refers to another role is made anew.
"""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from pynetes.apiserver.authorization import rules
from pynetes.apiserver.authorization.bootstrap import policy

Object = dict[str, Any]
Find = Callable[[GroupVersionResource, str, str], Object | None]
"""Resource, namespace ("" if cluster-wide), name → the live object."""

#: A cluster's binding, and the one that it was split from.
_SPLIT = {"system:public-info-viewer": "system:discovery"}


class Action(Struct, frozen=True):
    """What to do with an object; `recreate` is delete and create."""

    operation: Literal["create", "update", "recreate"]
    gvr: GroupVersionResource
    obj: Object


def plan(find: Find) -> list[Action]:
    """The writes that bring the cluster to the default policy; none on a cluster that has it."""
    wanted = (
        (CLUSTER_ROLES, policy.cluster_roles(), _role),
        (CLUSTER_ROLE_BINDINGS, policy.cluster_role_bindings(), _binding),
        (ROLES, policy.roles(), _role),
        (ROLE_BINDINGS, policy.role_bindings(), _binding),
    )
    actions = []
    for gvr, objects, reconcile in wanted:
        for obj in objects:
            live = find(gvr, obj["metadata"].get("namespace") or "", obj["metadata"]["name"])
            action = Action("create", gvr, _first(find, gvr, obj)) if live is None else reconcile(gvr, live, obj)
            if action is not None:
                actions.append(action)
    return actions


def _first(find: Find, gvr: GroupVersionResource, wanted: Object) -> Object:
    """What is made where there is nothing: if the binding that it was once part of is there, for whom that is."""
    source = find(gvr, "", _SPLIT.get(wanted["metadata"]["name"], "")) if gvr == CLUSTER_ROLE_BINDINGS else None
    if source is None:
        return wanted
    kept = {field: source["metadata"].get(field) or {} for field in ("labels", "annotations")}
    subjects = source.get("subjects") or []
    copied = {**wanted, "metadata": {"name": wanted["metadata"]["name"], **kept}, "subjects": subjects}
    completed = _binding(gvr, copied, wanted)
    return copied if completed is None else completed.obj


def _role(gvr: GroupVersionResource, live: Object, wanted: Object) -> Action | None:
    if _protected(live):
        return None
    changed = _with_metadata(live, wanted)
    missing = rules.uncovered(live.get("rules") or (), wanted["rules"])
    if missing:
        changed["rules"] = [*(live.get("rules") or ()), *missing]
    if "aggregationRule" in wanted:
        have = (live.get("aggregationRule") or {}).get("clusterRoleSelectors") or []
        lacking = [s for s in wanted["aggregationRule"]["clusterRoleSelectors"] if s not in have]
        if lacking:
            changed["aggregationRule"] = {"clusterRoleSelectors": [*have, *lacking]}
    elif live.get("aggregationRule"):
        changed.pop("aggregationRule")
    return None if changed == live else Action("update", gvr, changed)


def _binding(gvr: GroupVersionResource, live: Object, wanted: Object) -> Action | None:
    if _protected(live):
        return None
    if live.get("roleRef") != wanted["roleRef"]:
        return Action("recreate", gvr, wanted)
    changed = _with_metadata(live, wanted)
    have = live.get("subjects") or []
    lacking = [subject for subject in wanted.get("subjects") or () if subject not in have]
    if lacking:
        changed["subjects"] = [*have, *lacking]
    return None if changed == live else Action("update", gvr, changed)


def _protected(live: Object) -> bool:
    return (live["metadata"].get("annotations") or {}).get(policy.AUTOUPDATE) == "false"


def _with_metadata(live: Object, wanted: Object) -> Object:
    metadata = dict(live["metadata"])
    for field in ("labels", "annotations"):
        metadata[field] = {**(wanted["metadata"].get(field) or {}), **(metadata.get(field) or {})}
    return {**live, "metadata": metadata}
