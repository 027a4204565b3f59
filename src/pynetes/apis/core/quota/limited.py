"""What an administrator lets nobody take without a quota for it (`limitedResources` of the admission plugin)."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.quantity import Quantity
from pynetes.apis.core.pod_resources import Amounts
from pynetes.apis.core.quota.charge import Write, covers
from pynetes.apis.core.quota.scopes import requirements

Object = dict[str, Any]


class Limited(Struct, frozen=True):
    """Of a resource with its group (`pods`, `jobs.batch`): parts of names that must be covered, and scopes."""

    resource: str
    contains: tuple[str, ...] = ()
    scopes: tuple[Object, ...] = ()


def uncovered(limits: Sequence[Limited], quotas: Sequence[Object], write: Write) -> tuple[list[str], list[Object]]:
    """What the write takes, and the scopes it falls under, for which a quota is missing."""
    evaluator, usage = write.evaluator, write.evaluator.usage(write.obj, write.now)
    scopes = [scope for limit in limits for scope in limit.scopes if evaluator.matches(scope, write.obj)]
    names = {
        name
        for limit in limits
        if limit.resource == evaluator.resource
        for name, amount in usage.items()
        if amount > Quantity(0) and any(part in name for part in limit.contains)
    }
    if not (names or scopes):
        return [], []
    pertinent = []
    for quota in quotas:
        hard = (quota.get("status") or {}).get("hard") or {}
        if covers(quota, evaluator, write.obj, hard):
            pertinent.append((quota, hard))
    if not _takes_more(write, usage, pertinent):
        return [], []
    known = {name for _, hard in pertinent for name in hard if evaluator.is_about(name)}
    matched = (scope for quota in quotas for scope in requirements(quota) if evaluator.matches(scope, write.obj))
    present = {scope.get("scopeName") for scope in matched}
    return sorted(names - known), [scope for scope in scopes if scope.get("scopeName") not in present]


def _takes_more(write: Write, usage: Amounts, pertinent: Sequence[tuple[Object, Object]]) -> bool:
    if write.old is not None and all(covers(quota, write.evaluator, write.old, hard) for quota, hard in pertinent):
        before = write.evaluator.usage(write.old, write.now)
        return any(amount > before.get(name, Quantity(0)) for name, amount in usage.items())
    return any(amount > Quantity(0) for amount in usage.values())


def shown(scopes: Sequence[Object]) -> str:
    """As the original shows them: `[{PriorityClass In [a b]}]`."""
    parts = []
    for scope in scopes:
        values = " ".join(scope.get("values") or ())
        parts.append(f"{{{scope.get('scopeName') or ''} {scope.get('operator') or ''} [{values}]}}")
    return f"[{' '.join(parts)}]"
