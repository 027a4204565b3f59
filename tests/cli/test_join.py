"""Joining, against a real API server and the controllers that have a part in it."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core.bootstrap_token import Token
from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS, CONFIG_MAPS, NODES, SECRETS
from pynetes.apiserver.server import APIServer
from pynetes.cli import addons, join, tokens
from pynetes.cli.join import JoinError
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError, check_role
from pynetes.cli.tokens import Grant, TokenError
from pynetes.client import kubeconfig
from pynetes.client.rest import Client
from pynetes.component import certificates, pki
from pynetes.component.tasks import Tasks
from pynetes.controllers import manager
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.kubelet.certificates import (
    CLIENT_PAIR,
    SERVING_PAIR,
    CertificateManager,
    CertificateStore,
    Wanted,
    is_valid,
    obtain,
    rotation_time,
    serving,
)
from pynetes.testing import apiserver

CONTROLLERS = (
    "bootstrap-signer-controller",
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-signing-controller",
    "kubelet-serving-certificate-approving-controller",
)


@dataclass
class Server:
    client: Client
    url: str
    ca: x509.Certificate

    @property
    def ca_pem(self) -> bytes:
        return self.ca.public_bytes(serialization.Encoding.PEM)

    async def token(self, grant: Grant | None = None) -> Token:
        """A token that has signed `cluster-info`."""
        made = tokens.new()
        await tokens.create(self.client, made, grant or Grant())
        async with asyncio.timeout(60):
            while f"jws-kubeconfig-{made.id}" not in await self._info():  # noqa: ASYNC110 (the state is the server's)
                await asyncio.sleep(0.02)
        return made

    async def _info(self) -> dict[str, str]:
        found: dict[str, str] = (await self.client.get(CONFIG_MAPS, "cluster-info", "kube-public"))["data"]
        return found


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Server]:
    keys = pki.ensure(directory)
    config = apiserver.config(keys)
    async with APIServer(config) as server, Tasks("test") as tasks:
        await server.ready()
        client = server.client()
        settings = ControllerManagerConfig(
            controllers=CONTROLLERS,
            leader_elect=False,
            cluster_signing_cert_file=str(keys.ca.certificate),
            cluster_signing_key_file=str(keys.ca.key),
        )
        tasks.start(manager.run(ControllerContext.for_client(client, settings)), name="controllers")
        url = f"https://127.0.0.1:{server.port}"
        shared = Settings("server", "127.0.0.1", domain="example.internal", api_server=url)
        await addons.install(client, shared, keys.ca.certificate.read_bytes())
        yield Server(client, url, certificates.load_certificates(keys.ca.certificate)[0])


async def test_a_machine_joins_with_a_token_and_a_pin(tmp_path: Path) -> None:
    async with running(tmp_path / "pki") as server:
        token = await server.token()
        config = await join.discover(server.url, token, (tokens.pin(server.ca),))
        assert (await join.read_settings(config))["domain"] == "example.internal"
        layout = Layout(tmp_path / "data", tmp_path / "run")
        layout.make()
        assert not join.has_joined(layout, "n2")
        await join.obtain_certificate(layout, Settings("n2", "127.0.0.1"), config)
        assert join.has_joined(layout, "n2")
        assert not join.has_joined(layout, "n3")
        node = kubeconfig.client_from_kubeconfig(layout.kubeconfig("kubelet"))
        try:
            await node.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n2"}})
            with pytest.raises(StatusError, match="not allowed to"):
                await node.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n3"}})
            addresses = [{"type": "InternalIP", "address": "192.0.2.7"}]
            await node.patch(NODES, "n2", {"status": {"addresses": addresses}}, subresource="status")
            store = CertificateStore(tmp_path, SERVING_PAIR)
            await obtain(node, serving("n2", ["192.0.2.7"]), store, seconds=60)
            assert is_valid(store.load(), serving("n2", ["192.0.2.7"]), datetime.now(UTC))
            assert not is_valid(store.load(), serving("n2", ["192.0.2.8"]), datetime.now(UTC))
            await _renewed(node, layout)
        finally:
            await node.close()


async def _renewed(node: Client, layout: Layout) -> None:
    """A node without a valid certificate on disk gets another, with the right to renew its own."""
    store = CertificateStore(layout.kubelet_pki, CLIENT_PAIR)
    before = os.readlink(store.current)
    store.current.unlink()
    changed = asyncio.Event()
    async with Tasks("manager") as tasks:
        tasks.start(CertificateManager(node, lambda: Wanted("n2"), store, changed.set).run(), name="certificates")
        await asyncio.wait_for(changed.wait(), 60)
    assert os.readlink(store.current) != before
    requests = (await node.list(CERTIFICATE_SIGNING_REQUESTS))["items"]
    assert any("self kubelet" in c["message"] for r in requests for c in r["status"]["conditions"])


async def test_what_is_not_to_be_believed_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path / "pki") as server:
        token = await server.token()
        with pytest.raises(JoinError, match="another cluster, or somebody in between"):
            await join.discover(server.url, token, ("sha256:" + "0" * 64,))
        with pytest.raises(JoinError, match='knows no token "zzzzzz", or it has expired'):
            await join.discover(server.url, Token("zzzzzz", token.secret), ())
        with pytest.raises(JoinError, match="is wrong, or"):
            await join.discover(server.url, Token(token.id, "0" * 16), ())
        config = await join.discover(server.url, await server.token(Grant(usages=("signing",))), ())
        with pytest.raises(JoinError, match="the token is refused"):
            await join.read_settings(config)
        with pytest.raises(JoinError, match=r"does not answer \(connection refused\): is this its address"):
            await join.discover("https://127.0.0.1:1", token, ())
        with pytest.raises(JoinError, match="API servers speak https"):
            await join.discover("http://127.0.0.1:1", token, ())


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(4, ""), (-4, ""), (90, "90m behind that of https://s"), (-90, "90m ahead of that of https://s")],
)
def test_clocks_that_differ_are_told_before_certificates_fail(minutes: int, said: str) -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    date = format_datetime(now + timedelta(minutes=minutes), usegmt=True)
    if not said:
        join.check_clock("https://s", date, now)
        return
    with pytest.raises(JoinError, match=f"clock is {said}: set both right"):
        join.check_clock("https://s", date, now)


def test_a_server_that_tells_no_time_is_believed() -> None:
    join.check_clock("https://s", "", datetime(2026, 11, 30, tzinfo=UTC))
    join.check_clock("https://s", "noon", datetime(2026, 11, 30, tzinfo=UTC))


async def test_tokens_are_made_listed_and_revoked(tmp_path: Path) -> None:
    async with running(tmp_path / "pki") as server:
        token = tokens.new()
        await tokens.create(server.client, token, tokens.grant("2h", "authentication", None, "mine"))
        with pytest.raises(TokenError, match="already exists"):
            await tokens.create(server.client, token, Grant())
        (row,) = await tokens.listed(server.client)
        assert (row["token"], row["usages"], row["description"]) == (str(token), "authentication", "mine")
        assert row["groups"] == tokens.DEFAULT_GROUP
        assert await tokens.delete(server.client, str(token)) == token.id
        assert (await server.client.list(SECRETS, "kube-system"))["items"] == []
        with pytest.raises(TokenError, match="there is no token"):
            await tokens.delete(server.client, token.id)


@pytest.mark.parametrize(
    ("ttl", "usages", "groups", "problem"),
    [
        ("soon", "signing", None, "--ttl"),
        ("1h", "nonsense", None, "invalid bootstrap token usages"),
        ("1h", "signing", "system:masters", "must begin with system:bootstrappers:"),
    ],
)
def test_flags_that_make_no_token_are_refused(ttl: str, usages: str, groups: str | None, problem: str) -> None:
    with pytest.raises(TokenError, match=problem):
        tokens.grant(ttl, usages, groups, "")


@pytest.mark.parametrize(
    ("existing", "role", "allowed"),
    [("agent", "agent", True), ("all", "server", True), ("agent", "all", False), ("server", "agent", False)],
)
def test_a_machine_belongs_to_one_cluster(existing: str, role: str, allowed: bool) -> None:
    settings = Settings("n", "127.0.0.1", role=existing)
    if allowed:
        check_role(settings, role)
        return
    with pytest.raises(SettingsError, match="free for something else after `pynetes purge`"):
        check_role(settings, role)


def test_a_token_for_ever_has_no_end() -> None:
    made = tokens.secret(Token("abcdef", "0" * 16), tokens.grant("0", "signing", None, ""), datetime.now(UTC))
    assert "expiration" not in made["data"]
    assert tokens.row(made, datetime.now(UTC))["ttl"] == "<forever>"


def test_a_certificate_is_renewed_within_its_life() -> None:
    found = certificates.new_authority("x", days=10).certificate
    begin, end = found.not_valid_before_utc, found.not_valid_after_utc
    assert rotation_time(found, 0.8) - begin == (end - begin) * 0.8
    assert end - rotation_time(found, 0.8) > timedelta(days=1)
