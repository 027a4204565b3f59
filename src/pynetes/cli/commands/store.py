"""`pynetes store`: snapshots of what the cluster holds."""

from pathlib import Path

import click

from pynetes.cli.commands.options import places
from pynetes.cli.commands.told import told
from pynetes.cli.layout import Layout


@click.group("store")
def store_command() -> None:
    """What the cluster holds: snapshots, and how its store is."""


_at_store = click.option(
    "--store", metavar="URL", help="Another store, as `pynetes server --store` takes it. [default: the cluster's]"
)


@store_command.command("status")
@places
@_at_store
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def store_status_command(layout: Layout, store: str | None, output: str) -> None:
    """Show engine, revision, size, keys, compaction, members or replicas; exit code 1 unless all is well."""
    from pynetes.cli import storestatus
    from pynetes.cli.hosts import behalf

    if not told(lambda: storestatus.show(layout if store else behalf.control_plane(layout), store, output)):
        raise SystemExit(1)


@store_command.command("snapshot")
@places
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_at_store
def store_snapshot_command(layout: Layout, file: Path, store: str | None) -> None:
    """Write all that the cluster holds to FILE, while it runs or not.

    The snapshot is of one revision, and can be restored to a store of any engine. It holds Secrets.
    """
    from pynetes.cli.hosts import behalf

    told(lambda: behalf.snapshot(layout, file, store))


@store_command.command("restore")
@places
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@_at_store
@click.option("--overwrite", is_flag=True, help="Replace what the store holds.")
@click.option("--switch", is_flag=True, help="The cluster on this machine keeps its state in --store from now on.")
@click.option(
    "--bump-revision",
    "bump",
    type=click.IntRange(1, 10**15),
    default=10**9,
    show_default=True,
    help="How far beyond the snapshot's revision the store goes on: more than was written since.",
)
def store_restore_command(
    layout: Layout, file: Path, store: str | None, overwrite: bool, switch: bool, bump: int
) -> None:
    """Restore a snapshot to an empty store; the cluster must be stopped.

    Clients that outlive it list anew: no resourceVersion goes back. With --store and --switch, a cluster moves to
    another store.
    """
    from pynetes.cli.hosts import behalf

    told(lambda: behalf.restore(layout, file, store, overwrite=overwrite, switch=switch, bump=bump))
