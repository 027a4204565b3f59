"""The `pynetes` command."""

import functools
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

    `up`, `status`, `down` and `purge` look after a cluster on this machine. Every component also runs alone, with the
    flags of the original it stands for.
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


@main.command("up")
@_places
@click.option("--node-name", help="Name of the node. [default: the host name]")
@click.option("--node-ip", help="Address of the node. [default: that of the default route's interface]")
@click.option("--secure-port", type=int, help="Port of the API server. [default: 6443]")
@click.option("--kubelet-port", type=int, help="Port of the kubelet. [default: 10250]")
@click.option("--cluster-cidr", help="Range of pod addresses. [default: 10.244.0.0/16]")
@click.option("--service-cluster-ip-range", "service_cidr", help="Range of Service addresses. [default: 10.96.0.0/12]")
@click.option("--cgroup-root", help="Pods' cgroups; one for each cluster on a kernel. [default: /pynetes]")
@click.option("--registry/--no-registry", default=None, help="Run Debian's docker-registry on localhost:5000.")
@click.option(
    "--kubeconfig/--no-kubeconfig", "merge", default=True, help="Merge the context `pynetes` into the user's."
)
@click.option("-v", "verbosity", type=int, help="Verbosity of the components' logs.")
def up_command(layout: Layout, registry: bool | None, merge: bool, **given: Any) -> None:
    """Start a one-node cluster on this machine, or do nothing if it runs.

    Needs root, containerd, runc, CNI plugins, nftables, conntrack and iptables; says what is missing.
    """
    from pynetes.cli import up

    if registry is not None:
        given["registry_port"] = 5000 if registry else 0
    _told(lambda: up.up(layout, given, kubeconfig_wanted=merge))


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
    """Show processes, node and system; exit code 1 unless all is ready."""
    from pynetes.cli import status

    if not _told(lambda: status.show(layout, output)):
        raise SystemExit(1)


def _told(action: Callable[[], T]) -> T:
    """Runs a command; what the user can do something about is told in plain words."""
    from pynetes.cli.settings import SettingsError
    from pynetes.cli.up import UpError
    from pynetes.component.certificates import CertificateFileError

    try:
        return action()
    except (UpError, SettingsError, CertificateFileError, PermissionError) as error:
        click.echo(f"Error: {error}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
