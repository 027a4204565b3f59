"""Events collected for a backend that takes many at once; a full buffer drops, so that requests go on."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pynetes.apiserver.audit.backend import Backend, lost
from pynetes.component import clock
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

Object = dict[str, Any]


class Batching(Struct, frozen=True):
    """`wait` in seconds; `buffer` and `size` in events."""

    buffer: int = 10000
    size: int = 400
    wait: float = 30.0


_STANDARD = Batching()


class BatchBackend:
    """`write` returns at once; a task hands batches on when one is full or has waited long enough."""

    def __init__(self, name: str, backend: Backend, tasks: Tasks, batching: Batching = _STANDARD) -> None:
        self._name = name
        self._backend = backend
        self._batching = batching
        self._waiting: deque[Object] = deque()
        self._came = asyncio.Event()
        self._closing = False
        self._task = tasks.start(self._run(), name=f"audit {name}")

    async def write(self, events: Sequence[Object]) -> None:
        room = self._batching.buffer - len(self._waiting)
        if len(events) > room:
            lost.labels(self._name).inc(len(events) - room)
            log.error("audit buffer of %s is full: %d events are lost", self._name, len(events) - room)
        self._waiting.extend(events[:room])
        self._came.set()

    async def _run(self) -> None:
        while not (self._closing and not self._waiting):
            await self._fill()
            size = min(self._batching.size, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(size)]
            if batch:
                await self._hand_on(batch)

    async def _fill(self) -> None:
        """Until there is a batch, or some have waited long enough, or there is no more time."""
        deadline: float | None = None
        while not self._closing and len(self._waiting) < self._batching.size:
            if self._waiting and deadline is None:
                deadline = clock.monotonic() + self._batching.wait
            left = None if deadline is None else deadline - clock.monotonic()
            if left is not None and left <= 0:
                return
            self._came.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._came.wait()

    async def _hand_on(self, batch: list[Object]) -> None:
        try:
            await self._backend.write(batch)
        except OSError as error:
            lost.labels(self._name).inc(len(batch))
            log.error("audit %s: %d events are lost: %s", self._name, len(batch), error)

    async def close(self) -> None:
        """What was collected is handed on first."""
        self._closing = True
        self._came.set()
        await self._task
        await self._backend.close()
