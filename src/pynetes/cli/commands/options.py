"""Options that several commands take."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pynetes.cli.layout import DEFAULT_DATA, DEFAULT_RUN, Layout

Command = Callable[..., Any]


def stacked(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator; `--help` shows them in this order."""

    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def places(function: Command) -> Command:
    """The two directories of a cluster, as one `layout`."""

    @functools.wraps(function)
    def with_layout(data_dir: Path, run_dir: Path, **values: Any) -> Any:
        return function(Layout(data_dir.absolute(), run_dir.absolute()), **values)

    path = click.Path(path_type=Path, file_okay=False)
    data = click.option("--data-dir", type=path, default=DEFAULT_DATA, show_default=True, help="What outlives `down`.")
    run = click.option("--run-dir", type=path, default=DEFAULT_RUN, show_default=True, help="Sockets and pids.")
    return data(run(with_layout))


store = click.option(
    "--store",
    metavar="URL",
    envvar="PYNETES_STORE",
    help="Where the cluster's state is kept; chosen once. `sqlite:` or `sqlite:/PATH`: a file, for one control plane. "
    "`etcd:`: an etcd that Pynetes runs, a member on each control plane's machine (needs etcd-server). "
    "`etcd://H1,H2?cacert=FILE&cert=FILE&key=FILE` or `etcds://…`: an etcd of yours. "
    "`postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full&sslrootcert=FILE`, "
    "`mysql://USER:PASSWORD@HOST/DATABASE?ssl-ca=FILE`: a database of yours. "
    "$PYNETES_STORE keeps a password out of the process list. [default: sqlite:]",
)


def _seconds(context: click.Context, option: click.Parameter, text: str | None) -> float | None:
    """A duration as upstream's flags take it."""
    from pynetes.apimachinery.times import parse_duration

    try:
        return None if text is None else parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


verbosity = click.option(
    "-v",
    "verbosity",
    type=int,
    help="Verbosity of the components' logs, in the data's log directory; 4 tells all. [default: 0]",
)

pins = click.option(
    "--discovery-token-ca-cert-hash",
    "hashes",
    multiple=True,
    help="sha256:HEX of the CA's public key: proves that the cluster is the one that is meant.",
)
"""Of a machine that joins."""

node = stacked(
    click.option("--node-name", help="Name of this machine, and of its node. [default: the host name]"),
    click.option("--node-ip", help="Its address in the cluster. [default: that of the default route's interface]"),
    click.option("--kubelet-port", type=int, help="Port of the kubelet. [default: 10250]"),
    click.option("--cgroup-root", help="Pods' cgroups; one for each node on a kernel. [default: /pynetes]"),
)

_LOOPBACK_PORT = "Port of the {} on loopback: health and metrics; 0: none. [default: {}]"

control_plane = stacked(
    click.option(
        "--node-monitor-grace-period",
        callback=_seconds,
        help="How long a node may be silent before it is not ready (1s, 2m). [default: 50s]",
    ),
    click.option(
        "--encryption-provider-config",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, resolve_path=True),
        help="EncryptionConfiguration: the resources it names lie encrypted in the store. [default: none]",
    ),
    click.option(
        "--encryption-provider-config-automatic-reload/--no-encryption-provider-config-automatic-reload",
        default=None,
        help="Put that file in force when it changes.",
    ),
    node,
    click.option("--secure-port", type=int, help="Port of the API server. [default: 6443]"),
    click.option("--controller-manager-port", type=int, help=_LOOPBACK_PORT.format("controller manager", 10257)),
    click.option("--scheduler-port", type=int, help=_LOOPBACK_PORT.format("scheduler", 10259)),
    click.option("--cluster-cidr", help="Range of pod addresses. [default: 10.244.0.0/16]"),
    click.option(
        "--service-cluster-ip-range", "service_cidr", help="Range of Service addresses. [default: 10.96.0.0/12]"
    ),
    click.option(
        "--load-balancer-pool",
        help="Addresses on the node's link for LoadBalancer Services, the AddressPool `default`: ranges or CIDRs, by "
        "commas. [default: none]",
    ),
    click.option(
        "--kubeconfig/--no-kubeconfig", "merge", default=True, help="Merge the context `pynetes` into the user's."
    ),
    verbosity,
)
