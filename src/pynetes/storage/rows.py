"""The rows of a SQL database's `history`, from events and back."""

from typing import Any

from pynetes.storage.interface import Event, KeyValue


def history_row(event: Event) -> tuple[Any, ...]:
    kv, deleted = event.kv, event.type == "DELETE"
    prev_revision = event.prev.mod_revision if event.prev else 0
    # A delete's last value stays in the row before it as long as the delete itself.
    return kv.mod_revision, kv.key, int(deleted), kv.create_revision, prev_revision, None if deleted else kv.value


def history_event(
    key: str, value: bytes, created: int, revision: int, deleted: int, prev_revision: int | None, prev_value: bytes
) -> Event:
    prev = None
    if prev_revision is not None:
        prev = KeyValue(key, prev_value, created, prev_revision)
    if deleted:
        return Event("DELETE", KeyValue(key, prev_value, created, revision), prev)
    return Event("PUT", KeyValue(key, value, created, revision), prev)
