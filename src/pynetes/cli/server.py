"""`pynetes server`: a control plane that other machines join; and `pynetes token`."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import click
from msgspec import Struct

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core import bootstrap_token
from pynetes.apis.core.bootstrap_token import Token
from pynetes.cli import controlplane, join, settings, storeurl, supervisor, tokens, up
from pynetes.cli.controlplane import Bundle
from pynetes.cli.join import JoinError
from pynetes.cli.layout import Layout
from pynetes.cli.progress import Progress
from pynetes.cli.tokens import Grant, TokenError
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component.pki import PKI

T = TypeVar("T")

_NO_CONTROL_PLANE = "there is no control plane on this machine: run this where `pynetes server` or `up` runs"
_COLUMNS = ("token", "ttl", "expires", "usages", "description", "groups")


class Joining(Struct, frozen=True):
    """What a further control plane was given: all empty on the first, and where it has joined before."""

    server: str = ""
    token: str = ""
    hashes: tuple[str, ...] = ()
    certificate_key: str = ""


def server(
    layout: Layout, given: dict[str, Any], joining: Joining, *, with_agent: bool, kubeconfig_wanted: bool
) -> None:
    """Starts the control plane unless it runs, and prints how a machine joins. With `joining`, it joins another's."""
    given["role"] = "all" if with_agent else "server"
    progress = Progress()
    bundle = None
    if supervisor.running_pid(layout.supervisor_pid) is None:
        bundle = _join(layout, given, joining, progress)
    up.up(layout, given, kubeconfig_wanted=kubeconfig_wanted, bundle=bundle, progress=progress)
    _print_join_commands(layout)


def _join(layout: Layout, given: dict[str, Any], joining: Joining, progress: Progress) -> Bundle | None:
    """What the cluster to join gives, its settings into `given`; None for a first control plane and at later starts."""
    existing = settings.load(layout)
    if not joining.server and not joining.token:
        return None
    if existing is not None:
        settings.check_role(existing, given["role"])
        if not existing.joined:
            raise JoinError("this machine is a control plane of its own cluster; it is free after `pynetes purge`")
        return None
    if not (joining.server and joining.token and joining.certificate_key):
        raise JoinError(
            "a further control plane needs --server, --token and --certificate-key; "
            "`pynetes token create --control-plane` on one that runs prints the whole command"
        )
    if given.get("store"):
        raise JoinError("a further control plane takes its store from the cluster: leave --store out")
    token, key = join.parse_token(joining.token), controlplane.parse_key(joining.certificate_key)
    join.check_hashes(joining.hashes)
    address = join.address(joining.server)

    async def steps() -> Bundle:
        config = await join.discover(address, token, joining.hashes)
        shared = await join.read_settings(config)
        controlplane.refuse_unshared(str(shared.pop("store", storeurl.SQLITE)), address)
        controlplane.refuse_others(given, shared)
        given.update(shared, joined=address)
        return await controlplane.fetch(config, token, key)

    with progress.step("Find the cluster") as step:
        step.result = address
        return asyncio.run(steps())


def _print_join_commands(layout: Layout) -> None:
    description = "The join command of `pynetes server`."
    command = create(layout, tokens.new(), Grant(description=description))
    click.echo("\nA machine becomes a node of this cluster within the next 24 hours with:\n")
    click.echo(f"  {command}\n")
    if not storeurl.load(layout).shared:
        click.echo("It has one control plane, as its state is in SQLite; with `--store etcd:` it could have several.\n")
        return
    command = create_control_plane(layout, tokens.new(), Grant(controlplane.DEFAULT_TTL, description=description))
    click.echo("It becomes a further control plane within the next 2 hours with:\n")
    click.echo(f"  {command}\n")


def create(layout: Layout, token: Token, grant: Grant) -> str:
    """Makes a token; returns the command that joins with it."""
    _with_client(layout, lambda client: tokens.create(client, token, grant))
    return _agent_command(layout, token)


def create_control_plane(layout: Layout, token: Token, grant: Grant) -> str:
    """Makes a token for control planes, with the certificates that its holder may read; returns the join command."""
    cluster = settings.load(layout)
    if cluster is None:
        raise TokenError(_NO_CONTROL_PLANE)
    controlplane.refuse_unshared(cluster.store, cluster.server)
    key = _with_client(layout, lambda client: controlplane.upload(client, layout, cluster, token, grant))
    return controlplane.join_command(_agent_command(layout, token), key)


def _agent_command(layout: Layout, token: Token) -> str:
    cluster = settings.load(layout)
    assert cluster is not None
    return tokens.join_command(cluster.server, token, PKI(layout.pki).ca.certificate)


def create_command(
    layout: Layout, text: str | None, grant: Grant, *, print_join_command: bool, control_plane: bool
) -> None:
    try:
        token = bootstrap_token.parse(text) if text else tokens.new()
    except ValueError as error:
        raise TokenError(str(error)) from None
    if control_plane:
        click.echo(create_control_plane(layout, token, grant))
        return
    command = create(layout, token, grant)
    click.echo(command if print_join_command else str(token))


def list_command(layout: Layout) -> None:
    rows = [dict(zip(_COLUMNS, (c.upper() for c in _COLUMNS), strict=True)), *_with_client(layout, tokens.listed)]
    if len(rows) == 1:
        return
    widths = [max(len(row[column]) for row in rows) for column in _COLUMNS]
    for row in rows:
        click.echo("   ".join(row[c].ljust(w) for c, w in zip(_COLUMNS, widths, strict=True)).rstrip())


def delete_command(layout: Layout, texts: tuple[str, ...]) -> None:
    for text in texts:
        identity = _with_client(layout, partial(tokens.delete, text=text))
        click.echo(f'bootstrap token "{identity}" deleted')


def _with_client(layout: Layout, action: Callable[[Client], Awaitable[T]]) -> T:
    """Runs something as the administrator of the cluster on this machine."""
    path = layout.kubeconfig("admin")
    if not path.exists():
        raise TokenError(_NO_CONTROL_PLANE)

    async def run() -> T:
        client = kubeconfig.client_from_kubeconfig(path, "pynetes-token")
        try:
            return await action(client)
        finally:
            await client.close()

    try:
        return asyncio.run(run())
    except (StatusError, TransportError) as error:
        raise TokenError(f"the API server does not do it: {error}") from None
