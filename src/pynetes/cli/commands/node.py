"""`pynetes node`: hosts on one machine."""

import click

from pynetes.cli.commands.options import places
from pynetes.cli.commands.told import told
from pynetes.cli.layout import Layout


@click.group("node")
def node_command() -> None:
    """The hosts of a cluster that `up --nodes` or `--masters` has made.

    `stop` is a power cut, `cut` pulls the network cable: what follows is what would follow on machines of their own.
    """


_host = click.argument("name")


@node_command.command("list")
@places
def node_list_command(layout: Layout) -> None:
    """List the hosts: on, off or cut off, and what the cluster says of its nodes."""
    from pynetes.cli.hosts import nodes

    told(lambda: nodes.list_hosts(layout))


@node_command.command("start")
@places
@_host
def node_start_command(layout: Layout, name: str) -> None:
    """Boot a host that is off: the same one again, as after a reboot."""
    from pynetes.cli.hosts import nodes

    told(lambda: nodes.start_host(layout, name))


@node_command.command("stop")
@places
@_host
@click.option("--graceful", is_flag=True, help="Shut it down in order, not as a power cut does.")
def node_stop_command(layout: Layout, name: str, graceful: bool) -> None:
    """Switch a host off: all that runs on it dies."""
    from pynetes.cli.hosts import nodes

    told(lambda: nodes.stop_host(layout, name, graceful=graceful))


@node_command.command("cut")
@places
@_host
def node_cut_command(layout: Layout, name: str) -> None:
    """Cut a host off: it runs on, and nobody hears of it."""
    from pynetes.cli.hosts import nodes

    told(lambda: nodes.cut_host(layout, name))


@node_command.command("mend")
@places
@_host
def node_mend_command(layout: Layout, name: str) -> None:
    """Mend the link of a host that was cut off."""
    from pynetes.cli.hosts import nodes

    told(lambda: nodes.mend_host(layout, name))


@node_command.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@places
@_host
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def node_exec_command(layout: Layout, name: str, command: tuple[str, ...]) -> None:
    """Run a command in a host, or a shell."""
    from pynetes.cli.hosts import nodes

    told(lambda: nodes.enter_host(layout, name, command))


@node_command.command("remove")
@places
@_host
def node_remove_command(layout: Layout, name: str) -> None:
    """Switch a host off for good, and remove its Node object and its disk."""
    from pynetes.cli.hosts import nodes

    told(lambda: nodes.remove_host(layout, name))
