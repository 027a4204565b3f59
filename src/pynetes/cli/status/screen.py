"""The status on one screen: green is well, yellow is worth a look, red is broken."""

from collections.abc import Sequence

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pynetes.apimachinery.times import human_duration
from pynetes.cli.status.masters import age
from pynetes.cli.status.nodes import Node
from pynetes.cli.status.pods import Trouble
from pynetes.cli.status.remarks import BAD, OK, Level, Remark, worst
from pynetes.cli.status.store import StoreView
from pynetes.cli.status.view import View

#: Longer lists are cut: what is not well comes first.
_NODES, _TROUBLES, _REMARKS = 12, 8, 12
_COLOURS: dict[Level, str] = {"ok": "green", "warn": "yellow", "bad": "red"}


def show(view: View) -> None:
    console = Console(highlight=False, soft_wrap=False)
    console.print(page(view), width=min(max(console.width, 80), 160))


def page(view: View) -> RenderableType:
    if not view.running:
        return Text("No cluster runs." + (" `pynetes up` starts it." if view.state else " `pynetes up` makes one."))
    level = worst(view.remarks)
    sections = [
        _head(view, level),
        _hosts(view),
        _masters(view),
        _leaders(view),
        _store(view),
        _nodes(view),
        _pods(view),
    ]
    sections += [_dns(view), _certificates(view), _processes(view), _remarks(view.remarks)]
    if view.unseen:
        sections.append(Text(view.unseen, "dim"))
    return Group(*(section for section in sections if section is not None))


def _head(view: View, level: Level) -> RenderableType:
    said = {"ok": "all is well", "warn": "it works; worth a look:", "bad": "not well:"}[level]
    counts = [f"{len(view.masters)} master{'s' * (len(view.masters) != 1)}"]
    if view.nodes is not None:
        counts.append(f"{len(view.nodes)} node{'s' * (len(view.nodes) != 1)}")
    parts = ", ".join([*counts, *([f"Kubernetes {view.version}"] if view.version else [])])
    more = f" {len(view.remarks)} remark{'s' * (len(view.remarks) != 1)} below" if level != OK else ""
    return Text.assemble((said + more, f"bold {_COLOURS[level]}"), f"   {parts}")


