"""The API server over HTTPS with a client certificate: creates, gets, lists and watch events a second.

Anchors in the same run: bare durable puts and gets of a value of the same size in Debian's etcd over gRPC, and the
original API server on etcd, if there is one (see `servers`).
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import etcd, load, servers
from bench.frame import Options, Table, median, milliseconds, percentile, progress, rate, ratio
from bench.servers import Server
from pynetes.apimachinery.gvk import GroupVersionResource

CLIENTS = (1, 16, 64)
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
SERVICE_ACCOUNTS = GroupVersionResource("", "v1", "serviceaccounts")
_POPULATIONS = {"pods500": 500, "pods5000": 5000}


@dataclass(frozen=True, slots=True)
class Case:
    """`anchor`: the etcd operation it is compared with."""

    name: str
    operation: str
    namespace: str
    objects: int = 1
    anchor: str = ""


CASES = (
    Case("create a pod", "create", "creates", anchor="etcd-put"),
    Case("get a pod", "get", "pods500", 500, anchor="etcd-get"),
    Case("list 500 pods", "list", "pods500"),
    Case("list 5,000 pods", "list", "pods5000"),
    Case("watch events", "watch", "pods500"),
)

Samples = dict[tuple[str, int, str], list[load.Result]]


def run(options: Options) -> list[Table]:
    return uvloop.run(_run(options))


async def _run(options: Options) -> list[Table]:
    samples: Samples = {}
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.directory)))
        ours = await stack.enter_async_context(servers.pynetes(place / "pynetes"))
        original = await stack.enter_async_context(servers.original(place / "original"))
        (place / "bare").mkdir()
        etcd_port, _ = await stack.enter_async_context(etcd.started(place / "bare"))
        found = [server for server in (ours, original) if server is not None]
        for server in found:
            await populate(server)
        await _populate_etcd(etcd_port)
        for number in range(options.rounds):
            progress(f"apiserver: round {number + 1} of {options.rounds}")
            for case in CASES:
                for clients in CLIENTS:
                    await _round(samples, case, clients, found, etcd_port, options.seconds)
    return [_table(samples, case, [server.name for server in found]) for case in CASES]


async def populate(server: Server) -> None:
    async with server.client() as client:
        for namespace in (*_POPULATIONS, "creates"):
            await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            metadata = {"name": "default", "namespace": namespace}
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
            await client.create(SERVICE_ACCOUNTS, account)
    for namespace, objects in _POPULATIONS.items():
        await load.measure(server.job("populate", clients=16, namespace=namespace, objects=objects))


async def _populate_etcd(port: int) -> None:
    async with etcd.connected(port) as server:
        value = load.etcd_value()
        keys = [load.etcd_key(number) for number in range(500)]
        await asyncio.gather(*(server.put(key, value) for key in keys))


async def _round(
    samples: Samples, case: Case, clients: int, found: list[Server], etcd_port: int, seconds: float
) -> None:
    for server in found:
        job = server.job(
            case.operation, clients=clients, seconds=seconds, namespace=case.namespace, objects=case.objects
        )
        samples.setdefault((case.name, clients, server.name), []).append(await load.measure(job))
    if case.anchor:
        job = load.Job(case.anchor, etcd_port, clients, seconds, objects=case.objects)
        samples.setdefault((case.name, clients, "etcd"), []).append(await load.measure(job))


def _table(samples: Samples, case: Case, names: list[str]) -> Table:
    engines = [*names, "etcd"] if case.anchor else names
    table = Table(case.name, ["", "clients", "a second", "p50 ms", "p99 ms", "pynetes ÷ this"])
    for clients in CLIENTS:
        ours = median(result.rate for result in samples[case.name, clients, names[0]])
        for name in engines:
            results = samples[case.name, clients, name]
            times = [seconds for result in results for seconds in result.times]
            found = median(result.rate for result in results)
            percentiles = (milliseconds(percentile(times, share)) for share in (0.5, 0.99))
            table.rows.append(
                [name, str(clients), rate(found), *percentiles, ratio(ours, found) if name != names[0] else ""]
            )
    return table
