"""Garbage is not looked for while a process starts, and found afterwards."""

import gc
import weakref

from pynetes.component import garbage


class _Cycle:
    def __init__(self) -> None:
        self.own = self


def test_what_became_garbage_is_found_afterwards() -> None:
    with garbage.paused():
        assert not gc.isenabled()
        left = weakref.ref(_Cycle())
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert left() is None


def test_a_program_that_collects_none_keeps_its_way() -> None:
    gc.disable()
    try:
        with garbage.paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
