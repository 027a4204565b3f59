"""Long computations aside of the event loop, so that others are served while one client's megabytes are read.

One thread does them in turn: several would only take the interpreter from the loop, and from each other.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")

#: Bytes of input from which on a thread is worth its hand-over; at worst two microseconds each.
LARGE = 64 * 1024


#: Bytes. Where the main thread's stack is without limit others get 2 MiB, which deeply nested input may exhaust.
_STACK = 16 << 20


@cache
def _thread() -> ThreadPoolExecutor:
    executor = ThreadPoolExecutor(1, thread_name_prefix="aside")
    usual = threading.stack_size(_STACK)
    try:
        executor.submit(lambda: None)  # starts the thread
    finally:
        threading.stack_size(usual)
    return executor


async def aside(work: Callable[[], T], size: int) -> T:
    """What `work` makes of `size` bytes of input: here at once if they are few, else in the thread."""
    if size < LARGE:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_thread(), work)
