"""What a delete does to an object that cannot go at once: finalizers, deletion time and grace. Pure decisions."""

from datetime import datetime, timedelta
from typing import Any

from pynetes.apimachinery.errors import conflict
from pynetes.apimachinery.times import format_time, parse_time
from pynetes.apis.strategy import Strategy
from pynetes.apiserver.options import DeleteOptions

Object = dict[str, Any]

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"


def check_preconditions(group: str, kind: str, obj: Object, options: DeleteOptions) -> None:
    """409 if the object is not the one that was meant."""
    metadata = obj["metadata"]
    resource = f"{kind}.{group}" if group else kind
    if options.uid is not None and options.uid != metadata.get("uid"):
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({metadata.get('uid')}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(resource, metadata["name"], why)
    version = metadata.get("resourceVersion")
    if options.resource_version is not None and options.resource_version != version:
        why = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({version}). The object might have been modified"
        )
        raise conflict(resource, metadata["name"], why)


def check_mark(resource: str, obj: Object, options: DeleteOptions) -> None:
    """The same of kinds that are only marked by a first delete, which upstream tells in other words."""
    metadata = obj["metadata"]
    for label, wanted, found in (
        ("UID", options.uid, metadata.get("uid")),
        ("ResourceVersion", options.resource_version, metadata.get("resourceVersion")),
    ):
        if wanted is not None and wanted != found:
            why = f"Precondition failed: {label} in precondition: {wanted}, {label} in object meta: {found}"
            raise conflict(resource, metadata["name"], why)


def begin_graceful(strategy: Strategy, obj: Object, options: DeleteOptions, now: datetime) -> tuple[bool, bool]:
    """(graceful, pending): whether the deletion now waits for somebody, and whether it has been waiting already.

    Sets deletion time and grace on `obj` if graceful. A running grace period can only be shortened.
    """
    if options.grace_period_seconds is not None and options.grace_period_seconds < 0:
        options.grace_period_seconds = 1
    metadata = obj["metadata"]
    if metadata.get("deletionTimestamp"):
        return _shorten(metadata, options, now)
    seconds = strategy.graceful_seconds(obj, {"gracePeriodSeconds": options.grace_period_seconds})
    if seconds is None:
        return False, False
    options.grace_period_seconds = seconds
    metadata["deletionTimestamp"] = format_time(now + timedelta(seconds=seconds))
    metadata["deletionGracePeriodSeconds"] = seconds
    _bump_generation(metadata)
    return True, False


def _shorten(metadata: Object, options: DeleteOptions, now: datetime) -> tuple[bool, bool]:
    left = metadata.get("deletionGracePeriodSeconds")
    if not left:
        return False, False
    wanted = options.grace_period_seconds
    if wanted is None:
        options.grace_period_seconds = left
        return False, True
    if wanted >= left:
        return False, True
    moment = parse_time(metadata["deletionTimestamp"]) + timedelta(seconds=wanted - left)
    if moment < now:
        moment = now
        if wanted:
            wanted = 1
    metadata["deletionTimestamp"] = format_time(moment)
    metadata["deletionGracePeriodSeconds"] = wanted
    return True, False


def mark_deleting(obj: Object, now: datetime) -> None:
    """For objects that only wait for finalizers."""
    metadata = obj["metadata"]
    stamp = metadata.get("deletionTimestamp")
    if not stamp:
        _bump_generation(metadata)
    if not stamp or parse_time(stamp) > now:
        metadata["deletionTimestamp"] = format_time(now)
    metadata["deletionGracePeriodSeconds"] = 0


def _bump_generation(metadata: Object) -> None:
    if metadata.get("generation", 0) > 0:
        metadata["generation"] += 1


def propagation_finalizers(strategy: Strategy, obj: Object, options: DeleteOptions) -> list[str]:
    """The object's finalizers with those of the garbage collector that the propagation policy asks for."""
    present: list[str] = obj["metadata"].get("finalizers") or []
    if not strategy.default_deletion_propagation:
        return present
    orphan, foreground = _orphan(strategy, present, options), _foreground(present, options)
    kept = [finalizer for finalizer in present if finalizer not in (ORPHAN, FOREGROUND)]
    if orphan:
        kept.append(ORPHAN)
    if foreground:
        kept.append(FOREGROUND)
    return present if set(kept) == set(present) else kept


def _orphan(strategy: Strategy, present: list[str], options: DeleteOptions) -> bool:
    if options.orphan_dependents is not None:
        return options.orphan_dependents
    if options.propagation_policy is not None:
        return options.propagation_policy == "Orphan"
    for finalizer in present:
        if finalizer in (ORPHAN, FOREGROUND):
            return finalizer == ORPHAN
    return strategy.default_deletion_propagation == "Orphan"


def _foreground(present: list[str], options: DeleteOptions) -> bool:
    if options.orphan_dependents is not None:
        return False
    if options.propagation_policy is not None:
        return options.propagation_policy == "Foreground"
    for finalizer in present:
        if finalizer in (ORPHAN, FOREGROUND):
            return finalizer == FOREGROUND
    return False


def set_finalizers(obj: Object, finalizers: list[str]) -> None:
    if finalizers:
        obj["metadata"]["finalizers"] = finalizers
    else:
        obj["metadata"].pop("finalizers", None)
