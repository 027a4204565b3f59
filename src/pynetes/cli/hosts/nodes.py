"""`pynetes node`: hosts one by one. Imports little, so that a link is cut when the command is given."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import NODES
from pynetes.cli import settings
from pynetes.cli.hosts import network, places, power, record
from pynetes.cli.hosts.plan import Host, HostError, Plan
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings

if TYPE_CHECKING:
    from pynetes.client.rest import Client

T = TypeVar("T")

_COLUMNS = ("name", "role", "address", "state", "node")
_ANSWER_SECONDS = 5.0


def start_host(layout: Layout, name: str) -> None:
    """Boots a host that is off, and waits until it is what it was."""
    plan, host, chosen = _known(layout, name)
    state = power.state(layout, name)
    if state != "off":
        hint = "`pynetes node mend` mends its link" if state == "cut" else "`pynetes node stop` switches it off"
        raise HostError(f"{name} is {state}, not off: {hint}")
    if not network.is_prepared():
        raise HostError("the cluster is down: `pynetes up` boots all its hosts")
    from pynetes.cli.hosts import joining, start
    from pynetes.cli.progress import Progress

    if host.role == "node":
        joining.running_master(layout, plan)
    with record.locked(layout):
        start.switch_on(layout, plan, chosen, [host], Progress())


def stop_host(layout: Layout, name: str, *, graceful: bool) -> None:
    """Switches a host off: as a power cut does, or in order."""
    _, host, chosen = _known(layout, name)
    if power.state(layout, name) == "off":
        raise HostError(f"{name} is off already: `pynetes node start {name}` boots it")
    with record.locked(layout):
        (power.shut_down if graceful else power.kill)(layout, [name])
        power.forget_pods(chosen.cgroup_root, host)
    click.echo(f"{name} is off")


def cut_host(layout: Layout, name: str) -> None:
    """Takes a host's link away."""
    _known(layout, name)
    state = power.state(layout, name)
    if state == "cut":
        raise HostError(f"{name} is cut off already: `pynetes node mend {name}` mends its link")
    if state == "off":
        raise HostError(f"{name} is off and has no link to cut: `pynetes node start {name}` boots it")
    network.carry(name, on=False)
    click.echo(f"{name} is cut off")


def mend_host(layout: Layout, name: str) -> None:
    _known(layout, name)
    state = power.state(layout, name)
    if state != "cut":
        hint = f": `pynetes node start {name}` boots it" if state == "off" else ""
        raise HostError(f"{name} is {state}, not cut off{hint}")
    network.carry(name, on=True)
    click.echo(f"{name} is linked again")


def enter_host(layout: Layout, name: str, command: Sequence[str]) -> NoReturn:
    """Becomes a command in a host, a shell if none is given."""
    _known(layout, name)
    pid = power.init_pid(layout, name)
    if pid is None:
        raise HostError(f"{name} is off: `pynetes node start {name}` boots it")
    words = list(command) or [os.environ.get("SHELL", "/bin/sh")]
    namespaces = ["--mount", "--pid", "--net", "--uts", "--ipc", "--wd=/"]
    os.execvp("nsenter", ["nsenter", "--target", str(pid), *namespaces, "--", *words])


def remove_host(layout: Layout, name: str) -> None:
    """Switches a host off for good: its Node object and its disk go, too."""
    plan, host, chosen = _known(layout, name)
    if len(plan.of(host.role)) == 1:
        raise HostError(f"{name} is the cluster's only {host.role}: `pynetes purge` removes the whole cluster")
    _with_client(layout, _ready_nodes)  # an error here leaves all as it is
    with record.locked(layout):
        if host.role == "master":
            _leave_store(layout, plan, name)
        power.kill(layout, [name])
        if host.role == "node":
            _with_client(layout, lambda client: _delete_node(client, name))
        power.forget_pods(chosen.cgroup_root, host)
        record.save(layout, plan.without(name))
        shutil.rmtree(places.of(layout, name).home, ignore_errors=True)
    click.echo(f"{name} is removed")


def list_hosts(layout: Layout) -> None:
    plan = record.required(layout)
    ready = {}
    with contextlib.suppress(HostError):  # without an API server the hosts are shown all the same
        ready = _with_client(layout, _ready_nodes)
    rows = [{column: column.upper() for column in _COLUMNS}]
    for host in plan.hosts:
        state = power.state(layout, host.name)
        shown = ready.get(host.name, "unknown" if not ready else "none") if host.role == "node" else "-"
        rows.append(dict(zip(_COLUMNS, (host.name, host.role, host.address, state, shown), strict=True)))
    widths = {column: max(len(row[column]) for row in rows) for column in _COLUMNS}
    for row in rows:
        click.echo("   ".join(row[column].ljust(widths[column]) for column in _COLUMNS).rstrip())


def _known(layout: Layout, name: str) -> tuple[Plan, Host, Settings]:
    plan = record.required(layout)
    host, chosen = plan.find(name), settings.load(layout)
    if chosen is None:
        raise HostError(f"{layout.settings} is missing: `pynetes purge` removes what is left of the cluster")
    return plan, host, chosen


def _leave_store(layout: Layout, plan: Plan, name: str) -> None:
    """Takes a master's member out of the etcd that Pynetes runs, if that is the store."""
    from pynetes.cli import etcdmember, members, storeurl
    from pynetes.cli.hosts import joining

    there = places.of(layout, joining.running_master(layout, plan, but=name).name).layout
    if storeurl.load(there).managed:
        asyncio.run(etcdmember.remove(members.config_of(there), name))


async def _delete_node(client: "Client", name: str) -> None:
    try:
        await client.delete(NODES, name)
    except StatusError as error:
        if error.code != 404:
            raise


async def _ready_nodes(client: "Client") -> dict[str, str]:
    found: dict[str, str] = {}
    for node in (await client.list(NODES))["items"]:
        condition: dict[str, Any] = meta.get_condition(node.get("status", {}).get("conditions") or [], "Ready") or {}
        found[meta.name(node)] = "Ready" if condition.get("status") == "True" else "NotReady"
    return found


def _with_client(layout: Layout, action: "Callable[[Client], Awaitable[T]]") -> T:
    """As the administrator; HostError if the cluster does not answer."""
    from pynetes.client import kubeconfig
    from pynetes.client.transport import TransportError

    async def run() -> T:
        client = kubeconfig.client_from_kubeconfig(layout.kubeconfig("admin"), "pynetes-node")
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await action(client)
        finally:
            await client.close()

    try:
        return asyncio.run(run())
    except (StatusError, TransportError, TimeoutError, kubeconfig.ConfigError) as error:
        raise HostError(f"the cluster does not answer ({error or 'in time'}): is a master on?") from None