def _table(*columns: str, right: Sequence[str] = (), rest: str | None = None) -> Table:
    """`rest`: the column that has the room that the others leave."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), expand=rest is not None)
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        ratio = 1 if column == rest else None
        table.add_column(column, justify=justify, no_wrap=True, overflow="ellipsis", ratio=ratio)
    return table


def _mark(ready: bool, message: str = "") -> str:
    return "[green]ready[/green]" if ready else f"[red]not ready[/red] {escape(message)}".rstrip()


def _hosts(view: View) -> RenderableType | None:
    if not view.hosts:
        return None
    colours = {"on": "green", "off": "red", "cut": "red"}
    parts = [f"{host.name} [{colours[host.state]}]{host.state}[/{colours[host.state]}]" for host in view.hosts]
    return Text.from_markup("[bold]HOSTS[/bold]   " + ", ".join(parts))


def _masters(view: View) -> RenderableType:
    table = _table("MASTER", "ADDRESS", "READY", "SINCE", "", rest="")
    for master in (*([view.balancer] if view.balancer else ()), *view.masters):
        seconds = age(master)
        since = "" if seconds is None else human_duration(seconds)
        message = escape(master.message)
        table.add_row(master.name or master.host, master.address, _mark(master.ready), since, message)
    return table


def _leaders(view: View) -> RenderableType | None:
    if not view.leaders:
        return None
    parts = []
    for leader in view.leaders:
        ago = "" if leader.age is None else f" ({human_duration(leader.age)} ago)"
        colour = "green" if leader.leads else "red"
        parts.append(f"{escape(leader.lease)} [{colour}]{escape(leader.host or 'nobody')}[/{colour}]{ago}")
    return Text.from_markup("[bold]LEADS[/bold]   " + ", ".join(parts))


def _store(view: View) -> RenderableType | None:
    store = view.store
    if store is None:
        return None
    size = "" if store.size is None else f", {_bytes(store.size)}"
    size += "" if store.revision is None else f", revision {store.revision}"
    free = "" if store.free is None else f", {_bytes(store.free)} free on its disk"
    problem = f" [red]{escape(store.problem)}[/red]" if store.problem else ""
    line = Text.from_markup(f"[bold]STORE[/bold]   {escape(_place(store))}{size}{free}{problem}")
    if not store.members:
        return line
    table = _table("  MEMBER", "ADDRESS", "BEHIND", "SIZE", "STATE", right=("BEHIND", "SIZE"), rest="STATE")
    for member in store.members:
        colour = "green" if member.healthy and not member.alarms else "red"
        state = ", ".join((member.state, *member.alarms))
        behind = "" if member.lag is None else str(member.lag)
        size = "" if member.size is None else _bytes(member.size)
        table.add_row(f"  {member.name}", member.address, behind, size, f"[{colour}]{escape(state)}[/{colour}]")
    return Group(line, table)


def _place(store: StoreView) -> str:
    """Where the state is, if that is not on the masters themselves."""
    own = store.engine == "sqlite" or bool(store.members)
    return store.engine if own else f"{store.engine} {store.location}"


def _bytes(number: int) -> str:
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def _nodes(view: View) -> RenderableType | None:
    if not view.nodes:
        return None
    table = _table(
        "NODE", "READY", "ROLES", "VERSION", "RUNTIME", "ADDRESS", "PODS", "HEARD", "", right=("PODS", "HEARD")
    )
    ordered = sorted(view.nodes, key=lambda node: node.ready and not node.notes)
    chosen = view.nodes if len(view.nodes) <= _NODES else ordered[:_NODES]
    for node in chosen:
        table.add_row(*_node(node))
    left = len(view.nodes) - len(chosen)
    return Group(table, Text(f"… and {left} more", "dim")) if left else table


def _node(node: Node) -> list[str]:
    heard = "" if node.heartbeat is None else human_duration(node.heartbeat)
    notes = ", ".join(
        f"[red]{n}[/red]" if n.endswith("Pressure") else f"[yellow]{escape(n)}[/yellow]" for n in node.notes
    )
    ready = "[green]ready[/green]" if node.ready else "[red]not ready[/red]"
    runtime = node.runtime.replace("containerd://", "containerd ")
    address = ",".join(node.addresses[:1])
    return [
        node.name,
        ready,
        ",".join(node.roles) or "-",
        node.version.partition("+")[0],
        runtime.partition("~")[0],
        address,
        f"{node.pods}/{node.capacity}",
        heard,
        notes,
    ]


def _pods(view: View) -> RenderableType | None:
    if view.phases is None:
        return None
    counts = ", ".join(f"{count} {phase}" for phase, count in view.phases.items()) or "none"
    line = Text.from_markup(f"[bold]PODS[/bold]    {counts}")
    if not view.troubles:
        return line
    table = _table("  NAMESPACE", "POD", "REASON", "AGE", "MESSAGE", rest="MESSAGE")
    for trouble in view.troubles[:_TROUBLES]:
        table.add_row(*_trouble(trouble))
    left = len(view.troubles) - _TROUBLES
    rest = [Text(f"  … and {left} more: kubectl get pods -A", "dim")] if left > 0 else []
    return Group(line, table, *rest)


def _trouble(trouble: Trouble) -> list[str]:
    colour = "red" if trouble.is_system else "yellow"
    reason = f"[{colour}]{escape(trouble.reason)}[/{colour}]"
    message = " ".join(trouble.message.split())
    return [f"  {trouble.namespace}", trouble.name, reason, human_duration(trouble.age), escape(message)]


def _dns(view: View) -> RenderableType | None:
    found = view.dns
    if found is None:
        return None
    number = "" if found.servers is None else f", {found.servers} server{'s' * (found.servers != 1)}"
    unknown = not found.ready and not found.message
    mark = "[dim]cannot be asked from here[/dim]" if unknown else _mark(found.ready, found.message)
    return Text.from_markup(f"[bold]DNS[/bold]     {mark}  {found.address}{number}")


def _certificates(view: View) -> RenderableType | None:
    if not view.certificates:
        return None
    return Text.from_markup(f"[bold]CERTS[/bold]   [yellow]{len(view.certificates)} end soon[/yellow], see below")


def _processes(view: View) -> RenderableType | None:
    if not view.processes:
        return None
    parts = []
    for name, process in view.processes.items():
        restarts = f" [yellow]{process['restarts']} restarts[/yellow]" if process["restarts"] else ""
        state = f"{process['memoryBytes'] / 2**20:.0f} MiB" if process["pid"] else "[red]does not run[/red]"
        parts.append(f"{name} {state}{restarts}")
    return Text.from_markup("[bold]HERE[/bold]    " + ", ".join(parts))


def _remarks(remarks: Sequence[Remark]) -> RenderableType | None:
    if not remarks:
        return None
    lines = [Text("")]
    ordered = sorted(remarks, key=lambda remark: remark.level != BAD)
    for remark in ordered[:_REMARKS]:
        colour = _COLOURS[remark.level]
        lines.append(Text.assemble(("● ", colour), (f"{remark.section}: ", "bold"), " ".join(remark.what.split())))
        if remark.remedy:
            lines.append(Text(f"    → {remark.remedy}"))
    if len(remarks) > _REMARKS:
        lines.append(Text(f"… and {len(remarks) - _REMARKS} more: pynetes status -o json", "dim"))
    return Group(*lines)
