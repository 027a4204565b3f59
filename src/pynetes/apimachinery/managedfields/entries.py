"""metadata.managedFields: the entries on the wire, and the managers that they tell of."""

from typing import Any, NamedTuple

import orjson

from pynetes.apimachinery.managedfields.fieldset import EMPTY, FieldSet, parse

Entry = dict[str, Any]

APPLY = "Apply"
UPDATE = "Update"


class ManagerId(NamedTuple):
    """What makes an entry one manager's. Appliers keep theirs across versions, so theirs is empty."""

    manager: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    @property
    def text(self) -> str:
        """What the original sorts by."""
        names = ("manager", "operation", "apiVersion", "subresource")
        return "{" + ",".join(f'"{n}":{orjson.dumps(v).decode()}' for n, v in zip(names, self, strict=True) if v) + "}"


class Owned(NamedTuple):
    """What one manager owns, as fields of an API version. `time` is empty if nobody knows when."""

    fields: FieldSet
    api_version: str
    applied: bool
    time: str = ""


Managers = dict[ManagerId, Owned]


class EntriesError(ValueError):
    """Entries that make no sense."""


def is_reset(entries: Any) -> bool:
    """A client's wish to forget all: `[]` or `[{}]`."""
    return isinstance(entries, list) and (not entries or entries == [{}])


def decode(entries: list[Entry] | None, known: list[Entry] | None = None) -> Managers:
    """The managers. Entries that are also among `known` ones (the stored ones) need no reading. EntriesError."""
    managers: Managers = {}
    stored = known or []
    for index, entry in enumerate(entries or ()):
        own = entry if entries is known else next((found for found in stored if found == entry), None)
        owned = _decode(entry, index, trusted=own)
        managers[identity(entry)] = owned
    return managers


def identity(entry: Entry) -> ManagerId:
    operation = entry.get("operation") or ""
    version = entry.get("apiVersion") or "" if operation != APPLY else ""
    return ManagerId(entry.get("manager") or "", operation, version, entry.get("subresource") or "")


def _decode(entry: Entry, index: int, trusted: Entry | None) -> Owned:
    operation, version = entry.get("operation"), entry.get("apiVersion")
    if trusted is not None:
        fields = trusted.get("fieldsV1") or EMPTY
        return Owned(fields, str(version), operation == APPLY, entry.get("time") or "")
    if operation not in (APPLY, UPDATE):
        raise EntriesError("operation must be `Apply` or `Update`")
    if not version:
        raise EntriesError("apiVersion must not be empty")
    kind = entry.get("fieldsType") or ""
    if not kind:
        raise EntriesError(f"missing fieldsType in managed fields entry {index}")
    if kind != "FieldsV1":
        raise EntriesError(f'invalid fieldsType "{kind}" in managed fields entry {index}')
    try:
        fields = parse(entry.get("fieldsV1"))
    except ValueError as error:
        raise EntriesError(f"error decoding versioned set: {error}") from None
    return Owned(fields, str(version), operation == APPLY, entry.get("time") or "")


def encode(managers: Managers) -> list[Entry]:
    """The entries in the original's order: appliers first, then by time and name."""
    entries = [_encode(manager, owned) for manager, owned in managers.items()]
    if len(entries) > 1:
        entries.sort(key=_order)
    return entries


def _order(entry: Entry) -> tuple[Any, ...]:
    # Times are canonical texts, so they sort as they are.
    return (
        entry["operation"],
        entry.get("time", ""),
        entry.get("manager", ""),
        entry["apiVersion"],
        entry.get("subresource", ""),
    )


def _encode(manager: ManagerId, owned: Owned) -> Entry:
    entry: Entry = {}
    if manager.manager:
        entry["manager"] = manager.manager
    entry["operation"] = APPLY if owned.applied else manager.operation
    entry["apiVersion"] = owned.api_version
    if owned.time:
        entry["time"] = owned.time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = owned.fields
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry
