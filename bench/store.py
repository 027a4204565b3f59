"""Durable writes and reads a second: our SQLite store in this process against Debian's etcd on loopback, same run.

Rounds alternate between the two. Values are 2 KB, as a pod's; the directory should lie on the disk that matters (not
a tmpfs: a sync costs nothing there). Ours checks the version of every update, etcd's are bare puts.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from bench import etcd as etcd_server
from bench.frame import Options, Table, median, milliseconds, percentile, progress, rate, ratio
from pynetes.storage import KeyValue, open_store

PREFIX = "/registry/core/pods/default/"
META = b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bench"},"spec":"'
VALUE = META + os.urandom(1000).hex().encode() + b'"}'
LISTED = 500

Step = Callable[[int, int], Awaitable[None]]
"""One operation of worker number so-and-so, its how-many-eth."""


async def measure(step: Step, workers: int, seconds: float) -> tuple[float, list[float]]:
    """Operations a second, and each one's time."""
    times: list[float] = []
    began = time.perf_counter()
    end = began + seconds

    async def work(worker: int) -> None:
        number, before = 0, time.perf_counter()
        while before < end:
            await step(worker, number)
            after = time.perf_counter()
            times.append(after - before)
            number, before = number + 1, after

    await asyncio.gather(*(work(worker) for worker in range(workers)))
    return len(times) / (time.perf_counter() - began), times


async def pynetes_steps(stack: AsyncExitStack, directory: Path) -> dict[str, Step]:
    store = await open_store(f"sqlite://{directory}/store.db")
    stack.push_async_callback(store.close)
    held: dict[int, KeyValue] = {}

    async def create(worker: int, number: int) -> None:
        await store.create(f"{PREFIX}c-{worker}-{time.monotonic_ns()}", VALUE)

    async def update(worker: int, number: int) -> None:
        if worker not in held:
            held[worker] = await store.create(f"{PREFIX}u-{worker}", VALUE)
        held[worker] = await store.update(held[worker].key, VALUE, expected=held[worker].mod_revision)

    async def get(worker: int, number: int) -> None:
        await store.get(f"{PREFIX}u-0")

    async def page(worker: int, number: int) -> None:
        await store.list(PREFIX, limit=LISTED)

    return {"create": create, "update": update, "get": get, "list 500": page}


async def etcd_steps(stack: AsyncExitStack, directory: Path) -> dict[str, Step]:
    etcd = await stack.enter_async_context(etcd_server.running(directory))

    async def create(worker: int, number: int) -> None:
        await etcd.put(f"{PREFIX}c-{worker}-{time.monotonic_ns()}", VALUE)

    async def update(worker: int, number: int) -> None:
        await etcd.put(f"{PREFIX}u-{worker}", VALUE)

    async def get(worker: int, number: int) -> None:
        await etcd.get(f"{PREFIX}u-0")

    async def page(worker: int, number: int) -> None:
        await etcd.list(PREFIX, LISTED)

    return {"create": create, "update": update, "get": get, "list 500": page}


CASES = [("create", 1), ("create", 16), ("create", 256), ("update", 1), ("update", 16), ("update", 256)]
CASES += [("get", 1), ("get", 16), ("list 500", 1), ("list 500", 16)]


def run(options: Options) -> list[Table]:
    return uvloop.run(_run(options))


async def _run(options: Options) -> list[Table]:
    rates: dict[tuple[str, str, int], list[float]] = {}
    times: dict[tuple[str, str, int], list[float]] = {}
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.directory)))
        engines = {"sqlite": await pynetes_steps(stack, place), "etcd": await etcd_steps(stack, place)}
        for number in range(options.rounds):
            progress(f"store: round {number + 1} of {options.rounds}")
            for name, workers in CASES:
                for engine, steps in engines.items():
                    found, taken = await measure(steps[name], workers, options.seconds)
                    rates.setdefault((engine, name, workers), []).append(found)
                    times.setdefault((engine, name, workers), []).extend(taken)
    columns = [f"{engine} {column}" for engine in engines for column in ("/s", "p50 ms", "p99 ms")]
    table = Table("Operations on values of 2 KB", ["", "writers or readers", *columns, "sqlite ÷ etcd"])
    for name, workers in CASES:
        cells: list[str] = []
        for engine in engines:
            key = (engine, name, workers)
            percentiles = (milliseconds(percentile(times[key], share)) for share in (0.5, 0.99))
            cells += [rate(median(rates[key])), *percentiles]
        compared = ratio(median(rates["sqlite", name, workers]), median(rates["etcd", name, workers]))
        table.rows.append([name, str(workers), *cells, compared])
    return [table]
