"""A cluster of several machines: `server` makes one a control plane, `agent` a node."""

from typing import Any

import click

from pynetes.cli.commands.options import control_plane, node, pins, places, store, verbosity
from pynetes.cli.commands.told import told
from pynetes.cli.layout import Layout


@click.command("server")
@places
@store
@click.option("--server", help="A control plane of the cluster to join as a further one, https://HOST:PORT.")
@click.option("--token", help="A token that `pynetes token create --control-plane` made; needed the first time only.")
@pins
@click.option("--certificate-key", help="Decrypts what the cluster gives to a further control plane.")
@click.option("--with-agent", is_flag=True, help="Make this machine a node, too.")
@click.option(
    "--apiserver-cert-extra-sans",
    "extra_sans",
    help="Further names and addresses that the API server's certificate stands for, by commas.",
)
@control_plane
def server_command(
    layout: Layout,
    server: str | None,
    token: str | None,
    hashes: tuple[str, ...],
    certificate_key: str | None,
    with_agent: bool,
    merge: bool,
    **given: Any,
) -> None:
    """Start a control plane and print the commands with which other machines join it.

    With --store etcd: or an external store, a cluster has as many control planes as wanted; three survive the loss of
    any one. A further one joins with --server, --token and --certificate-key, as the first one prints them; started
    again later, it needs none of these.
    """
    from pynetes.cli import server as command

    joining = command.Joining(server or "", token or "", hashes, certificate_key or "")
    told(lambda: command.server(layout, given, joining, with_agent=with_agent, kubeconfig_wanted=merge))


@click.command("agent")
@places
@click.option("--server", help="The cluster's API server, https://HOST:PORT. [default: that of the first time]")
@click.option("--token", help="A bootstrap token; needed the first time only.")
@pins
@node
@verbosity
def agent_command(layout: Layout, token: str | None, hashes: tuple[str, ...], **given: Any) -> None:
    """Make this machine a node of a cluster whose control plane runs elsewhere.

    `pynetes server` prints the whole command; later, `pynetes token create --print-join-command` does it again, on a
    control plane's machine. Started again after a reboot, it needs neither flags nor token.

    Needs root, containerd, runc, CNI plugins, nftables, conntrack and iptables; says what is missing.
    """
    from pynetes.cli import agent

    told(lambda: agent.agent(layout, given, token, hashes))
