"""Memory (proportional set size: shared pages divided among their users) and CPU of a fresh cluster that is idle.

Anchors in the same run: containerd, which stands in the table, and the original API server with its etcd, if there
is one: alone, without the controllers that would keep it busy.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bench import machine, servers
from bench.frame import Options, Table, median, progress
from bench.processes import cpu_seconds, pss

SETTLE, SAMPLE = 15.0, 30.0
_CONTROL_PLANE = ("supervisor", "apiserver", "controller-manager", "scheduler")


def run(options: Options) -> list[Table]:
    with machine.cluster(options) as cluster:
        cluster.start()
        cluster.wait()
        table = _table("A fresh cluster", _sampled(cluster.processes(), options.rounds))
    tables = [table]
    if os.environ.get(servers.ORIGINAL):
        tables.append(asyncio.run(_original(options)))
    return tables


async def _original(options: Options) -> Table:
    with tempfile.TemporaryDirectory(dir=options.directory) as place:
        directory = Path(place)
        async with servers.original(directory) as server:
            assert server is not None
            rows = await asyncio.to_thread(_sampled, server.processes, options.rounds)
    return _table("The original API server, alone", rows)


def _sampled(processes: Mapping[str, int], rounds: int) -> dict[str, tuple[float, float]]:
    """Name → MiB (median of `rounds`) and percent of a core over the whole sample."""
    progress(f"footprint: {SETTLE:g} s until it has settled, {SAMPLE:g} s of sample")
    time.sleep(SETTLE)
    before, began = {name: cpu_seconds(pid) for name, pid in processes.items()}, time.monotonic()
    memory: dict[str, list[float]] = {name: [] for name in processes}
    for _ in range(rounds):
        time.sleep(SAMPLE / rounds)
        for name, pid in processes.items():
            memory[name].append(pss(pid))
    taken = time.monotonic() - began
    return {
        name: (median(memory[name]), 100 * (cpu_seconds(pid) - before[name]) / taken) for name, pid in processes.items()
    }


def _table(title: str, rows: Mapping[str, tuple[float, float]]) -> Table:
    table = Table(title, ["process", "memory, MiB", "CPU, % of a core"])
    sums = {"all": list(rows.values())}
    if set(_CONTROL_PLANE) <= rows.keys():
        sums = {"control plane": [rows[name] for name in _CONTROL_PLANE], **sums}
    named = {**rows, **{f"**{name}**": _sum(found) for name, found in sums.items()}}
    table.rows += [[name, f"{memory:.1f}", f"{cpu:.2f}"] for name, (memory, cpu) in named.items()]
    return table


def _sum(found: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(memory for memory, _ in found), sum(cpu for _, cpu in found)
