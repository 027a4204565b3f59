"""One question for all who ask it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from pynetes.component.tasks import BackgroundTasks
from pynetes.storage.interface import StoreUnavailable

T = TypeVar("T")


class Coalesced(Generic[T]):
    """Who asks while a question is under way shares the next one: an answer is never older than its question."""

    def __init__(self, ask: Callable[[], Awaitable[T]], tasks: BackgroundTasks) -> None:
        self._ask = ask
        self._tasks = tasks
        self._next: asyncio.Future[T] | None = None
        self._running = False

    def __call__(self) -> "asyncio.Future[T]":
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            self._next.add_done_callback(_retrieve)
            if not self._running:
                self._running = True
                self._tasks.start(self._run(), name="coalesced")
        return asyncio.shield(self._next)

    async def _run(self) -> None:
        try:
            while self._next is not None:
                asked, self._next = self._next, None
                try:
                    asked.set_result(await self._ask())
                except Exception as e:
                    asked.set_exception(e)
                except BaseException:
                    asked.set_exception(StoreUnavailable("the store is closed"))
                    raise
        finally:
            self._running = False
            if self._next is not None:
                self._next.set_exception(StoreUnavailable("the store is closed"))
                self._next = None


def _retrieve(asked: "asyncio.Future[T]") -> None:
    """All who asked may have gone: then the error is nobody's."""
    if not asked.cancelled():
        asked.exception()
