"""Slow start: many equal calls in batches of 1, 2, 4, …, so that what fails for all fails once."""

import asyncio
from collections.abc import Awaitable, Callable

INITIAL_BATCH = 1


async def slow_start(count: int, call: Callable[[], Awaitable[None]]) -> tuple[int, Exception | None]:
    """How many calls succeeded, and the first error; no batch follows one with a failure."""
    successes, remaining, size = 0, count, min(count, INITIAL_BATCH)
    while size > 0:
        outcomes = await asyncio.gather(*(call() for _ in range(size)), return_exceptions=True)
        errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        successes += size - len(errors)
        if errors:
            return successes, errors[0]
        remaining -= size
        size = min(2 * size, remaining)
    return successes, None
