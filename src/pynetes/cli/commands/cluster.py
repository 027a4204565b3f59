"""The cluster of this machine: `up`, `status`, `down`, `purge`."""

from typing import Any

import click

from pynetes.cli.commands.options import control_plane, places, store
from pynetes.cli.commands.told import told
from pynetes.cli.layout import Layout


@click.command("up")
@places
@store
@click.option(
    "--nodes",
    type=int,
    help="How many nodes; more than one: hosts of their own. Later, more may be added. [default: 1]",
)
@click.option(
    "--masters",
    type=int,
    help="How many control planes; more than one: hosts of their own, with --store etcd: unless another is given. "
    "[default: 1]",
)
@click.option("--host-cidr", help="Range of the hosts' addresses. [default: 198.18.53.0/24]")
@click.option("--registry/--no-registry", default=None, help="Run Debian's docker-registry on localhost:5000.")
@control_plane
def up_command(
    layout: Layout, registry: bool | None, merge: bool, masters: int | None, nodes: int | None, **given: Any
) -> None:
    """Start a cluster on this machine, or do nothing if it runs.

    One node on the machine itself, unless --nodes or --masters ask for more: then every master and every node is a host
    of its own (namespaces with a link to the others), which `pynetes node` stops, starts, cuts off and removes. A later
    `up` boots the hosts that are off.

    Needs root, containerd, runc, CNI plugins, nftables, conntrack and iptables, and etcd-server for several masters;
    says what is missing, with the command that installs it. What was chosen the first time holds for later starts.
    """
    from pynetes.cli import up

    if registry is not None:
        given["registry_port"] = 5000 if registry else 0

    def run() -> None:
        from pynetes.cli.hosts import start

        if start.wanted(layout, masters, nodes):
            start.up_hosts(layout, given, masters=masters, nodes=nodes, kubeconfig_wanted=merge)
        else:
            up.up(layout, given, kubeconfig_wanted=merge)

    told(run)


@click.command("down")
@places
def down_command(layout: Layout) -> None:
    """Stop the cluster and remove everything it made but its state on disk."""
    from pynetes.cli import down

    told(lambda: down.down(layout))


@click.command("purge")
@places
def purge_command(layout: Layout) -> None:
    """Stop the cluster and remove its state on disk, too."""
    from pynetes.cli import down

    told(lambda: down.purge(layout))


@click.command("status")
@places
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status_command(layout: Layout, output: str) -> None:
    """Show the cluster on one screen: masters, leaders, store, nodes, pods, DNS, certificates, processes.

    What is wrong is said with what to do. The exit code is 1 if something is broken (red), 0 if all is well or only
    worth a look (yellow). It works while parts are dead; on a node, it shows what a node may see.
    """
    from pynetes.cli import status

    if not told(lambda: status.show(layout, output)):
        raise SystemExit(1)
