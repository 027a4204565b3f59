"""Compacts the store all the time, a while behind the present.

As upstream's API server does: every period, compact to the revision that was the newest a period ago, so that watches
and chunked lists have between one and two periods of history. Any number of servers may do so on one store.

How far it came lies in the store itself, whatever the engine: `pynetes store status` tells from it when compaction
falls behind.
"""

import logging

import msgspec

from pynetes.component import clock, metrics
from pynetes.storage.interface import KeyExists, RevisionConflict, Store, StoreError

log = logging.getLogger(__name__)

PERIOD = 300.0
"""Upstream's --etcd-compaction-interval."""

NOTE = "/pynetes/compaction"
"""The key of the note; no object's."""

_COMPACTED = metrics.gauge("pynetes_store_compacted_revision", "Revision up to which history was last compacted.")
_SECONDS = metrics.histogram(
    "pynetes_store_compaction_duration_seconds",
    "Time of one compaction, all its slices.",
    buckets=(0.01, 0.1, 0.5, 1, 5, 15, 60, 150, 300),
)
_FAILED = metrics.counter("pynetes_store_compaction_failures_total", "Compactions that failed.")


class Note(msgspec.Struct, frozen=True):
    """What the compactor last did, at `time` (wall-clock seconds): compacted to `revision`, 0 when it only began."""

    revision: int
    time: int


class Compactor:
    """`run` in the owner's `Tasks`. `period` 0 compacts never."""

    def __init__(self, store: Store, *, period: float = PERIOD) -> None:
        self._store = store
        self._period = period

    async def run(self) -> None:
        """Ends only by cancellation, or at once when compaction is off."""
        if self._period <= 0:
            return
        due = 0
        while True:
            due = await self._step(due)
            await clock.sleep(self._period)

    async def _step(self, due: int) -> int:
        """Compacts to `due` (0: nothing yet) and returns what is due in a period."""
        try:
            newest = await self._store.revision()
            if due:
                await self._compact(due)
            await self._note(due)
        except StoreError as e:
            _FAILED.inc()
            log.warning("compaction to revision %d failed and is tried again: %s", due, e)
            return due
        return newest

    async def _compact(self, revision: int) -> None:
        began = clock.monotonic()
        await self._store.compact(revision)
        took = clock.monotonic() - began
        _SECONDS.observe(took)
        _COMPACTED.set(revision)
        if took > self._period / 2:
            log.error("compaction falls behind: it took %.0f of every %.0f s, the store grows", took, self._period)

    async def _note(self, revision: int) -> None:
        note = msgspec.json.encode(Note(revision, int(clock.time_seconds())))
        found, _ = await self._store.get(NOTE)
        try:
            if found is None:
                await self._store.create(NOTE, note)
            else:
                await self._store.update(NOTE, note, expected=found.mod_revision)
        except (KeyExists, RevisionConflict):
            log.debug("another server noted its compaction at the same time")
