"""What a Deployment notes on its ReplicaSets: revisions, and the sizes it had when it scaled them."""

from typing import Any

from pynetes.apimachinery import meta

Object = dict[str, Any]

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
HISTORY_CHARACTERS = 2000

_OWN = frozenset(
    (
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
        "deprecated.deployment.rollback.to",
    )
)


def revision(obj: Object) -> int:
    """0 without one, or with one that is no number."""
    return _number(meta.annotations(obj).get(REVISION), bits=64) or 0


def desired_replicas(rs: Object) -> int | None:
    return _number(meta.annotations(rs).get(DESIRED_REPLICAS))


def max_replicas(rs: Object) -> int | None:
    return _number(meta.annotations(rs).get(MAX_REPLICAS))


def _number(text: str | None, bits: int = 32) -> int | None:
    if text is None or not text.isdecimal():
        return None
    value = int(text)
    return value if value < 1 << bits - 1 else None


def next_revision(old_sets: list[Object]) -> int:
    return max((revision(rs) for rs in old_sets), default=0) + 1


def for_new_replica_set(deployment: Object, current: dict[str, str], new_revision: int) -> dict[str, str]:
    """The annotations the newest ReplicaSet should have; a revision that it loses goes to its history."""
    out = dict(current)
    out.update({k: v for k, v in meta.annotations(deployment).items() if k not in _OWN})
    text = current.get(REVISION)
    old = 0 if not text else _number(text, bits=64)
    if old is None or old >= new_revision:
        return out
    out[REVISION] = str(new_revision)
    if text is not None:
        out[REVISION_HISTORY] = _history(current.get(REVISION_HISTORY) or "", text)
    return out


def _history(history: str, add: str) -> str:
    """The oldest revisions go first when the list becomes too long."""
    if not history:
        return add
    entries = history.split(",")
    while entries and len(",".join([*entries, add])) > HISTORY_CHARACTERS:
        entries.pop(0)
    return ",".join([*entries, add])


def sizes(desired: int, maximum: int) -> dict[str, str]:
    """What a scaled ReplicaSet remembers."""
    return {DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(maximum)}
