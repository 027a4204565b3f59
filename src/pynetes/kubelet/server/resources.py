"""`/stats/summary`, `/metrics`, `/metrics/resource`, `/metrics/probes`: what a node and its pods use, how they are."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from pynetes.component import metrics
from pynetes.kubelet.probes.measures import PROBES
from pynetes.kubelet.stats import StatsProvider

_METRICS = {
    "node_cpu_usage_seconds_total": ("Cumulative cpu time consumed by the node in core-seconds", "counter"),
    "node_memory_working_set_bytes": ("Current working set of the node in bytes", "gauge"),
    "pod_cpu_usage_seconds_total": ("Cumulative cpu time consumed by the pod in core-seconds", "counter"),
    "pod_memory_working_set_bytes": ("Current working set of the pod in bytes", "gauge"),
    "container_cpu_usage_seconds_total": ("Cumulative cpu time consumed by the container in core-seconds", "counter"),
    "container_memory_working_set_bytes": ("Current working set of the container in bytes", "gauge"),
    "container_start_time_seconds": ("Start time of the container since unix epoch in seconds", "gauge"),
    "resource_scrape_error": ("1 if there was an error while getting container metrics, 0 otherwise", "gauge"),
    "scrape_error": ("1 if there was an error while getting container metrics, 0 otherwise", "gauge"),
}

Sample = tuple[str, dict[str, str], float, int | None]


def _samples(summary: dict[str, Any]) -> Iterator[Sample]:
    """Name, labels, value, and the time of the reading in milliseconds."""
    yield from _usage("node", {}, summary["node"])
    for pod in summary["pods"]:
        names = {"namespace": pod["podRef"]["namespace"], "pod": pod["podRef"]["name"]}
        yield from _usage("pod", names, pod)
        for container in pod["containers"]:
            of_container = {"container": container["name"], **names}
            yield from _usage("container", of_container, container)
            yield "container_start_time_seconds", of_container, _seconds(container["startTime"]), None


def _usage(what: str, names: dict[str, str], stats: dict[str, Any]) -> Iterator[Sample]:
    cpu, memory = stats.get("cpu") or {}, stats.get("memory") or {}
    if "usageCoreNanoSeconds" in cpu:
        at = int(_seconds(cpu["time"]) * 1000)
        yield f"{what}_cpu_usage_seconds_total", names, cpu["usageCoreNanoSeconds"] / 1e9, at
    if "workingSetBytes" in memory:
        at = int(_seconds(memory["time"]) * 1000)
        yield f"{what}_memory_working_set_bytes", names, memory["workingSetBytes"], at


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def resource_metrics(summary: dict[str, Any] | None) -> str:
    """The text of `/metrics/resource`; None for a summary that could not be had."""
    failed = 1 if summary is None else 0
    found: dict[str, list[str]] = {}
    errors: list[Sample] = [("resource_scrape_error", {}, failed, None), ("scrape_error", {}, failed, None)]
    for name, names, value, at in (*(_samples(summary) if summary else ()), *errors):
        shown = ",".join(f'{key}="{text}"' for key, text in names.items())
        line = f"{name}{{{shown}}} {value!r}" if shown else f"{name} {value!r}"
        found.setdefault(name, []).append(line if at is None else f"{line} {at}")
    lines = []
    for name, (text, kind) in sorted(_METRICS.items()):
        if name in found:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *found[name]]
    return "\n".join(lines) + "\n"


class ResourceEndpoints:
    def __init__(self, stats: StatsProvider) -> None:
        self._stats = stats

    def routes(self) -> Iterable[web.RouteDef]:
        for path in ("/stats/summary", "/stats/summary/"):
            yield web.route("*", path, self.summary)
        yield web.get("/metrics", self.metrics)
        yield web.get("/metrics/resource", self.resource)
        yield web.get("/metrics/probes", self.probes)

    async def summary(self, request: web.Request) -> web.Response:
        only = request.query.get("only_cpu_and_memory", "") in ("1", "t", "true", "True")
        summary = await self._stats.summary(only_cpu_and_memory=only)
        return web.Response(body=orjson.dumps(summary), content_type="application/json")

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def probes(self, request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(PROBES), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def resource(self, request: web.Request) -> web.Response:
        try:
            summary = await self._stats.summary(only_cpu_and_memory=True)
        except Exception:
            summary = None
        return web.Response(body=resource_metrics(summary), headers={"Content-Type": metrics.CONTENT_TYPE})
