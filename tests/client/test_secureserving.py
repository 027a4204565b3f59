"""HTTPS for what a component tells about itself, guarded by a real API server."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, SERVICE_ACCOUNTS
from pynetes.apiserver.server import APIServer
from pynetes.client import kubeconfig
from pynetes.client.secureserving import SecureServing, is_among
from pynetes.client.servingconfig import ServingConfig
from pynetes.component import certificates, pki
from pynetes.component.certificates import Request
from pynetes.component.endpoints import Endpoints
from pynetes.component.health import HealthGroup
from pynetes.component.pki import PKI, PairPath
from pynetes.testing import apiserver


@dataclass
class Cluster:
    files: PKI
    server: APIServer
    config: ServingConfig

    def context(self, pair: PairPath | None = None) -> ssl.SSLContext:
        """Who asks; the self-signed certificate of the server is not verified."""
        return certificates.client_context(None, *((pair.certificate, pair.key) if pair else ()))

    def user(self, name: str, *groups: str) -> PairPath:
        authority = certificates.load(self.files.ca.certificate, self.files.ca.key)
        pair = self.files.pair(name)
        certificates.store(
            certificates.issue(authority, Request(name, groups, client=True)), pair.certificate, pair.key
        )
        return pair


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    files = pki.ensure(tmp_path / "pki", addresses=("127.0.0.1",))
    config = apiserver.config(files)
    async with APIServer(config) as server:
        await server.ready()
        pair = files.scheduler
        access = kubeconfig.Config(
            f"https://127.0.0.1:{server.port}",
            ca=files.ca.certificate.read_bytes(),
            cert=pair.certificate.read_bytes(),
            key=pair.key.read_bytes(),
        )
        path = tmp_path / "scheduler.conf"
        kubeconfig.write(path, kubeconfig.document("test", access))
        serving = ServingConfig(0, "127.0.0.1", authentication_kubeconfig=path, authorization_kubeconfig=path)
        yield Cluster(files, server, serving)


def _endpoints() -> Endpoints:
    return Endpoints(HealthGroup("healthz"))


async def _get(port: int, path: str, context: ssl.SSLContext, **headers: str) -> tuple[int, Any]:
    url = f"https://127.0.0.1:{port}{path}"
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.get(url, headers=headers) as answer,
    ):
        body = await answer.text()
        return answer.status, await answer.json() if answer.content_type == "application/json" else body


async def _knows_clients(serving: SecureServing, cluster: Cluster) -> None:
    """The CA of client certificates is looked up beside serving."""
    admin = cluster.context(cluster.files.admin)
    async with asyncio.timeout(60):
        while (await _get(serving.port, "/metrics", admin))[0] != 200:  # noqa: ASYNC110 (the state is the server's)
            await asyncio.sleep(0.02)


async def test_health_is_open_and_the_rest_is_not(cluster: Cluster) -> None:
    async with SecureServing(cluster.config, _endpoints()) as serving:
        nobody = cluster.context()
        assert await _get(serving.port, "/healthz", nobody) == (200, "ok")
        status, refusal = await _get(serving.port, "/metrics", nobody)
        assert status == 403
        assert refusal["message"] == 'forbidden: User "system:anonymous" cannot get path "/metrics"'
        assert (refusal["kind"], refusal["reason"], refusal["details"]) == ("Status", "Forbidden", {})
        status, refusal = await _get(serving.port, "/metrics", nobody, Authorization="Bearer nonsense")
        assert (status, refusal["message"]) == (401, "Unauthorized")
        status, refusal = await _get(serving.port, "/<b>", nobody)
        assert refusal["message"].endswith('cannot get path "/&lt;b&gt;"')


async def test_certificates_of_the_clusters_authority_are_known_and_rbac_decides(cluster: Cluster) -> None:
    async with SecureServing(cluster.config, _endpoints()) as serving:
        await _knows_clients(serving, cluster)
        monitor = cluster.context(cluster.user("eve", "system:monitoring"))
        assert (await _get(serving.port, "/metrics", monitor))[0] == 200
        status, refusal = await _get(serving.port, "/metrics", cluster.context(cluster.user("mallory")))
        assert (status, refusal["message"]) == (403, 'forbidden: User "mallory" cannot get path "/metrics"')


async def test_tokens_are_reviewed(cluster: Cluster) -> None:
    client = cluster.server.client()
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "prometheus"}}
    await client.create(SERVICE_ACCOUNTS, account, "kube-system")
    subject = {"kind": "ServiceAccount", "name": "prometheus", "namespace": "kube-system"}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "prometheus"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:monitoring"},
        "subjects": [subject],
    }
    await client.create(CLUSTER_ROLE_BINDINGS, binding)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    made = await client.create(SERVICE_ACCOUNTS, request, "kube-system", name="prometheus", subresource="token")
    token = f"Bearer {made['status']['token']}"
    async with SecureServing(cluster.config, _endpoints()) as serving:
        status, text = await _get(serving.port, "/metrics", cluster.context(), Authorization=token)
        assert status == 200
        assert "process_start_time_seconds" in text
        assert (await _get(serving.port, "/configz", cluster.context(), Authorization=token))[0] == 403


async def test_health_answers_while_the_api_server_is_away(cluster: Cluster) -> None:
    async with SecureServing(cluster.config, _endpoints()) as serving:
        await cluster.server.__aexit__(None, None, None)
        assert await _get(serving.port, "/healthz", cluster.context()) == (200, "ok")
        assert (await _get(serving.port, "/metrics", cluster.context()))[0] == 500
        assert (await _get(serving.port, "/metrics", cluster.context(), Authorization="Bearer x"))[0] == 401


async def test_alone_only_privileged_certificates_are_let_in(cluster: Cluster) -> None:
    config = ServingConfig(0, "127.0.0.1", client_ca_file=cluster.files.ca.certificate)
    async with SecureServing(config, _endpoints()) as serving:
        assert (await _get(serving.port, "/metrics", cluster.context(cluster.files.admin)))[0] == 200
        assert (await _get(serving.port, "/metrics", cluster.context(cluster.files.scheduler)))[0] == 403
        assert (await _get(serving.port, "/metrics", cluster.context(), Authorization="Bearer x"))[0] == 403


async def test_given_serving_certificate_is_shown(cluster: Cluster) -> None:
    pair = cluster.files.apiserver
    config = replace(cluster.config, tls_cert_file=pair.certificate, tls_private_key_file=pair.key)
    async with SecureServing(config, _endpoints()) as serving:
        verifying = certificates.client_context(cluster.files.ca.certificate)
        assert await _get(serving.port, "/healthz", verifying) == (200, "ok")
    async with SecureServing(cluster.config, _endpoints()) as serving:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await _get(serving.port, "/healthz", verifying)


@pytest.mark.parametrize(
    ("path", "patterns", "open_"),
    [
        ("/healthz", ("/healthz",), True),
        ("/healthz", ("healthz",), True),
        ("/healthz/ping", ("/healthz",), False),
        ("/healthz/ping", ("/healthz/*",), True),
        ("/metrics", ("*",), True),
        ("/metrics", (), False),
    ],
)
def test_always_allowed_paths(path: str, patterns: tuple[str, ...], open_: bool) -> None:
    assert is_among(path, patterns) is open_
