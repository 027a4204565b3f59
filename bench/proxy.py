"""From Services to nftables: a full load, and one endpoint more, of 3.5 endpoints a service on average.

In a network namespace of its own. Anchor in the same run: the `nft` program doing the same two transactions, as the
original proxy calls it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from bench.frame import Options, Table, median, milliseconds, progress, ratio
from pynetes.component.nftables import Nftables
from pynetes.proxy.elements import elements
from pynetes.proxy.endpoints import Endpoint
from pynetes.proxy.ruleset import DELETE, Change, State, full
from pynetes.proxy.services import ServicePort
from pynetes.testing.netns import NetworkNamespace

SERVICES = (1000, 10_000)
COMPUTE, LOAD, CHANGE = "compute all elements", "full load", "one change"


def service(number: int) -> ServicePort:
    endpoints = tuple(
        Endpoint(f"10.244.{(number * 7 + index) // 250 % 250}.{(number * 7 + index) % 250 + 1}", 8080)
        for index in range(2 + number % 4)  # 2, 3, 4, 5: 3.5 on average
    )
    address = f"10.{96 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
    return ServicePort(f"ns/svc-{number}", "web", "tcp", address, 80, cluster=endpoints)


def run(options: Options) -> list[Table]:
    columns = ["services", "", "milliseconds", "fastest", "slowest", "the `nft` program", "÷ `nft`"]
    table = Table("Time of a transaction", columns)
    for services in SERVICES:
        progress(f"proxy: {services} services")
        with NetworkNamespace("node") as host, TemporaryDirectory() as place:
            times = _measure(host, Path(place), [service(number) for number in range(services)], options.rounds)
        for what in (COMPUTE, LOAD, CHANGE):
            found, anchor = times[what], times.get(f"nft {what}")
            row = [f"{services:,}", what, *(milliseconds(value) for value in (median(found), min(found), max(found)))]
            table.rows.append([*row, *_against(median(found), anchor)])
    return [table]


def _against(ours: float, anchor: list[float] | None) -> tuple[str, str]:
    return (milliseconds(median(anchor)), ratio(ours, median(anchor))) if anchor else ("", "")


def _measure(host: NetworkNamespace, place: Path, ports: list[ServicePort], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}

    def timed(name: str, action: Callable[[], object]) -> None:
        began = time.perf_counter()
        action()
        times.setdefault(name, []).append(time.perf_counter() - began)

    nftables = host.call(Nftables)
    file = place / "rules.nft"
    try:
        for _ in range(rounds):
            timed(COMPUTE, lambda: full([elements(port) for port in ports]))
            text, state = full([elements(port) for port in ports])
            timed(LOAD, lambda text=text: host.call(nftables.run_blocking, text))  # type: ignore[misc]
            changed = _one_more(state, ports[len(ports) // 2])
            timed(CHANGE, lambda changed=changed: host.call(nftables.run_blocking, changed))  # type: ignore[misc]
            file.write_text(text)
            timed(f"nft {LOAD}", lambda: host.run(f"nft -f {file}"))
            file.write_text(changed)
            timed(f"nft {CHANGE}", lambda: host.run(f"nft -f {file}"))
        host.call(nftables.run_blocking, DELETE)
    finally:
        host.call(nftables.close)
    return times


def _one_more(state: State, port: ServicePort) -> str:
    """The transaction that gives a service one more endpoint."""
    more = (*port.cluster, Endpoint("10.244.251.1", 8080))
    change = Change(state)
    change.replace(elements(port), elements(replace(port, cluster=more)))
    return change.text()
