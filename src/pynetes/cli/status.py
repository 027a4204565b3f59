"""`pynetes status`: processes, node and system at a glance, or as JSON."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import LEASES, NODES, PODS
from pynetes.cli import readiness, supervisor
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, load
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError

Object = dict[str, Any]

_PAGE = 4096


async def collect(layout: Layout) -> dict[str, Any]:
    """Everything that is shown."""
    settings = load(layout)
    if settings is None or supervisor.running_pid(layout.supervisor_pid) is None:
        return {"running": False, "state": str(layout.data) if settings else None}
    processes = supervisor.read_state(layout.supervisor_state)
    for process in processes.values():
        process["memoryBytes"] = _memory(process["pid"])
    return {"running": True, "server": settings.server, "processes": processes} | await _cluster(layout, settings)


async def _cluster(layout: Layout, settings: Settings) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        user = "admin" if settings.has_admin else "kubelet"
        client = kubeconfig.client_from_kubeconfig(layout.kubeconfig(user), "pynetes-status")
        stack.push_async_callback(client.close)
        problem = await readiness.api_is_ready(client)
        if problem:
            return {"api": {"ready": False, "message": problem}}
        try:
            nodes, pods, leases = await _objects(client, settings)
        except (StatusError, TransportError) as error:
            return {"api": {"ready": False, "message": str(error)}}
    shown: dict[str, Any] = {"api": {"ready": True, "message": ""}}
    if settings.runs_node:
        dns = await readiness.dns_answers(settings)
        shown["dns"] = {"ready": not dns, "message": dns}
    return shown | {
        "leaders": {meta.name(lease): lease["spec"].get("holderIdentity", "") for lease in leases},
        "nodes": [_node(node) for node in nodes],
        "pods": _phases(pods),
    }


async def _objects(client: Client, settings: Settings) -> tuple[list[Object], list[Object], list[Object]]:
    """Nodes, pods and leases of the cluster; a node that joined sees its own alone."""
    if not settings.has_admin:
        mine = f"spec.nodeName={settings.node_name}"
        pods = await client.list(PODS, field_selector=mine)
        return [await client.get(NODES, settings.node_name)], pods["items"], []
    nodes, pods = await client.list(NODES), await client.list(PODS)
    leases = await client.list(LEASES, "kube-system")
    return nodes["items"], pods["items"], leases["items"]


def _node(node: dict[str, Any]) -> dict[str, Any]:
    ready = meta.get_condition(node.get("status", {}).get("conditions") or [], "Ready") or {}
    info = node.get("status", {}).get("nodeInfo", {})
    return {
        "name": meta.name(node),
        "ready": ready.get("status") == "True",
        "message": ready.get("message", ""),
        "version": info.get("kubeletVersion", ""),
        "runtime": info.get("containerRuntimeVersion", ""),
    }


def _phases(pods: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for pod in pods:
        phase = pod.get("status", {}).get("phase", "Unknown")
        counts[phase] = counts.get(phase, 0) + 1
    return counts


def _memory(pid: int) -> int:
    """Proportional set size: what of memory is this process' share."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def show(layout: Layout, output: str) -> bool:
    """Prints the status; whether all is well."""
    status = asyncio.run(collect(layout))
    well = bool(status["running"] and status.get("api", {}).get("ready"))
    well = well and bool(status.get("dns", {"ready": True})["ready"])
    well = well and all(node["ready"] for node in status.get("nodes", ()))
    if output == "json":
        print(json.dumps(status, indent=2))
        return well
    console = Console(highlight=False)
    if not status["running"]:
        console.print(
            "No cluster runs." + (" `pynetes up` starts it." if status["state"] else " `pynetes up` makes one.")
        )
        return False
    _print(console, status)
    return well


def _print(console: Console, status: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for column, justify in (("PROCESS", "left"), ("PID", "right"), ("RESTARTS", "right"), ("MEMORY", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for name, process in status["processes"].items():
        pid = str(process["pid"]) if process["pid"] else f"[red]{process['lastExit']}[/red]"
        table.add_row(name, pid, str(process["restarts"]), f"{process['memoryBytes'] / 2**20:.0f} MiB")
    console.print(table)
    console.print()
    console.print(f"API server   {_mark(status['api'])}  {status['server']}")
    if "nodes" not in status:
        return
    if "dns" in status:
        console.print(f"Cluster DNS  {_mark(status['dns'])}")
    for name, holder in status["leaders"].items():
        console.print(f"Leader       {name}: {holder}")
    for node in status["nodes"]:
        mark = _mark({"ready": node["ready"], "message": node["message"]})
        console.print(f"Node         {mark}  {node['name']}  {node['version']}  {node['runtime']}")
    phases = ", ".join(f"{count} {phase}" for phase, count in sorted(status["pods"].items()))
    console.print(f"Pods         {phases or 'none'}")


def _mark(what: dict[str, Any]) -> str:
    return "[green]ready[/green]" if what["ready"] else f"[red]not ready[/red] {what['message']}"
