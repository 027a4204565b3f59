"""`pynetes token`: bootstrap tokens."""

import click

from pynetes.cli.commands.options import places
from pynetes.cli.commands.told import told
from pynetes.cli.layout import Layout


@click.group("token")
def token_command() -> None:
    """Bootstrap tokens, with which machines join this cluster."""


@token_command.command("create")
@places
@click.argument("token", required=False)
@click.option("--ttl", help="How long it holds (1s, 2m, 3h); 0: for ever. [default: 24h, 2h with --control-plane]")
@click.option("--usages", default="signing,authentication", show_default=True, help="What it may be used for.")
@click.option("--groups", default=None, help="Groups of its holder. [default: those of joining nodes]")
@click.option("--description", default="", help="What it is for.")
@click.option("--print-join-command", is_flag=True, help="Print the whole command that joins a machine.")
@click.option(
    "--control-plane",
    is_flag=True,
    help="For a further control plane: its holder may read the cluster's certificates; prints the join command.",
)
def token_create_command(
    layout: Layout,
    token: str | None,
    ttl: str | None,
    usages: str,
    groups: str | None,
    description: str,
    print_join_command: bool,
    control_plane: bool,
) -> None:
    """Make a token and print it."""
    from pynetes.cli import server, tokens
    from pynetes.cli.hosts import behalf

    def run() -> None:
        grant = tokens.grant(ttl or ("2h" if control_plane else "24h"), usages, groups, description)
        there = behalf.control_plane(layout) if control_plane else layout
        server.create_command(there, token, grant, print_join_command=print_join_command, control_plane=control_plane)

    told(run)


@token_command.command("list")
@places
def token_list_command(layout: Layout) -> None:
    """List the tokens."""
    from pynetes.cli import server

    told(lambda: server.list_command(layout))


@token_command.command("delete")
@places
@click.argument("tokens", nargs=-1, required=True)
def token_delete_command(layout: Layout, tokens: tuple[str, ...]) -> None:
    """Revoke tokens, given whole or by their ids."""
    from pynetes.cli import server

    told(lambda: server.delete_command(layout, tokens))
