"""What a group of writes does to the store: the pure core under every log.

`decide` looks at the writes in order, each on the state the earlier ones left, and says for each what happened: an
event with the next revision, or the error that refused it.
"""

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from pynetes.storage.interface import Event, KeyExists, KeyValue, RevisionConflict, StoreError

FIRST_REVISION = 1
"""Of an empty store, as etcd's: 0 means "any" to clients, so nothing may ever be read at it."""


class Write(Struct, frozen=True):
    """A wish to write. `expected` is the key's mod_revision, 0 when it must not exist; no `value` deletes.

    `expires`: wall-clock second from which on the key may be deleted, 0 never.
    """

    key: str
    value: bytes | None
    expected: int
    expires: int = 0


Outcome: TypeAlias = Event | StoreError


def decide(writes: Sequence[Write], current: dict[str, KeyValue], revision: int) -> list[Outcome]:
    """The writes' outcomes, from a store at `revision`; `current` holds their keys' versions and is brought up to date.

    Revisions count on from `revision`, one for each event.
    """
    outcomes: list[Outcome] = []
    for write in writes:
        prev = current.get(write.key)
        refused = _refusal(write, prev)
        if refused is not None:
            outcomes.append(refused)
            continue
        revision += 1
        event = _event(write, prev, revision)
        if event.type == "DELETE":
            del current[write.key]
        else:
            current[write.key] = event.kv
        outcomes.append(event)
    return outcomes


def _refusal(write: Write, prev: KeyValue | None) -> StoreError | None:
    if write.expected == 0 and write.value is not None:
        return KeyExists(prev) if prev is not None else None
    if prev is None or prev.mod_revision != write.expected:
        return RevisionConflict(write.key, write.expected, prev)
    return None


def _event(write: Write, prev: KeyValue | None, revision: int) -> Event:
    if write.value is None:
        assert prev is not None
        return Event("DELETE", KeyValue(write.key, prev.value, prev.create_revision, revision), prev)
    created = prev.create_revision if prev is not None else revision
    return Event("PUT", KeyValue(write.key, write.value, created, revision), prev)
