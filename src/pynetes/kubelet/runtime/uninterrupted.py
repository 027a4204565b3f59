"""Calls that must not be broken off half-way: a container half made is one that nobody knows."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Awaits `work` to its end even when the caller is cancelled meanwhile; the cancellation takes effect then."""
    outcome: list[T] = []
    failure: list[Exception] = []

    async def run() -> None:
        try:
            outcome.append(await work)
        except Exception as error:
            failure.append(error)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(run())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise
    if failure:
        raise failure[0]
    return outcome[0]
