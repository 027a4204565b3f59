"""Structured concurrency: every task has an owner that ends it.

`Tasks` is an `asyncio.TaskGroup` for long-running components: leaving its block cancels what still runs, and a task
that dies with an error ends the whole block with that error. No task outlives the block.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


class Tasks:
    """Owner of background tasks.

        async with Tasks("kubelet") as tasks:
            tasks.start(self._sync_loop(), name="sync-loop")
            ...                       # leaving cancels and awaits them all

    An error in a task cancels the others and is raised from the block as an ExceptionGroup. A task started with
    `crash=False` only logs its error (for work on behalf of one request or one object).
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cancel()
        await self._group.__aexit__(exc_type, exc, traceback)

    def start(self, coro: Coroutine[Any, Any, T], *, name: str, crash: bool = True) -> "asyncio.Task[T | None]":
        """Runs `coro` until it ends or the block is left."""
        runner: Coroutine[Any, Any, T | None] = coro if crash else _logged(coro, f"{self._name}/{name}")
        task = self._group.create_task(runner, name=f"{self._name}/{name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # Cancelled before its first step, a wrapped coroutine was never begun: closing it says that this is meant.
        task.add_done_callback(lambda _: coro.close())
        return task

    def cancel(self) -> None:
        """Asks all running tasks to end; the block awaits them when it is left."""
        for task in list(self._running):
            task.cancel()


class BackgroundTasks:
    """Owner of tasks that live as long as an object with a `close`, where there is no block to own them.

    An error ends only its own task and is logged. `close` cancels what still runs and awaits it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, coro: Coroutine[Any, Any, T], *, name: str) -> "asyncio.Task[T | None]":
        """Runs `coro` until it ends or the owner closes."""
        full = f"{self._name}/{name}"
        task = asyncio.get_running_loop().create_task(_logged(coro, full), name=full)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: coro.close())
        return task

    async def close(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _logged(coro: Coroutine[Any, Any, T], name: str) -> T | None:
    try:
        return await coro
    except Exception:
        log.exception("task %s failed", name)
        return None


async def run_forever(step: Callable[[], Coroutine[Any, Any, None]], *, period: float, name: str) -> None:
    """Calls `step` every `period` seconds, logging what it raises; ends only by cancellation."""
    from pynetes.component import clock

    while True:
        try:
            await step()
        except Exception:
            log.exception("%s failed", name)
        await clock.sleep(period)
