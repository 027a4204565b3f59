"""Where a snapshot is restored to: all of it happens, or nothing."""

from collections.abc import Sequence
from typing import Protocol

from pynetes.storage.interface import StoreError
from pynetes.storage.snapshot.view import Record


class StoreNotEmpty(StoreError):
    """There are keys where a snapshot is to be restored."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} is not empty: nothing was restored (--overwrite replaces what is there)")


class Target(Protocol):
    """An engine that takes a snapshot. Opening it refuses a store in use, and one that is not empty.

    It is an async context manager: what was put and not committed is gone when the block ends.
    """

    revision: int
    """The newest that clients of what is there may have seen."""

    async def begin(self, base: int) -> None:
        """To be called once, first: revisions are to be greater than `base`."""
        ...

    async def put(self, records: Sequence[Record]) -> None: ...

    async def commit(self) -> int:
        """Makes all of it durable and visible, and what was before it compacted; the store's revision."""
        ...
