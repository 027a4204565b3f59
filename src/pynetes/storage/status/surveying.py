"""Asks a store how it is."""

import msgspec

from pynetes.component import clock
from pynetes.storage.compactor import NOTE, Note
from pynetes.storage.interface import StoreError
from pynetes.storage.opening import dialect, engine_of, etcd_members, located, sqlite_path
from pynetes.storage.snapshot.opening import open_view
from pynetes.storage.snapshot.view import FIRST_KEY, View, value_of
from pynetes.storage.status.report import Compaction, StoreStatus

_PAGE = 5000


async def survey(url: str, *, in_use: bool | None = None) -> StoreStatus:
    """`in_use`: what the caller knows of it. BadLocation; what else is wrong is in the status."""
    with located(url) as location:
        engine = engine_of(location)
        status = StoreStatus(engine, str(sqlite_path(location)) if engine == "sqlite" else str(location))
        note: Note | None = None
        try:
            async with open_view(url) as view:
                status.revision = view.revision
                status.keys = await _count(view)
                note = await _note(view)
        except StoreError as error:
            status.error = str(error)
        status.in_use = in_use
        match engine:
            case "sqlite":
                from pynetes.storage.status import sqlite

                status.compaction = await sqlite.look(sqlite_path(location), status)
            case "etcd":
                from pynetes.storage.status import etcd

                members = etcd_members(location)
                status.compaction = await etcd.look(members.addresses, members.tls, status)
            case "postgres" | "mysql":
                from pynetes.storage.status import database

                status.compaction = await database.look(dialect(location), status)
            case _:
                pass
        if note is not None:
            age = max(0.0, clock.time_seconds() - note.time)
            status.compaction = _with_age(status.compaction, age)
        return status


async def _count(view: View) -> dict[str, int]:
    counts: dict[str, int] = {}
    start = FIRST_KEY
    while True:
        keys = await view.keys(start, _PAGE)
        for key in keys:
            resource = resource_of(key)
            counts[resource] = counts.get(resource, 0) + 1
        if len(keys) < _PAGE:
            return dict(sorted(counts.items()))
        start = keys[-1] + "\0"


def resource_of(key: str) -> str:
    """`pods`, `deployments.apps`; what is no object's goes by its first directory."""
    parts = key.split("/")
    if len(parts) < 5 or parts[1] != "registry":
        return "/".join(parts[:2])
    _, _, group, plural, *_ = parts
    return plural if group == "core" else f"{plural}.{group}"


async def _note(view: View) -> Note | None:
    value = await value_of(view, NOTE)
    try:
        return msgspec.json.decode(value, type=Note) if value is not None else None
    except msgspec.DecodeError:
        return None


def _with_age(compaction: Compaction, age: float) -> Compaction:
    return Compaction(compaction.revision, age, compaction.versions, compaction.unswept)
