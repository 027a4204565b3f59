"""What becomes of an object, by the state of its owners: the pure decision of garbage collection."""

from enum import Enum
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.controllers.garbagecollector.graph import FOREGROUND, ORPHAN

Object = dict[str, Any]


class OwnerState(Enum):
    SOLID = "solid"  # exists, and stays or does not wait for its dependents
    DANGLING = "dangling"  # does not exist
    WAITING = "waiting"  # is being deleted and waits for its dependents to go first


class Keep(Struct, frozen=True):
    """Nothing to do."""


class DropReferences(Struct, frozen=True):
    """Other owners stay: only these uids must go from the references."""

    uids: frozenset[str]


class Delete(Struct, frozen=True):
    """Nobody owns it any more. `policy` is how its own dependents are treated; `unblock`: first tell the object's
    dependents not to block it, because two foreground deletions would wait for each other."""

    policy: str
    unblock: bool = False


def owner_state(owner: Object | None, uid: str) -> OwnerState:
    """What the API server's answer about an owner means for a reference with `uid`."""
    if owner is None or meta.uid(owner) != uid:
        return OwnerState.DANGLING
    if meta.is_deleting(owner) and FOREGROUND in meta.finalizers(owner):
        return OwnerState.WAITING
    return OwnerState.SOLID


def decide(obj: Object, owners: dict[str, OwnerState], has_dependents: bool) -> Keep | DropReferences | Delete:
    """`owners` is by the uid of each of the object's owner references."""
    gone = frozenset(uid for uid, state in owners.items() if state is not OwnerState.SOLID)
    if not owners or not gone:
        return Keep()
    if len(gone) < len(owners):
        return DropReferences(gone)
    if OwnerState.WAITING in owners.values() and has_dependents:
        return Delete("Foreground", unblock=True)
    finalizers = meta.finalizers(obj)
    if ORPHAN in finalizers:
        return Delete("Orphan")
    if FOREGROUND in finalizers:
        return Delete("Foreground")
    return Delete("Background")
