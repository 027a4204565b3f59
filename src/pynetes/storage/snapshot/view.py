"""What a snapshot is made of: the keys of a store as they were at one moment, read in pages."""

from collections.abc import AsyncIterator
from typing import Protocol

from msgspec import Struct

FIRST_KEY, AFTER_LAST_KEY = "/", "0"
"""Keys are paths; whatever else shares an etcd with us is left alone."""

_PAGE, _PAGE_MAX = 100, 1000
_PAGE_BYTES = 2 << 20


class Record(Struct, frozen=True):
    """One key. `expires`: wall-clock second from which on it may be deleted, 0 never."""

    key: str
    value: bytes
    create_revision: int
    mod_revision: int
    expires: int


class View(Protocol):
    """A store as of `revision`, whatever is written to it meanwhile. StoreUnavailable."""

    engine: str
    revision: int

    async def page(self, start: str, limit: int) -> list[Record]:
        """At most `limit` records in the order of their keys, from `start` (inclusive) on; fewer: there are no more."""
        ...

    async def keys(self, start: str, limit: int) -> list[str]:
        """The same without values."""
        ...


async def pages(view: View) -> AsyncIterator[list[Record]]:
    """All records, a bounded amount of memory at a time."""
    start, limit = FIRST_KEY, _PAGE
    while True:
        found = await view.page(start, limit)
        if found:
            yield found
        if len(found) < limit:
            return
        start = found[-1].key + "\0"
        size = sum(len(record.value) for record in found) // len(found) or 1
        limit = max(1, min(_PAGE_MAX, _PAGE_BYTES // size))


async def value_of(view: View, key: str) -> bytes | None:
    """One key's value."""
    found = await view.page(key, 1)
    return found[0].value if found and found[0].key == key else None
