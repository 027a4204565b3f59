"""The API server over HTTPS with a client certificate: each kind of request, and events to many watchers.

Anchors in the same run: bare durable puts and gets of a value of the same size in Debian's etcd over gRPC, and the
original API server on etcd, if there is one (see `servers`).
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench import etcd, load, servers, widgets
from bench.frame import Options, Table, median, milliseconds, percentile, progress, rate, ratio
from bench.servers import Server
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, SERVICE_ACCOUNTS
from pynetes.client.rest import Client

_WIDGETS = GroupVersionResource(widgets.GROUP, "v1", widgets.PLURAL)
_POPULATIONS = {"pods500": 500, "pods5000": 5000, "patches": 64}
_EMPTY = ("creates", "applies", "configs", "widgets")


@dataclass(frozen=True, slots=True)
class Case:
    """`anchor`: the etcd operation it is compared with."""

    name: str
    operation: str
    namespace: str
    objects: int = 1
    anchor: str = ""
    clients: tuple[int, ...] = (1, 16)


CASES = (
    Case("get a pod", "get", "pods500", 500, anchor="etcd-get", clients=(1, 16, 64)),
    Case("create a pod", "create", "creates", anchor="etcd-put", clients=(1, 16, 64)),
    Case("list 500 pods", "list", "pods500", clients=(1, 16, 64)),
    Case("list 5,000 pods", "list", "pods5000", clients=(1, 8)),
    Case("update a config map", "put", "configs"),
    Case("create and delete a config map", "create-and-delete", "configs"),
    Case("JSON patch of a pod", "json-patch", "patches"),
    Case("merge patch of a pod", "merge-patch", "patches"),
    Case("strategic merge patch of a pod", "strategic-merge-patch", "patches"),
    Case("server-side apply of a pod", "apply", "applies"),
    Case("create a custom resource with CEL rules", "create-widget", "widgets"),
    Case("merge patch of a custom resource with CEL rules", "patch-widget", "widgets"),
    Case("server-side apply of a custom resource with CEL rules", "apply-widget", "widgets"),
    Case("watch events", "watch", "pods500", clients=(1, 64, 1000)),
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
        cases = [case for case in CASES if options.only in case.name]
        for server in found:
            await populate(server)
        await _populate_etcd(etcd_port)
        for number in range(options.rounds):
            progress(f"apiserver: round {number + 1} of {options.rounds}")
            for case in cases:
                for clients in case.clients:
                    await _round(samples, case, clients, found, etcd_port, options.seconds)
    return [_table(samples, case, [server.name for server in found]) for case in cases]


async def populate(server: Server) -> None:
    async with server.client() as client:
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, widgets.definition())
        for namespace in (*_POPULATIONS, *_EMPTY):
            await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            metadata = {"name": "default", "namespace": namespace}
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
            await client.create(SERVICE_ACCOUNTS, account)
        for namespace, objects in _POPULATIONS.items():
            await load.measure(server.job("populate", clients=16, namespace=namespace, objects=objects))
        await _served(client)


async def _served(client: Client) -> None:
    """Until the custom resource is."""
    async with asyncio.timeout(30):
        while True:
            try:
                await client.list(_WIDGETS, "widgets")
                return
            except StatusError as error:
                if error.code != 404:
                    raise
            await asyncio.sleep(0.1)


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


_COLUMNS = ["", "clients", "a second", "p50 ms", "p99 ms", "CPU µs", "pynetes ÷ this", "CPU: this ÷ pynetes"]


def _table(samples: Samples, case: Case, names: list[str]) -> Table:
    engines = [*names, "etcd"] if case.anchor else names
    table = Table(case.name, _COLUMNS)
    for clients in case.clients:
        ours, *_ = rows = [_Row.of(name, samples[case.name, clients, name]) for name in engines]
        table.rows += [row.cells(clients, ours) for row in rows]
    return table


@dataclass(frozen=True, slots=True)
class _Row:
    """`cpu`: the server's seconds for one operation; 0 if not measured."""

    name: str
    rate: float
    times: list[float]
    cpu: float

    @classmethod
    def of(cls, name: str, results: list[load.Result]) -> "_Row":
        times = [seconds for result in results for seconds in result.times]
        return cls(name, median(result.rate for result in results), times, median(result.cpu for result in results))

    def cells(self, clients: int, ours: "_Row") -> list[str]:
        percentiles = (milliseconds(percentile(self.times, share)) for share in (0.5, 0.99))
        cpu = f"{self.cpu * 1e6:,.0f}" if self.cpu else ""
        compared = ["", ""] if self is ours else [ratio(ours.rate, self.rate), ratio(self.cpu, ours.cpu) if cpu else ""]
        return [self.name, str(clients), rate(self.rate), *percentiles, cpu, *compared]
