"""Views and targets by the URL of their store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pynetes.storage.interface import StoreUnavailable
from pynetes.storage.opening import dialect, engine_of, etcd_members, located, sqlite_path
from pynetes.storage.snapshot.target import Target
from pynetes.storage.snapshot.view import View

_MEMORY = "a store in memory can be reached from within its process alone"


@asynccontextmanager
async def open_view(url: str) -> AsyncIterator[View]:
    """A view of the store as it is now. StoreUnavailable when there is none."""
    with located(url) as location:
        match engine_of(location):
            case "sqlite":
                from pynetes.storage.snapshot import sqlite

                async with sqlite.view(sqlite_path(location)) as view:
                    yield view
            case "etcd":
                from pynetes.storage.snapshot import etcd

                async with etcd.view(*etcd_members(location)[:2]) as view:
                    yield view
            case "memory":
                raise StoreUnavailable(_MEMORY)
            case engine:
                from pynetes.storage.snapshot import database

                async with database.view(dialect(location), engine) as view:
                    yield view


@asynccontextmanager
async def open_target(url: str, *, overwrite: bool = False) -> AsyncIterator[Target]:
    """An empty store, or one to be overwritten. StoreNotEmpty; StoreUnavailable for one that is in use, too."""
    with located(url) as location:
        match engine_of(location):
            case "sqlite":
                from pynetes.storage.snapshot import sqlite

                async with sqlite.target(sqlite_path(location), overwrite=overwrite) as target:
                    yield target
            case "etcd":
                from pynetes.storage.snapshot import etcd

                async with etcd.target(*etcd_members(location)[:2], overwrite=overwrite) as target:
                    yield target
            case "memory":
                raise StoreUnavailable(_MEMORY)
            case _:
                from pynetes.storage.snapshot import database

                async with database.target(dialect(location), overwrite=overwrite) as target:
                    yield target
