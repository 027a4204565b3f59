"""Opens a store by its URL: `sqlite:///var/lib/pynetes/store.db`, `memory:`."""

from collections.abc import Awaitable, Callable

from pynetes.storage.interface import Store, StoreUnavailable
from pynetes.storage.memory import MemoryStore
from pynetes.storage.sqlite import SQLiteStore


async def _memory(location: str) -> Store:
    return MemoryStore()


async def _sqlite(location: str) -> Store:
    return await SQLiteStore.open(location.removeprefix("//"))


_OPENERS: dict[str, Callable[[str], Awaitable[Store]]] = {"memory": _memory, "sqlite": _sqlite}
"""By scheme; the opener gets what follows the colon."""


async def open_store(url: str) -> Store:
    """StoreUnavailable for an engine that is not there, or an URL that names none."""
    scheme, _, location = url.partition(":")
    if scheme not in _OPENERS:
        raise StoreUnavailable(f"no store engine for {url!r}: known are {', '.join(sorted(_OPENERS))}")
    return await _OPENERS[scheme](location)
