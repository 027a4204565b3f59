"""`pynetes network`."""

from pathlib import Path

import click

from pynetes.cli.settings import default_node_ip, default_node_name
from pynetes.cli.single.component import component, kubeconfig_option, run
from pynetes.component import logs
from pynetes.network.config import NetworkConfig, NodeNetwork


@component("network")
@kubeconfig_option
@click.option("--hostname-override", "node_name", help="Name of the node. [default: the host name]")
@click.option("--node-ip", help="Address of the node.")
@click.option("--cluster-cidr", default="10.244.0.0/16", show_default=True)
@click.option("--cni-conf-dir", type=click.Path(path_type=Path), default=Path("/etc/cni/net.d"), show_default=True)
@click.option("--cluster-dns", "dns_ip", default="10.96.0.10", show_default=True)
@click.option("--cluster-domain", "domain", default="cluster.local", show_default=True)
def command(
    kubeconfig: Path,
    node_name: str | None,
    node_ip: str | None,
    cluster_cidr: str,
    cni_conf_dir: Path,
    dns_ip: str,
    domain: str,
    verbosity: int,
    logging_format: logs.Format,
) -> None:
    from pynetes.cli import components

    state = Path("/var/lib/cni/networks")
    node = NodeNetwork(node_name or default_node_name(), cluster_cidr, cni_conf_dir, state)
    config = NetworkConfig(node, node_ip or default_node_ip(), dns_ip, domain)
    run(lambda: components.network(kubeconfig, config), verbosity, logging_format)
