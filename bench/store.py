"""Durable writes and reads a second: each store in this process beside the bare engine on loopback, same run.

Rounds go through all of them in turn. Values are 2 KB, as a pod's; the directory should lie on the disk that matters
(not a tmpfs: a sync costs nothing there). Ours checks the version of every write and keeps the history, the bare
engines are spoken to by the same drivers and do neither. SQLite's anchor is etcd.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import etcd as etcd_server
from bench.bare import Steps, bare_mysql, bare_postgres
from bench.frame import Options, Table, median, milliseconds, percentile, progress, rate, ratio
from pynetes.storage import KeyValue, Store, open_store
from tests.storage.engines import MariaDB, Postgres

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


class PynetesSteps:
    """The measured operations on a store of ours."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[int, KeyValue] = {}

    async def create(self, worker: int, number: int) -> None:
        await self._store.create(f"{PREFIX}c-{worker}-{time.monotonic_ns()}", VALUE)

    async def update(self, worker: int, number: int) -> None:
        if worker not in self._held:
            self._held[worker] = await self._store.create(f"{PREFIX}u-{worker}", VALUE)
        held = self._held[worker]
        self._held[worker] = await self._store.update(held.key, VALUE, expected=held.mod_revision)

    async def get(self, worker: int, number: int) -> None:
        await self._store.get(f"{PREFIX}u-0")

    async def page(self, worker: int, number: int) -> None:
        await self._store.list(PREFIX, limit=LISTED)


@dataclass(frozen=True)
class Contest:
    """A store of ours and its anchor. `url`: of the store, where servers can share it."""

    name: str
    anchor: str
    ours: PynetesSteps
    bare: Steps
    url: str = ""


@contextmanager
def _place(options: Options) -> Iterator[Path]:
    """Where the engines' data lie: databases do not run as root, so all may enter it."""
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        place = Path(name)
        place.chmod(0o755)
        for directory in ("sqlite-anchor", "etcd"):
            (place / directory).mkdir()
        yield place


async def contests(stack: AsyncExitStack, place: Path) -> list[Contest]:
    async def opened(url: str) -> Store:
        store = await open_store(url)
        stack.push_async_callback(store.close)
        return store

    engines = stack.enter_context(ExitStack())
    anchor = Steps(await stack.enter_async_context(etcd_server.running(place / "sqlite-anchor")), PREFIX, VALUE)
    found = [Contest("sqlite", "etcd", PynetesSteps(await opened(f"sqlite://{place}/store.db")), anchor)]

    # The same keys twice on one engine: ours elsewhere than the bare ones.
    port, _ = await stack.enter_async_context(etcd_server.started(place / "etcd"))
    bare = await stack.enter_async_context(etcd_server.connected(port))
    url = f"etcd://127.0.0.1:{port}"
    found.append(Contest("etcd", "bare etcd", PynetesSteps(await opened(url)), Steps(bare, "/bare/", VALUE), url))

    for kind in (Postgres, MariaDB):
        server = kind(place)
        engines.callback(server.close)
        server.start()
        url = server.empty()
        database = url.rpartition("/")[2]
        context = bare_postgres(server.port) if kind is Postgres else bare_mysql(server.port, database)
        steps = Steps(await stack.enter_async_context(context), PREFIX, VALUE)
        name = "postgres" if kind is Postgres else "mariadb"
        found.append(Contest(name, f"bare {name}", PynetesSteps(await opened(url)), steps, url))
    return found


CASES = [("create", 1), ("create", 16), ("create", 256), ("update", 1), ("update", 16), ("update", 256)]
CASES += [("get", 1), ("get", 16), ("page", 1), ("page", 16)]
_TITLES = {"page": "list 500"}

Measured = dict[tuple[str, str, str, int], tuple[list[float], list[float]]]
"""Contest, ours or bare, operation, workers: rates and times."""


def run(options: Options) -> list[Table]:
    return uvloop.run(_run(options))


async def _run(options: Options) -> list[Table]:
    measured: Measured = {}
    latencies: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        place = stack.enter_context(_place(options))
        found = await contests(stack, place)
        for number in range(options.rounds):
            progress(f"store: round {number + 1} of {options.rounds}")
            for name, workers in CASES:
                for contest in found:
                    await _measure(measured, contest, name, workers, options.seconds)
            for contest in found:
                if contest.url:
                    latencies.setdefault(contest.name, []).extend(await watch_latencies(contest.url))
    return [*(_table(contest, measured) for contest in found), _latency_table(latencies)]


async def _measure(measured: Measured, contest: Contest, name: str, workers: int, seconds: float) -> None:
    for side, steps in (("ours", contest.ours), ("bare", contest.bare)):
        reached, times = await measure(getattr(steps, name), workers, seconds)
        rates, taken = measured.setdefault((contest.name, side, name, workers), ([], []))
        rates.append(reached)
        taken.extend(times)


async def watch_latencies(url: str) -> list[float]:
    """From the begin of a create on one server to its event on another, one after the other."""
    found: list[float] = []
    writer, reader = await open_store(url), await open_store(url)
    async with reader.watch("/latency/", start=await reader.revision() + 1) as watch:
        for _ in range(100):
            began = time.perf_counter()
            await writer.create(f"/latency/{time.monotonic_ns()}", VALUE)
            assert len((await anext(watch)).events) == 1
            found.append(time.perf_counter() - began)
            await asyncio.sleep(0.005)
    await writer.close()
    await reader.close()
    return found


def _table(contest: Contest, measured: Measured) -> Table:
    sides = {"ours": contest.name, "bare": contest.anchor}
    columns = [f"{side} {column}" for side in sides.values() for column in ("/s", "p50 ms", "p99 ms")]
    table = Table(
        f"{contest.name}: operations on values of 2 KB", ["", "writers or readers", *columns, "ours ÷ anchor"]
    )
    for name, workers in CASES:
        cells: list[str] = []
        for side in sides:
            rates, times = measured[contest.name, side, name, workers]
            cells += [rate(median(rates)), *(milliseconds(percentile(times, share)) for share in (0.5, 0.99))]
        ours, bare = (measured[contest.name, side, name, workers][0] for side in sides)
        table.rows.append([_TITLES.get(name, name), str(workers), *cells, ratio(median(ours), median(bare))])
    return table


def _latency_table(latencies: dict[str, list[float]]) -> Table:
    table = Table("From a create on one server to its event on another", ["", "p50 ms", "p99 ms"])
    for name, times in latencies.items():
        table.rows.append([name, *(milliseconds(percentile(times, share)) for share in (0.5, 0.99))])
    return table
