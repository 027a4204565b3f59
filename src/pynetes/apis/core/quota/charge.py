"""Whether a write fits into a namespace's quotas, and what they look like with it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.quantity import Quantity, parse
from pynetes.apis.core.pod_resources import Amounts
from pynetes.apis.core.quota.scopes import requirements
from pynetes.apis.core.quota.usage import Evaluator

Object = dict[str, Any]


class QuotaExceeded(Exception):
    """The write is refused; the message says why, in upstream's words."""


class Write(Struct, frozen=True):
    """`old` is None for a create."""

    evaluator: Evaluator
    obj: Object
    old: Object | None
    now: datetime


def covers(quota: Object, evaluator: Evaluator, obj: Object, hard: Iterable[str]) -> bool:
    """Whether a quota with these resources is about the object: one is of its kind, and all scopes match."""
    if not any(evaluator.is_about(name) for name in hard):
        return False
    return all(evaluator.matches(requirement, obj) for requirement in requirements(quota))


def charged(quotas: Sequence[Object], write: Write) -> list[tuple[Object, Amounts]]:
    """The quotas that the write changes, with their new `status.used`. QuotaExceeded."""
    out = []
    taken = write.evaluator.usage(write.obj, write.now)
    for quota in quotas:
        status = quota.get("status") or {}
        hard, used = _parsed(status.get("hard")), _parsed(status.get("used"))
        if not covers(quota, write.evaluator, write.obj, hard):
            continue
        _check_known(quota, write, hard, used)
        more = {name: amount for name, amount in _more(quota, write, taken, hard).items() if name in hard}
        if not more:
            continue
        total = {name: used[name] + amount if name in used else amount for name, amount in more.items()}
        exceeded = [name for name in more if total[name] > hard[name]]
        if exceeded:
            requested, already, limit = (shown(_only(exceeded, amounts)) for amounts in (more, used, hard))
            name = quota["metadata"]["name"]
            raise QuotaExceeded(f"exceeded quota: {name}, requested: {requested}, used: {already}, limited: {limit}")
        out.append((quota, used | total))
    return out


def _check_known(quota: Object, write: Write, hard: Amounts, used: Amounts) -> None:
    """A quota that has not been counted yet, or an object that leaves open what it takes, lets nothing pass."""
    name, watched = quota["metadata"]["name"], [name for name in hard if write.evaluator.is_about(name)]
    if why := write.evaluator.missing(watched, write.obj):
        raise QuotaExceeded(f"failed quota: {name}: {why}")
    if any(each not in used for each in watched):
        raise QuotaExceeded(f"status unknown for quota: {name}, resources: {','.join(sorted(watched))}")


def _more(quota: Object, write: Write, taken: Amounts, hard: Amounts) -> Amounts:
    """What the write adds; less than before adds nothing, since only the controller counts down."""
    if write.old is None or not covers(quota, write.evaluator, write.old, hard):
        return {name: amount for name, amount in taken.items() if amount}
    before = write.evaluator.usage(write.old, write.now)
    more = {name: amount - before[name] if name in before else amount for name, amount in taken.items()}
    return {name: amount for name, amount in more.items() if amount > Quantity(0)}


def _parsed(values: Object | None) -> Amounts:
    return {name: parse(value) for name, value in (values or {}).items()}


def _only(names: Iterable[str], amounts: Amounts) -> Amounts:
    return {name: amounts[name] for name in names if name in amounts}


def shown(amounts: Amounts) -> str:
    """`cpu=1,pods=2`."""
    return ",".join(f"{name}={amounts[name]}" for name in sorted(amounts))
