"""What a new host is given to join with: a token of a few minutes, made as the administrator."""

import asyncio
from collections.abc import Callable
from typing import Any

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core import bootstrap_token
from pynetes.apis.core.bootstrap_token import Token
from pynetes.apis.names import CONFIG_MAPS
from pynetes.cli import controlplane, readiness, settings, tokens
from pynetes.cli.hosts import commands, places, power
from pynetes.cli.hosts.commands import Join
from pynetes.cli.hosts.plan import Host, HostError, Plan
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import certificates
from pynetes.component.pki import PKI

_TTL, _SIGN_SECONDS = 600.0, 60.0
_GRANT = tokens.Grant(ttl=_TTL, description="Hosts that `pynetes up` boots.")


def as_node(layout: Layout, hosts: Plan, chosen: Settings, note: Callable[[str], Any]) -> Join:
    """HostError if the cluster makes no token."""
    token = tokens.new()
    _run(layout, lambda client: _introduce(client, token, note))
    return Join(_server(layout, hosts, chosen), str(token), _pins(layout))


def as_master(layout: Layout, hosts: Plan, chosen: Settings) -> Join:
    """With the cluster's certificates, as a master that runs has them. HostError."""
    token, keys = tokens.new(), []
    there = places.of(layout, running_master(layout, hosts).name).layout
    own = settings.load(there)
    if own is None:
        raise HostError(f"{there.settings} is missing")

    async def make(client: Client) -> None:
        keys.append(await controlplane.upload(client, there, own, token, _GRANT))
        await _wait_for_signature(client, token, lambda text: None)

    _run(layout, make)
    return Join(_server(layout, hosts, chosen), str(token), _pins(layout), keys[0].hex())


def running_master(layout: Layout, hosts: Plan, *, but: str = "") -> Host:
    """HostError if none is on."""
    for host in hosts.of("master"):
        if host.name != but and power.state(layout, host.name) == "on":
            return host
    raise HostError("no master is on: `pynetes up` boots all hosts that are off")


async def _introduce(client: Client, token: Token, note: Callable[[str], Any]) -> None:
    await tokens.create(client, token, _GRANT)
    await _wait_for_signature(client, token, note)


async def _wait_for_signature(client: Client, token: Token, note: Callable[[str], Any]) -> None:
    """Until the cluster shows its information signed with the token."""

    async def signed() -> str:
        info = await client.get(CONFIG_MAPS, bootstrap_token.INFO_NAME, bootstrap_token.INFO_NAMESPACE)
        return "" if bootstrap_token.is_signed(info, token) else "no controller manager has signed cluster-info"

    await readiness.wait_until(signed, seconds=_SIGN_SECONDS, note=note)


def _run(layout: Layout, action: Callable[[Client], Any]) -> None:
    async def run() -> None:
        client = kubeconfig.client_from_kubeconfig(layout.kubeconfig("admin"), "pynetes-up")
        try:
            await action(client)
        finally:
            await client.close()

    try:
        asyncio.run(run())
    except (StatusError, TransportError, readiness.NotReady) as error:
        raise HostError(f"new hosts cannot join: {error}") from None


def _server(layout: Layout, hosts: Plan, chosen: Settings) -> str:
    return commands.server_url(running_master(layout, hosts), chosen)


def _pins(layout: Layout) -> tuple[str, ...]:
    authority = certificates.load_certificates(PKI(layout.pki).ca.certificate)
    return tuple(tokens.pin(certificate) for certificate in authority)
