"""`pynetes announcer`."""

from pathlib import Path

import click

from pynetes.cli.settings import default_node_ip, default_node_name
from pynetes.cli.single.component import component, kubeconfig_option, run
from pynetes.component import logs


@component("announcer")
@kubeconfig_option
@click.option("--hostname-override", "node_name", help="Name of the node. [default: the host name]")
@click.option("--node-ip", help="Address of the node, on the interface to announce on.")
@click.option("--interface", default="", help="The interface to announce on. [default: that with --node-ip]")
def command(
    kubeconfig: Path,
    node_name: str | None,
    node_ip: str | None,
    interface: str,
    verbosity: int,
    logging_format: logs.Format,
) -> None:
    from pynetes.cli import components
    from pynetes.cloud.providers.local.announcer import AnnouncerConfig

    address = node_ip or ("" if interface else default_node_ip())
    made = AnnouncerConfig(node_name or default_node_name(), address, interface)
    run(lambda: components.announcer(kubeconfig, made), verbosity, logging_format)
