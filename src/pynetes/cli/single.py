"""Every component as a command of its own, with the flags of the original it stands for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pynetes.apiserver.config import APIServerConfig
from pynetes.cli import apiserver_flags, components
from pynetes.cli.flags import ComponentCommand, config_from, flags_of, values_of
from pynetes.cli.running import run_component
from pynetes.cli.serving import Serving
from pynetes.cli.settings import default_node_ip, default_node_name
from pynetes.client.secureserving import ServingConfig
from pynetes.cloud.config import CloudControllerManagerConfig
from pynetes.component import logs
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.kubelet.config import KubeletConfig
from pynetes.network.agent import NetworkConfig
from pynetes.network.pod_network import NodeNetwork
from pynetes.proxy.config import ProxyConfig

#: Name → command; filled below.
COMMANDS: dict[str, click.Command] = {}

_WIDE = {"max_content_width": 110}
_APISERVER_FLAGS = {
    "authorization_modes": "--authorization-mode",
    "service_account_key_files": "--service-account-key-file",
}


def _component(name: str, text: str) -> Callable[[Callable[..., None]], click.Command]:
    """A component's own command: kubeconfig, logging flags, and a body that runs it."""

    def decorate(function: Callable[..., None]) -> click.Command:
        function.__doc__ = text
        command = COMMANDS[name] = click.command(name, cls=ComponentCommand, context_settings=_WIDE)(function)
        command.params += [
            click.Option(["-v", "verbosity"], type=int, default=0, show_default=True, help="Verbosity of the log."),
            click.Option(["--logging-format"], type=click.Choice(["text", "json"]), default="text", show_default=True),
        ]
        return command

    return decorate


_kubeconfig = click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), required=True, help="How to reach the API server."
)


