"""The `pynetes` command."""

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pynetes import KUBERNETES_VERSION, __version__
from pynetes.cli.layout import DEFAULT_DATA, DEFAULT_RUN, Layout

T = TypeVar("T")
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class _Commands(click.Group):
    """Looks into `single` for what is not defined here: importing all components takes longer than `status`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from pynetes.cli.single import COMMANDS

        return [*super().list_commands(ctx), *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            return found
        from pynetes.cli.single import COMMANDS

        return COMMANDS.get(cmd_name)


@click.group(cls=_Commands, context_settings=_CONTEXT)
@click.version_option(__version__, message=f"pynetes %(version)s, Kubernetes {KUBERNETES_VERSION}")
def main() -> None:
    """Kubernetes, whole, in Python.

    One machine: `up` starts a cluster, `status` shows it, `down` stops it, `purge` removes it. `up --masters 3
    --nodes 3` makes one of several hosts on this machine, for trying what happens when they fail (`node`).

    Several machines: `server` on the first prints the commands that make others nodes (`agent`) or further control
    planes (`server`); docs/several-machines.md leads from one to the other.

    Every component also runs alone, with the flags of the original it stands for.
    """


def _places(function: Callable[..., Any]) -> Callable[..., Any]:
    """The two directories of a cluster, as one `layout`."""

    @functools.wraps(function)
    def with_layout(data_dir: Path, run_dir: Path, **values: Any) -> Any:
        return function(Layout(data_dir.absolute(), run_dir.absolute()), **values)

    path = click.Path(path_type=Path, file_okay=False)
    data = click.option("--data-dir", type=path, default=DEFAULT_DATA, show_default=True, help="What outlives `down`.")
    run = click.option("--run-dir", type=path, default=DEFAULT_RUN, show_default=True, help="Sockets and pids.")
    return data(run(with_layout))


def _manager_ports(function: Callable[..., Any]) -> Callable[..., Any]:
    """Where controller manager and scheduler answer about themselves."""
    text = "Port of the {} on loopback: health and metrics; 0: none. [default: {}]"
    manager = text.format("controller manager", 10257)
    function = click.option("--scheduler-port", type=int, help=text.format("scheduler", 10259))(function)
    return click.option("--controller-manager-port", type=int, help=manager)(function)


_store = click.option(
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


_grace_period = click.option(
    "--node-monitor-grace-period",
    callback=_seconds,
    help="How long a node may be silent before it is not ready (1s, 2m). [default: 50s]",
)


def _encryption(function: Callable[..., Any]) -> Callable[..., Any]:
    """Encryption at rest."""
    function = click.option(
        "--encryption-provider-config-automatic-reload/--no-encryption-provider-config-automatic-reload",
        default=None,
        help="Put that file in force when it changes.",
    )(function)
    return click.option(
        "--encryption-provider-config",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, resolve_path=True),
        help="EncryptionConfiguration: the resources it names lie encrypted in the store. [default: none]",
    )(function)


@main.command("up")
@_places
@_store
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
@_grace_period
@_encryption
@click.option("--node-name", help="Name of the node. [default: the host name]")
@click.option("--node-ip", help="Address of the node. [default: that of the default route's interface]")
@click.option("--secure-port", type=int, help="Port of the API server. [default: 6443]")
@click.option("--kubelet-port", type=int, help="Port of the kubelet. [default: 10250]")
@_manager_ports
@click.option("--cluster-cidr", help="Range of pod addresses. [default: 10.244.0.0/16]")
@click.option("--service-cluster-ip-range", "service_cidr", help="Range of Service addresses. [default: 10.96.0.0/12]")
@click.option("--cgroup-root", help="Pods' cgroups; one for each cluster on a kernel. [default: /pynetes]")
@click.option("--registry/--no-registry", default=None, help="Run Debian's docker-registry on localhost:5000.")
@click.option(
    "--load-balancer-pool",
    help="Addresses on the node's link for LoadBalancer Services: ranges or CIDRs, by commas. [default: none]",
)
@click.option(
    "--kubeconfig/--no-kubeconfig", "merge", default=True, help="Merge the context `pynetes` into the user's."
)
@click.option(
    "-v",
    "verbosity",
    type=int,
    help="Verbosity of the components' logs, in the data's log directory; 4 tells all. [default: 0]",
)
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

    _told(run)


@main.command("server")
@_places
@_store
@click.option("--server", help="A control plane of the cluster to join as a further one, https://HOST:PORT.")
@click.option("--token", help="A token that `pynetes token create --control-plane` made; needed the first time only.")
@click.option(
    "--discovery-token-ca-cert-hash",
    "hashes",
    multiple=True,
    help="sha256:HEX of the CA's public key: proves that the cluster is the one that is meant.",
)
@click.option("--certificate-key", help="Decrypts what the cluster gives to a further control plane.")
@click.option("--with-agent", is_flag=True, help="Make this machine a node, too.")
@click.option(
    "--apiserver-cert-extra-sans",
    "extra_sans",
    help="Further names and addresses that the API server's certificate stands for, by commas.",
)
@_grace_period
@_encryption
@click.option("--node-name", help="Name of this machine. [default: the host name]")
@click.option("--node-ip", help="Address that agents reach. [default: that of the default route's interface]")
@click.option("--secure-port", type=int, help="Port of the API server. [default: 6443]")
@click.option("--kubelet-port", type=int, help="Port of the kubelet. [default: 10250]")
@_manager_ports
@click.option("--cluster-cidr", help="Range of pod addresses. [default: 10.244.0.0/16]")
@click.option("--service-cluster-ip-range", "service_cidr", help="Range of Service addresses. [default: 10.96.0.0/12]")
@click.option("--cgroup-root", help="Pods' cgroups; one for each cluster on a kernel. [default: /pynetes]")
@click.option(
    "--load-balancer-pool",
    help="Addresses on the node's link for LoadBalancer Services: ranges or CIDRs, by commas. [default: none]",
)
@click.option(
    "--kubeconfig/--no-kubeconfig", "merge", default=True, help="Merge the context `pynetes` into the user's."
)
@click.option(
    "-v",
    "verbosity",
    type=int,
    help="Verbosity of the components' logs, in the data's log directory; 4 tells all. [default: 0]",
)
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
    _told(lambda: command.server(layout, given, joining, with_agent=with_agent, kubeconfig_wanted=merge))


@main.command("agent")
@_places
@click.option("--server", help="The cluster's API server, https://HOST:PORT. [default: that of the first time]")
@click.option("--token", help="A bootstrap token; needed the first time only.")
@click.option(
    "--discovery-token-ca-cert-hash",
    "hashes",
    multiple=True,
    help="sha256:HEX of the CA's public key: proves that the cluster is the one that is meant.",
)
@click.option("--node-name", help="Name of the node. [default: the host name]")
@click.option("--node-ip", help="Address of the node. [default: that of the default route's interface]")
@click.option("--kubelet-port", type=int, help="Port of the kubelet. [default: 10250]")
@click.option("--cgroup-root", help="Pods' cgroups; one for each node on a kernel. [default: /pynetes]")
@click.option(
    "-v",
    "verbosity",
    type=int,
    help="Verbosity of the components' logs, in the data's log directory; 4 tells all. [default: 0]",
)
def agent_command(layout: Layout, token: str | None, hashes: tuple[str, ...], **given: Any) -> None:
    """Make this machine a node of a cluster whose control plane runs elsewhere.

    `pynetes server` prints the whole command; later, `pynetes token create --print-join-command` does it again, on a
    control plane's machine. Started again after a reboot, it needs neither flags nor token.

    Needs root, containerd, runc, CNI plugins, nftables, conntrack and iptables; says what is missing.
    """
    from pynetes.cli import agent

    _told(lambda: agent.agent(layout, given, token, hashes))


@main.group("token")
def token_command() -> None:
    """Bootstrap tokens, with which machines join this cluster."""


@token_command.command("create")
@_places
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

    _told(run)


@token_command.command("list")
@_places
def token_list_command(layout: Layout) -> None:
    """List the tokens."""
    from pynetes.cli import server

    _told(lambda: server.list_command(layout))


@token_command.command("delete")
@_places
@click.argument("tokens", nargs=-1, required=True)
def token_delete_command(layout: Layout, tokens: tuple[str, ...]) -> None:
    """Revoke tokens, given whole or by their ids."""
    from pynetes.cli import server

    _told(lambda: server.delete_command(layout, tokens))


@main.group("member")
def member_command() -> None:
    """The members of the etcd that Pynetes runs.

    With --store etcd:, every control plane's machine has one.
    """


@member_command.command("list")
@_places
def member_list_command(layout: Layout) -> None:
    """List the members, how they are, and how far they lag behind."""
    from pynetes.cli import members
    from pynetes.cli.hosts import behalf

    _told(lambda: members.list_command(behalf.control_plane(layout)))


@member_command.command("remove")
@_places
@click.argument("name")
def member_remove_command(layout: Layout, name: str) -> None:
    """Take out the member of a machine that is gone for good (`pynetes purge` on a machine does it by itself)."""
    from pynetes.cli import members
    from pynetes.cli.hosts import behalf

    _told(lambda: members.remove_command(behalf.control_plane(layout), name))


@main.group("node")
def node_command() -> None:
    """The hosts of a cluster that `up --nodes` or `--masters` has made.

    `stop` is a power cut, `cut` pulls the network cable: what follows is what would follow on machines of their own.
    """


_host = click.argument("name")


@node_command.command("list")
@_places
def node_list_command(layout: Layout) -> None:
    """List the hosts: on, off or cut off, and what the cluster says of its nodes."""
    from pynetes.cli.hosts import nodes

    _told(lambda: nodes.list_hosts(layout))


@node_command.command("start")
@_places
@_host
def node_start_command(layout: Layout, name: str) -> None:
    """Boot a host that is off: the same one again, as after a reboot."""
    from pynetes.cli.hosts import nodes

    _told(lambda: nodes.start_host(layout, name))


@node_command.command("stop")
@_places
@_host
@click.option("--graceful", is_flag=True, help="Shut it down in order, not as a power cut does.")
def node_stop_command(layout: Layout, name: str, graceful: bool) -> None:
    """Switch a host off: all that runs on it dies."""
    from pynetes.cli.hosts import nodes

    _told(lambda: nodes.stop_host(layout, name, graceful=graceful))


@node_command.command("cut")
@_places
@_host
def node_cut_command(layout: Layout, name: str) -> None:
    """Cut a host off: it runs on, and nobody hears of it."""
    from pynetes.cli.hosts import nodes

    _told(lambda: nodes.cut_host(layout, name))


@node_command.command("mend")
@_places
@_host
def node_mend_command(layout: Layout, name: str) -> None:
    """Mend the link of a host that was cut off."""
    from pynetes.cli.hosts import nodes

    _told(lambda: nodes.mend_host(layout, name))


@node_command.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@_places
@_host
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def node_exec_command(layout: Layout, name: str, command: tuple[str, ...]) -> None:
    """Run a command in a host, or a shell."""
    from pynetes.cli.hosts import nodes

    _told(lambda: nodes.enter_host(layout, name, command))


@node_command.command("remove")
@_places
@_host
def node_remove_command(layout: Layout, name: str) -> None:
    """Switch a host off for good, and remove its Node object and its disk."""
    from pynetes.cli.hosts import nodes

    _told(lambda: nodes.remove_host(layout, name))


@main.group("store")
def store_command() -> None:
    """What the cluster holds: snapshots, and how its store is."""


_at_store = click.option(
    "--store", metavar="URL", help="Another store, as `pynetes server --store` takes it. [default: the cluster's]"
)


@store_command.command("status")
@_places
@_at_store
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def store_status_command(layout: Layout, store: str | None, output: str) -> None:
    """Show engine, revision, size, keys, compaction, members or replicas; exit code 1 unless all is well."""
    from pynetes.cli import storestatus
    from pynetes.cli.hosts import behalf

    if not _told(lambda: storestatus.show(layout if store else behalf.control_plane(layout), store, output)):
        raise SystemExit(1)


@store_command.command("snapshot")
@_places
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_at_store
def store_snapshot_command(layout: Layout, file: Path, store: str | None) -> None:
    """Write all that the cluster holds to FILE, while it runs or not.

    The snapshot is of one revision, and can be restored to a store of any engine. It holds Secrets.
    """
    from pynetes.cli.hosts import behalf

    _told(lambda: behalf.snapshot(layout, file, store))


@store_command.command("restore")
@_places
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

    _told(lambda: behalf.restore(layout, file, store, overwrite=overwrite, switch=switch, bump=bump))


@main.command("down")
@_places
def down_command(layout: Layout) -> None:
    """Stop the cluster and remove everything it made but its state on disk."""
    from pynetes.cli import down

    _told(lambda: down.down(layout))


@main.command("purge")
@_places
def purge_command(layout: Layout) -> None:
    """Stop the cluster and remove its state on disk, too."""
    from pynetes.cli import down

    _told(lambda: down.purge(layout))


@main.command("status")
@_places
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status_command(layout: Layout, output: str) -> None:
    """Show the cluster on one screen: masters, leaders, store, nodes, pods, DNS, certificates, processes.

    What is wrong is said with what to do. The exit code is 1 if something is broken (red), 0 if all is well or only
    worth a look (yellow). It works while parts are dead; on a node, it shows what a node may see.
    """
    from pynetes.cli import status

    if not _told(lambda: status.show(layout, output)):
        raise SystemExit(1)


def _told(action: Callable[[], T]) -> T:
    """Runs a command; what the user can do something about is told in plain words."""
    try:
        return action()
    except Exception as error:
        if not isinstance(error, _tellable()):
            raise
        click.echo(f"Error: {_text_of(error)}", err=True)
        raise SystemExit(1) from None


def _text_of(error: Exception) -> str:
    if isinstance(error, PermissionError) and os.geteuid() != 0:
        return f"{error.filename or 'something'} is root's: run the same command with sudo"
    return str(error)


#: Errors that the user can do something about, by their modules.
_TELLABLE = {
    "pynetes.cli.hosts.plan": "HostError",
    "pynetes.cli.join": "JoinError",
    "pynetes.cli.settings": "SettingsError",
    "pynetes.cli.tokens": "TokenError",
    "pynetes.cli.up": "UpError",
    "pynetes.client.kubeconfig": "ConfigError",
    "pynetes.component.certificates": "CertificateFileError",
}


def _tellable() -> tuple[type[Exception], ...]:
    """What is not imported has raised nothing: most commands need few of these modules."""
    found = [getattr(sys.modules[module], name) for module, name in _TELLABLE.items() if module in sys.modules]
    return (*found, PermissionError)


if __name__ == "__main__":
    main()
