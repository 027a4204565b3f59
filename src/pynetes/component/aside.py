"""Long computations aside of the event loop, so that others are served while one client's megabytes are read.

One thread does them in turn: several would only take the interpreter from the loop, and from each other.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")

#: Bytes of input from which on a thread is worth its hand-over; at worst two microseconds each.
LARGE = 64 * 1024


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="aside")


async def aside(work: Callable[[], T], size: int) -> T:
    """What `work` makes of `size` bytes of input: here at once if they are few, else in the thread."""
    if size < LARGE:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_thread(), work)
