"""When garbage is looked for: not while a process imports and starts."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """What is imported and set up stays, and looking through it again and again takes a seventh of a start.

    Afterwards what is there counts as old, as if it had been looked through: full collections find what of it has
    become garbage. A program that collects none itself, or has frozen what it holds, keeps its ways.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()
