"""`pynetes member`: the etcd that Pynetes runs."""

import click

from pynetes.cli.commands.options import places
from pynetes.cli.commands.told import told
from pynetes.cli.layout import Layout


@click.group("member")
def member_command() -> None:
    """The members of the etcd that Pynetes runs.

    With --store etcd:, every control plane's machine has one.
    """


@member_command.command("list")
@places
def member_list_command(layout: Layout) -> None:
    """List the members, how they are, and how far they lag behind."""
    from pynetes.cli import members
    from pynetes.cli.hosts import behalf

    told(lambda: members.list_command(behalf.control_plane(layout)))


@member_command.command("remove")
@places
@click.argument("name")
def member_remove_command(layout: Layout, name: str) -> None:
    """Take out the member of a machine that is gone for good (`pynetes purge` on a machine does it by itself)."""
    from pynetes.cli import members
    from pynetes.cli.hosts import behalf

    told(lambda: members.remove_command(behalf.control_plane(layout), name))
