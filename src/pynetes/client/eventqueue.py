"""What recorders of either style of events share: a bounded queue of notes, and one task that writes them in order.

Noting never blocks; when writing is far behind, notes are dropped. A lost connection is tried again, a refusal is not.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.client.transport import TransportError
from pynetes.component import clock

log = logging.getLogger(__name__)

MAX_QUEUED = 1000
MAX_TRIES = 12
RETRY_SECONDS = 10.0
MAX_MESSAGE = 1024

Object = dict[str, Any]
#: Writes one event; may be called again after a TransportError.
Write = Callable[[], Awaitable[None]]


class EventQueue:
    """`prepare` is told each event once, in order, and says how to write it; None for one that is not to be written."""

    def __init__(self, prepare: Callable[[Object], Write | None]) -> None:
        self._prepare = prepare
        self._queue: asyncio.Queue[Object] = asyncio.Queue(MAX_QUEUED)
        self._last_moment = 0.0

    def __len__(self) -> int:
        return self._queue.qsize()

    def moment(self) -> float:
        """Now, in seconds; later than all it has told before: two events in one tick need two names."""
        self._last_moment = max(clock.time_seconds(), self._last_moment + 1e-6)
        return self._last_moment

    def put(self, event: Object) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            log.error("event queue is full: dropped %s %s", event["reason"], event["metadata"]["name"])

    async def run(self) -> None:
        """Writes what was noted until cancelled."""
        while True:
            event = await self._queue.get()
            try:
                write = self._prepare(event)
                if write is not None:
                    await _persist(write, event["reason"])
            except Exception:
                log.exception("could not record event %s", event["reason"])
            finally:
                self._queue.task_done()

    async def flush(self) -> None:
        """Waits until all that was noted is written (or dropped)."""
        await self._queue.join()


async def _persist(write: Write, reason: str) -> None:
    for attempt in range(MAX_TRIES):
        try:
            await write()
            return
        except StatusError as error:
            level = logging.DEBUG if error.code in (403, 404, 409) else logging.ERROR
            log.log(level, "event %s was refused: %s", reason, error)
            return
        except TransportError as error:
            log.info("could not write event (will retry): %s", error)
        await clock.sleep(RETRY_SECONDS * (random.random() if attempt == 0 else 1.0))
