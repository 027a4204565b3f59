"""How long writes pause and a leader is missing when one of three masters dies or is cut off."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench import machine
from bench.frame import Options, Table, median, progress
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CONFIG_MAPS, LEASES
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError

#: What is done to a master, and what undoes it.
FAULTS = {"loses its power": ("stop", "start"), "is cut off": ("cut", "mend")}
WRITERS = 4
_CALM, _AFTER, _PATIENCE = 10.0, 25.0, 60.0
_names = (f"w{number}" for number in itertools.count())


@dataclass
class Found:
    """Seconds, one for each round; failed creates of all rounds."""

    calm: list[float] = field(default_factory=list)
    pause: list[float] = field(default_factory=list)
    election: list[float] = field(default_factory=list)
    failed: int = 0
    written: int = 0


class Writers:
    """Clients that write without pause; when each write was acknowledged."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.acknowledged: list[float] = []
        self.failed = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": next(_names), "namespace": "default"}}
            try:
                await self._client.create(CONFIG_MAPS, obj)
            except (StatusError, TransportError):
                self.failed += 1
                await asyncio.sleep(0.05)
            else:
                self.acknowledged.append(time.monotonic())

    def longest_pause(self, since: float, until: float) -> float:
        times = [since, *(at for at in self.acknowledged if since <= at <= until), until]
        return max(later - earlier for earlier, later in itertools.pairwise(times))


def run(options: Options) -> list[Table]:
    found = {fault: Found() for fault in FAULTS}
    with machine.cluster(options, hosts="--masters 3 --nodes 1") as cluster:
        progress("failover: three masters come up")
        cluster.start()
        cluster.wait()
        for number in range(options.rounds):
            for fault in FAULTS:
                progress(f"failover: round {number + 1} of {options.rounds}, the leader {fault}")
                cluster.host.call(_once, cluster, fault, found[fault])
    table = Table(
        "Seconds after the leading master …",
        [
            "",
            "writes pause, median",
            "longest",
            "÷ calm",
            "another scheduler leads, median",
            "longest",
            "failed writes",
        ],
    )
    for fault, each in found.items():
        table.rows.append(
            [
                f"… {fault}",
                f"{median(each.pause):.1f}",
                f"{max(each.pause):.1f}",
                f"{median(each.pause) / median(each.calm):.0f}",
                f"{median(each.election):.1f}",
                f"{max(each.election):.1f}",
                f"{each.failed} of {each.failed + each.written:,}",
            ]
        )
    return [table]


def _once(cluster: machine.Cluster, fault: str, found: Found) -> None:
    """In the machine's thread, so that every connection is made there."""
    asyncio.run(_measure(cluster, fault, found))


async def _measure(cluster: machine.Cluster, fault: str, found: Found) -> None:
    do, undo = FAULTS[fault]
    async with cluster.client() as client:
        writers = Writers(client)
        async with writers.running():
            await asyncio.sleep(1.0)
            began = time.monotonic()
            await asyncio.sleep(_CALM)
            found.calm.append(writers.longest_pause(began, time.monotonic()))
            leader = await _leader(client)
            began = time.monotonic()
            await asyncio.to_thread(cluster.node, do, leader)
            found.election.append(await _another(client, leader) - began)
            await asyncio.sleep(max(0.0, began + _AFTER - time.monotonic()))
            found.pause.append(writers.longest_pause(began, time.monotonic()))
        found.failed += writers.failed
        found.written += len(writers.acknowledged)
        await asyncio.to_thread(cluster.node, undo, leader)
        await asyncio.sleep(_CALM)


async def _leader(client: Client) -> str:
    """The host whose scheduler leads; empty while nobody tells."""
    try:
        lease = await client.get(LEASES, "kube-scheduler", "kube-system")
    except (StatusError, TransportError):
        return ""
    return str(lease["spec"].get("holderIdentity") or "").partition("_")[0]


async def _another(client: Client, than: str) -> float:
    """When another one leads."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if await _leader(client) not in ("", than):
            return time.monotonic()
        await asyncio.sleep(0.1)
    raise RuntimeError(f"nobody but {than} has become the leader")
