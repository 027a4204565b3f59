"""A quota's status out of the objects that are there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pynetes.apimachinery.quantity import Quantity, parse
from pynetes.apis.core.pod_resources import Amounts
from pynetes.apis.core.quota.charge import covers
from pynetes.apis.core.quota.usage import EVALUATORS, Evaluator, evaluator_of

Object = dict[str, Any]

_COUNT = "count/"


def counted_types(quota: Object) -> set[str]:
    """The resources (with their groups) whose objects the quota is about."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    named = {name.removeprefix(_COUNT) for name in hard if name.startswith(_COUNT)}
    return named | {name for name, evaluator in EVALUATORS.items() if any(evaluator.is_about(each) for each in hard)}


def status_of(quota: Object, objects: Mapping[str, list[Object]], now: datetime) -> Object:
    """The status, from the namespace's objects of every type that could be counted; of others, what was known stays."""
    hard: Object = (quota.get("spec") or {}).get("hard") or {}
    known: Object = (quota.get("status") or {}).get("used") or {}
    used: Amounts = {name: parse(value) for name, value in known.items() if name in hard}
    for resource, found in objects.items():
        evaluator = evaluator_of(resource)
        used |= {name: Quantity(0) for name in hard if evaluator.is_about(name)}
        for obj in found:
            if covers(quota, evaluator, obj, hard):
                _add(used, evaluator, obj, now)
    return {"hard": dict(hard), "used": {name: str(used[name]) for name in hard if name in used}}


def counts_otherwise(quota: Object, resource: str, old: Object, new: Object, now: datetime) -> bool:
    """Whether an object's change is one for the quota: what it takes, or that the quota is about it at all."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    evaluator = evaluator_of(resource)

    def taken(obj: Object) -> Amounts | None:
        if not covers(quota, evaluator, obj, hard):
            return None
        return {name: amount for name, amount in evaluator.usage(obj, now).items() if name in hard}

    return taken(old) != taken(new)


def _add(used: Amounts, evaluator: Evaluator, obj: Object, now: datetime) -> None:
    for name, amount in evaluator.usage(obj, now).items():
        if name in used:
            used[name] = used[name] + amount
