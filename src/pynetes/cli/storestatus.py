"""`pynetes store status`: the store at a glance, or as JSON."""

import asyncio
import json
from typing import Any

from rich.console import Console
from rich.table import Table

from pynetes.cli import settings, store, supervisor
from pynetes.cli.layout import Layout
from pynetes.cli.settings import SettingsError
from pynetes.storage import StoreUnavailable
from pynetes.storage.status import StoreStatus, survey

_NAMES = {"sqlite": "SQLite", "etcd": "etcd", "postgres": "PostgreSQL", "mysql": "MySQL"}


def show(layout: Layout, url: str | None, output: str) -> bool:
    """Prints the status; whether the store is healthy."""
    status = collect(layout, url)
    if output == "json":
        print(json.dumps(document(status), indent=2))
    else:
        _print(Console(highlight=False), status)
    return not status.all_problems()


def collect(layout: Layout, url: str | None) -> StoreStatus:
    """SettingsError for a URL that is none."""
    runs = supervisor.running_pid(layout.supervisor_pid) is not None
    try:
        return asyncio.run(survey(store.url_of(layout, url), in_use=_in_use(layout, url, runs=runs)))
    except StoreUnavailable as error:
        raise SettingsError(str(error)) from None


def _in_use(layout: Layout, url: str | None, *, runs: bool) -> bool | None:
    """Databases and SQLite know it themselves; of etcd, only whether the cluster on this machine runs is known."""
    made = settings.load(layout)
    if url is not None or made is None or not made.store.startswith(("etcd:", "etcds:")):
        return None
    return True if runs else None


def document(status: StoreStatus) -> dict[str, Any]:
    """The JSON."""
    compaction, replication = status.compaction, status.replication
    shown: dict[str, Any] = {
        "engine": status.engine,
        "where": status.where,
        "healthy": not status.all_problems(),
        "problems": status.all_problems(),
        "reachable": not status.error,
        "inUse": status.in_use,
        "revision": status.revision,
        "sizeBytes": status.size,
        "keys": status.keys,
        "compaction": {
            "revision": compaction.revision,
            "revisionsKept": max(0, status.revision - compaction.revision),
            "versionsKept": compaction.versions,
            "revisionsToFree": compaction.unswept,
            "secondsSinceLast": None if compaction.age is None else int(compaction.age),
            "behind": status.compaction_is_behind,
        },
    }
    if replication is not None:
        shown["replication"] = {"role": replication.role, "standbyLagBytes": replication.standbys}
    if status.engine == "etcd":
        shown["members"] = [
            {
                "name": health.member.name,
                "clientURLs": list(health.member.client_urls),
                "healthy": health.healthy,
                "problem": health.problem,
                "leader": health.leader,
                "learner": health.member.learner,
                "raftIndex": health.raft_index,
                "lag": health.lag,
                "sizeBytes": health.db_size,
                "usedBytes": health.db_in_use,
                "alarms": list(health.alarms),
                "version": health.version,
            }
            for health in status.members
        ]
    return shown


def _print(console: Console, status: StoreStatus) -> None:
    use = {True: ", in use", False: ", not in use", None: ""}[status.in_use]
    console.print(f"Store        {_NAMES.get(status.engine, status.engine)}, {status.where}{use}", soft_wrap=True)
    if not status.error:
        console.print(f"Revision     {status.revision}")
        console.print(f"Size         {_size(status.size)}")
        console.print(f"Compaction   {_compaction(status)}", soft_wrap=True)
    if status.replication is not None:
        console.print(f"Replication  {_replication(status)}", soft_wrap=True)
    console.print(f"Health       {_health(status)}", soft_wrap=True)
    if status.members:
        console.print()
        console.print(_members(status))
    if status.keys:
        console.print()
        console.print(_keys(status))


def _health(status: StoreStatus) -> str:
    problems = status.all_problems()
    return "[green]healthy[/green]" if not problems else f"[red]{'; '.join(problems)}[/red]"


def _compaction(status: StoreStatus) -> str:
    compaction = status.compaction
    told = f"to revision {compaction.revision}" if compaction.revision else "none yet"
    if compaction.age is not None:
        told += f", looked at {compaction.age:.0f} s ago"
    if compaction.versions is not None:
        told += f"; {compaction.versions} versions of {sum(status.keys.values())} keys kept"
    if compaction.unswept:
        told += f", {compaction.unswept} revisions still to be freed"
    return told


def _replication(status: StoreStatus) -> str:
    assert status.replication is not None
    standbys = [
        name if behind is None else f"{name} ({_size(behind)} behind)"
        for name, behind in status.replication.standbys.items()
    ]
    return f"{status.replication.role}{': ' if standbys else ''}{', '.join(standbys)}"


def _members(status: StoreStatus) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("MEMBER", "ADDRESS", "STATE", "LAG", "SIZE", "IN USE", "VERSION"):
        table.add_column(column, justify="right" if column in ("LAG", "SIZE", "IN USE") else "left")
    for health in status.members:
        words = [health.problem or ("leader" if health.leader else "learner" if health.member.learner else "ready")]
        table.add_row(
            health.member.name or f"{health.member.id:x}",
            ", ".join(health.member.addresses),
            ", ".join([*words, *health.alarms]),
            str(health.lag) if health.healthy else "",
            _size(health.db_size),
            _size(health.db_in_use),
            health.version,
        )
    return table


def _keys(status: StoreStatus) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("RESOURCE")
    table.add_column("KEYS", justify="right")
    for resource, count in sorted(status.keys.items(), key=lambda each: (-each[1], each[0])):
        table.add_row(resource, str(count))
    return table


def _size(size: int) -> str:
    for power, unit in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            return f"{size / 1024**power:.1f} {unit}"
    return f"{size} B"
