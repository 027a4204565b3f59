"""The loop that every controller runs: keys from a work queue to `sync(key)`, failures back with a rate limit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from pynetes.apimachinery.errors import StatusError
from pynetes.client.transport import TransportError
from pynetes.client.workqueue import QueueShutDown, WorkQueue
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)


class RetryAfter(Exception):
    """Raised by a sync that knows when it is worth another try: the key comes again then, without a back-off."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class TryAgain(Exception):
    """Raised by a sync that cannot go on yet: the key comes back with a growing delay, and nobody is alarmed."""


class Controller(Generic[K]):
    """Calls `sync(key)` for the queue's keys from `workers` tasks; an error adds the key again."""

    def __init__(
        self,
        name: str,
        queue: WorkQueue[K],
        sync: Callable[[K], Awaitable[None]],
        *,
        workers: int = 1,
    ) -> None:
        self.name = name
        self.queue = queue
        self._sync = sync
        self._workers = workers

    async def run(self) -> None:
        """Works until the queue is shut down or the task is cancelled."""
        try:
            async with Tasks(self.name) as tasks:
                running = [tasks.start(self._work(), name=f"worker {i}") for i in range(self._workers)]
                await asyncio.gather(*running)
        finally:
            self.queue.shut_down()

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueShutDown:
                return
            try:
                await self.process(key)
            finally:
                self.queue.done(key)

    async def process(self, key: K) -> None:
        """One sync of one key."""
        try:
            await self._sync(key)
        except RetryAfter as error:
            log.info("%s: %s: %s (again in %g s)", self.name, key, error, error.seconds)
            self.queue.add_after(key, error.seconds)
        except Exception as error:
            self._log_failure(key, error)
            self.queue.add_rate_limited(key)
        else:
            self.queue.forget(key)

    def _log_failure(self, key: K, error: Exception) -> None:
        """Conflicts and cut connections are how the world is; a bug deserves its traceback."""
        expected = isinstance(error, StatusError) and error.code in (404, 409)
        if expected or isinstance(error, TryAgain):
            log.debug("%s: %s: %s", self.name, key, error)
        elif isinstance(error, StatusError | TransportError):
            log.warning("%s: %s: %s", self.name, key, error)
        else:
            log.exception("%s: sync of %s failed", self.name, key)