def _served(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The flags of a component's HTTPS port."""
    text = "Port for HTTPS: health, metrics, configuration; 0 serves nothing."

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function = flags_of(ServingConfig, skip=("secure_port",))(function)
        return click.option("--secure-port", type=int, default=port, show_default=True, help=text)(function)

    return decorate


def _serving(values: dict[str, Any], *configs: Any) -> Serving | None:
    """`configs`: what else of the flags `/flagz` shows."""
    config = config_from(ServingConfig, values)
    flags = {name: value for each in (*configs, config) for name, value in values_of(each).items()}
    return Serving(config, flags) if config.secure_port else None


def _run(make: Callable[[], Any], verbosity: int, logging_format: logs.Format) -> None:
    run_component(make, verbosity=verbosity, log_format=logging_format)


@_component("apiserver", "The API server (kube-apiserver).")
@apiserver_flags.originals
@flags_of(APIServerConfig, rename=_APISERVER_FLAGS)
def apiserver(verbosity: int, logging_format: logs.Format, **values: Any) -> None:
    config = config_from(APIServerConfig, apiserver_flags.settings(**values))
    _run(lambda: components.apiserver(config), verbosity, logging_format)


@_component("controller-manager", "The controller manager (kube-controller-manager).")
@_kubeconfig
@click.option("--root-ca-file", type=click.Path(path_type=Path, exists=True), help="CA that pods trust.")
@_served(10257)
@flags_of(ControllerManagerConfig, skip=("root_ca",))
def controller_manager(
    kubeconfig: Path, root_ca_file: Path | None, verbosity: int, logging_format: logs.Format, **values: Any
) -> None:
    root_ca = root_ca_file.read_text() if root_ca_file else ""
    config = config_from(ControllerManagerConfig, values, root_ca=root_ca)
    served = _serving(values, config)
    _run(lambda: components.controller_manager(kubeconfig, config, served), verbosity, logging_format)


@_component("scheduler", "The scheduler (kube-scheduler).")
@_kubeconfig
@click.option("--leader-elect/--no-leader-elect", default=True, show_default=True)
@_served(10259)
def scheduler(kubeconfig: Path, leader_elect: bool, verbosity: int, logging_format: logs.Format, **values: Any) -> None:
    served = _serving(values)
    _run(lambda: components.scheduler(kubeconfig, leader_elect=leader_elect, served=served), verbosity, logging_format)


@_component("kubelet", "The node agent (kubelet). Needs root and a container runtime.")
@_kubeconfig
@flags_of(KubeletConfig, rename={"node_name": "--hostname-override", "static_pod_path": "--pod-manifest-path"})
def kubelet(kubeconfig: Path, verbosity: int, logging_format: logs.Format, **values: Any) -> None:
    values["node_name"] = values.get("node_name") or default_node_name()
    values["node_ip"] = values.get("node_ip") or default_node_ip()
    config = config_from(KubeletConfig, values)
    _run(lambda: components.kubelet(kubeconfig, config), verbosity, logging_format)


@_component("proxy", "The Service proxy (kube-proxy). Needs root.")
@_kubeconfig
@flags_of(ProxyConfig, rename={"node_name": "--hostname-override"})
def proxy(kubeconfig: Path, verbosity: int, logging_format: logs.Format, **values: Any) -> None:
    values["node_name"] = values.get("node_name") or default_node_name()
    try:
        config = config_from(ProxyConfig, values)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _run(lambda: components.proxy(kubeconfig, config), verbosity, logging_format)


@_component("network", "The pod network of this node and a cluster DNS server. Needs root.")
@_kubeconfig
@click.option("--hostname-override", "node_name", help="Name of the node. [default: the host name]")
@click.option("--node-ip", help="Address of the node.")
@click.option("--cluster-cidr", default="10.244.0.0/16", show_default=True)
@click.option("--cni-conf-dir", type=click.Path(path_type=Path), default=Path("/etc/cni/net.d"), show_default=True)
@click.option("--cluster-dns", "dns_ip", default="10.96.0.10", show_default=True)
@click.option("--cluster-domain", "domain", default="cluster.local", show_default=True)
def network(
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
    state = Path("/var/lib/cni/networks")
    node = NodeNetwork(node_name or default_node_name(), cluster_cidr, cni_conf_dir, state)
    config = NetworkConfig(node, node_ip or default_node_ip(), dns_ip, domain)
    _run(lambda: components.network(kubeconfig, config), verbosity, logging_format)


@_component("cloud-controller-manager", "The cloud controller manager (cloud-controller-manager).")
@_kubeconfig
@click.option("--cloud-provider", required=True, help="Name of the provider: `local`, or one that is installed.")
@click.option(
    "--cloud-config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The provider's configuration, where it has one.",
)
@_served(10258)
@flags_of(CloudControllerManagerConfig)
def cloud_controller_manager(
    kubeconfig: Path,
    cloud_provider: str,
    cloud_config: Path | None,
    verbosity: int,
    logging_format: logs.Format,
    **values: Any,
) -> None:
    text = cloud_config.read_text() if cloud_config else ""
    config = config_from(CloudControllerManagerConfig, values)
    served = _serving(values, config)
    _run(
        lambda: components.cloud_controller_manager(kubeconfig, cloud_provider, text, config, served),
        verbosity,
        logging_format,
    )


@_component("announcer", "Announces addresses of the cloud provider `local` on this node's link. Needs root.")
@_kubeconfig
@click.option("--hostname-override", "node_name", help="Name of the node. [default: the host name]")
@click.option("--node-ip", help="Address of the node, on the interface to announce on.")
@click.option("--interface", default="", help="The interface to announce on. [default: that with --node-ip]")
def announcer(
    kubeconfig: Path,
    node_name: str | None,
    node_ip: str | None,
    interface: str,
    verbosity: int,
    logging_format: logs.Format,
) -> None:
    from pynetes.cloud.providers.local.announcer import AnnouncerConfig

    address = node_ip or ("" if interface else default_node_ip())
    made = AnnouncerConfig(node_name or default_node_name(), address, interface)
    _run(lambda: components.announcer(kubeconfig, made), verbosity, logging_format)
