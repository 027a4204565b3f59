"""What feeds the watch hub: the history, in its order, whoever wrote it.

Own commits are handed on as they are when nothing of others lies before them. All else is read: at once when the
database tells of a commit, or when somebody saw a newer revision; otherwise by polling, faster while others write.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pynetes.component import clock
from pynetes.storage.database import log as history
from pynetes.storage.database.dialect import Dialect
from pynetes.storage.database.pool import Pool
from pynetes.storage.hub import Hub
from pynetes.storage.interface import Compacted, Event, StoreUnavailable

log = logging.getLogger(__name__)

_LIMIT = 1000
_POLL_LISTENING = 1.0
_POLL_BUSY, _POLL_QUIET = 0.02, 0.1
_BUSY_SECONDS = 1.0
_RETRY = 0.5

Harden = Callable[[int], Awaitable[None]]
"""Returns when all up to a revision is durable."""


class Feed:
    """`run` and `listen` in tasks."""

    def __init__(self, dialect: Dialect, pool: Pool, hub: Hub, harden: Harden) -> None:
        self._dialect = dialect
        self._pool = pool
        self._hub = hub
        self._harden = harden
        self._wake = asyncio.Event()
        self._listening = False
        self._busy_until = 0.0

    def committed(self, events: list[Event]) -> None:
        """What a transaction of our own did, durable."""
        if events[0].kv.mod_revision == self._hub.published + 1:
            self._hub.publish(events, events[-1].kv.mod_revision)
        elif events[-1].kv.mod_revision > self._hub.published:
            self._wake.set()

    def saw(self, revision: int) -> None:
        """Somebody saw that the store is there."""
        if revision > self._hub.published:
            self._wake.set()

    async def run(self) -> None:
        """Ends only by cancellation."""
        broken = False
        while True:
            self._wake.clear()
            try:
                more = await self._step()
                if broken:
                    log.info("%s answers again, changes are told from revision %d on", *self._place())
                    broken = False
            except StoreUnavailable as e:
                if not broken:
                    log.warning("changes are not told for now: %s", e)
                broken, more = True, False
            if not more:
                await self._rest(broken)

    def _place(self) -> tuple[str, int]:
        return self._dialect.where, self._hub.published

    async def _step(self) -> bool:
        """Publishes what came after the last published revision; whether there is more."""
        told = self._hub.published
        try:
            events, newest = await self._pool.run(lambda session: history.changes(session, told, limit=_LIMIT))
        except Compacted as e:
            log.error("history was compacted that is not told yet, all watches start anew: %s", e)
            self._hub.restart(e, e.oldest - 1)
            return True
        if newest < told:
            error = StoreUnavailable(f"{self._dialect.where} went back from revision {told} to {newest}")
            log.error("%s: all watches start anew", error)
            self._hub.restart(error, newest)
            return True
        if not events:
            return False
        self._busy_until = clock.monotonic() + _BUSY_SECONDS
        await self._harden(newest)
        # Own commits may have been published meanwhile.
        events = [event for event in events if event.kv.mod_revision > self._hub.published]
        if events:
            self._hub.publish(events, events[-1].kv.mod_revision)
        return newest > self._hub.published

    async def _rest(self, broken: bool) -> None:
        if broken:
            await clock.sleep(_RETRY)
            return
        if self._listening:
            period = _POLL_LISTENING
        else:
            period = _POLL_BUSY if clock.monotonic() < self._busy_until else _POLL_QUIET
        try:
            async with asyncio.timeout(period):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def listen(self) -> None:
        """Lets the database tell of commits, for databases that do."""
        while self._dialect.listens:
            try:
                await self._dialect.listen(self._told)
            except Exception as e:
                if self._dialect.error(e) is None:
                    raise
            self._listening = False
            self._wake.set()
            await clock.sleep(_RETRY)

    def _told(self, revision: int) -> None:
        if not revision:
            self._listening = True
            self._wake.set()
        else:
            self.saw(revision)
