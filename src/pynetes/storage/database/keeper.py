"""Deletes expired keys, on the one of the servers that got the database's lock for it."""

import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from pynetes.component import clock
from pynetes.storage.database import log as history
from pynetes.storage.database.dialect import Dialect, Session
from pynetes.storage.database.pool import attempt, connect
from pynetes.storage.interface import StoreUnavailable

log = logging.getLogger(__name__)

_PERIOD = 1.0
_RETRY = 5.0

Sweep = Callable[[], Awaitable[None]]


class Keeper:
    """`run` in a task. `sweep` deletes what is expired by now."""

    def __init__(self, dialect: Dialect, sweep: Sweep) -> None:
        self._dialect = dialect
        self._sweep = sweep

    async def run(self) -> None:
        """Ends only by cancellation."""
        while True:
            try:
                session = await connect(self._dialect)
                try:
                    await self._keep(session)
                finally:
                    session.terminate()
            except StoreUnavailable as e:
                log.warning("expired keys stay for now: %s", e)
            await clock.sleep(_RETRY)

    async def _keep(self, session: Session) -> NoReturn:
        """The lock lives as long as the connection does."""
        while not await attempt(self._dialect, session, _lock):
            await clock.sleep(_PERIOD)
        while True:
            expiry = await attempt(self._dialect, session, history.next_expiry)
            if 0 < expiry <= clock.time_seconds():
                await self._sweep()
            await clock.sleep(_PERIOD)


async def _lock(session: Session) -> bool:
    return await session.try_lock("keeper")
