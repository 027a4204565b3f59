"""`pynetes server`: a control plane that other machines join; and `pynetes token`."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import click

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core import bootstrap_token
from pynetes.apis.core.bootstrap_token import Token
from pynetes.cli import settings, tokens, up
from pynetes.cli.layout import Layout
from pynetes.cli.tokens import Grant, TokenError
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component.pki import PKI

T = TypeVar("T")

_COLUMNS = ("token", "ttl", "expires", "usages", "description", "groups")


def server(layout: Layout, given: dict[str, Any], *, with_agent: bool, kubeconfig_wanted: bool) -> None:
    """Starts the control plane unless it runs, and prints how a machine joins."""
    given["role"] = "all" if with_agent else "server"
    up.up(layout, given, kubeconfig_wanted=kubeconfig_wanted)
    command = create(layout, tokens.new(), Grant(description="The join command of `pynetes server`."))
    click.echo("\nA machine becomes a node of this cluster within the next 24 hours with:\n")
    click.echo(f"  {command}\n")


def create(layout: Layout, token: Token, grant: Grant) -> str:
    """Makes a token; returns the command that joins with it."""
    _with_client(layout, lambda client: tokens.create(client, token, grant))
    cluster = settings.load(layout)
    assert cluster is not None
    return tokens.join_command(cluster.server, token, PKI(layout.pki).ca.certificate)


def create_command(layout: Layout, text: str | None, grant: Grant, *, print_join_command: bool) -> None:
    try:
        token = bootstrap_token.parse(text) if text else tokens.new()
    except ValueError as error:
        raise TokenError(str(error)) from None
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
        raise TokenError("there is no control plane on this machine: run this where `pynetes server` or `up` runs")

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
