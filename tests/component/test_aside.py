"""Long computations leave the event loop to others."""

import threading

import pytest

from pynetes.component.aside import LARGE, aside


async def test_only_large_work_changes_threads() -> None:
    here = threading.get_ident()
    assert await aside(threading.get_ident, LARGE - 1) == here
    there = await aside(threading.get_ident, LARGE)
    assert there != here
    assert await aside(threading.get_ident, LARGE) == there


async def test_errors_come_back() -> None:
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 // 0, LARGE)
