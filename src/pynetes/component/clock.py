"""The one road to time.

Durations and waiting follow the running event loop (`loop.time()`), so a loop with a virtual clock carries everything
along: `asyncio.timeout`, `loop.call_later` and `sleep` here. The wall clock is a base plus the same loop time once
`set_wall_clock` replaced it; by default it is the machine's.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

_wall: Callable[[], float] = time.time


def set_wall_clock(source: Callable[[], float] | None) -> None:
    """Makes `source` (seconds since the epoch) the wall clock; None gives the machine's back. For tests."""
    global _wall
    _wall = source or time.time


def time_seconds() -> float:
    """Wall-clock seconds since the epoch."""
    return _wall()


def now() -> datetime:
    """Wall-clock time in UTC."""
    return datetime.fromtimestamp(_wall(), UTC)


def monotonic() -> float:
    """Seconds that never go back: the running loop's time, the machine's outside of a loop."""
    return timer()()


def timer() -> Callable[[], float]:
    """`monotonic` for one who reads it more than once: to find the running loop takes longer than to read its clock."""
    try:
        return asyncio.get_running_loop().time
    except RuntimeError:
        return time.monotonic


async def sleep(seconds: float) -> None:
    """Waits on the running loop's clock."""
    await asyncio.sleep(max(0.0, seconds))


def sleep_blocking(seconds: float) -> None:
    """Waits in a thread or a synchronous command (never on an event loop)."""
    time.sleep(seconds)
