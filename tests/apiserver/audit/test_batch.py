"""Batches: full ones at once, others after their time; what does not fit is dropped, what is left goes at the end."""

import asyncio
from collections.abc import Sequence
from typing import Any

from pynetes.apiserver.audit.batch import BatchBackend, Batching
from pynetes.component.tasks import Tasks


class Collecting:
    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.fails = False
        self.failed = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.closed = False

    async def write(self, events: Sequence[dict[str, Any]]) -> None:
        await self.may_go_on.wait()
        if self.fails:
            self.failed.set()
            raise OSError("no")
        self.batches.append([event["n"] for event in events])

    async def close(self) -> None:
        self.closed = True


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [{"n": number} for number in numbers]


async def until(backend: Collecting, batches: list[list[int]]) -> None:
    async with asyncio.timeout(60):
        while True:
            if backend.batches == batches:
                return
            await asyncio.sleep(0.005)


async def test_a_full_batch_goes_at_once_and_the_rest_after_its_time() -> None:
    async with Tasks("test") as tasks:
        collecting = Collecting()
        backend = BatchBackend("test", collecting, tasks, Batching(size=2, wait=0.1))
        await backend.write(numbered(1, 2, 3))
        await until(collecting, [[1, 2], [3]])
        await backend.close()


async def test_what_is_left_goes_at_the_end() -> None:
    async with Tasks("test") as tasks:
        collecting = Collecting()
        backend = BatchBackend("test", collecting, tasks, Batching(size=2, wait=3600))
        await backend.write(numbered(1, 2, 3))
        await backend.close()
        assert (collecting.batches, collecting.closed) == ([[1, 2], [3]], True)


async def test_a_full_buffer_drops_what_comes() -> None:
    async with Tasks("test") as tasks:
        collecting = Collecting()
        collecting.may_go_on.clear()
        backend = BatchBackend("test", collecting, tasks, Batching(buffer=2, size=10, wait=3600))
        await backend.write(numbered(1, 2, 3))
        await backend.write(numbered(4))
        collecting.may_go_on.set()
        await backend.close()
        assert collecting.batches == [[1, 2]]


async def test_a_batch_that_fails_does_not_hold_up_the_next() -> None:
    async with Tasks("test") as tasks:
        collecting = Collecting()
        collecting.fails = True
        backend = BatchBackend("test", collecting, tasks, Batching(size=1))
        await backend.write(numbered(1))
        await collecting.failed.wait()
        collecting.fails = False
        await backend.write(numbered(2))
        await backend.close()
        assert collecting.batches == [[2]]
