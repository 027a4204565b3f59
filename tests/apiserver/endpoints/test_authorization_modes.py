"""--authorization-mode over the wire: what a server allows without it, and with ABAC before AlwaysDeny."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.server import APIServer
from pynetes.component.pki import PKI
from tests.apiserver.endpoints.test_webhook_security import get

PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text("alice-token,alice,1\nbob-token,bob,2\n")
    return path


async def test_without_a_mode_whoever_is_known_may_do_everything_and_nobody_else_gets_in(
    config: Callable[..., APIServerConfig], files: PKI, tokens: Path
) -> None:
    async with APIServer(config(authorization_modes=(), token_auth_file=tokens)) as server:
        await server.ready()
        assert (await get(server, files, PODS, "alice-token"))[0] == 200
        assert (await get(server, files, "/version", ""))[0] == 401


async def test_policies_allow_and_what_they_do_not_is_forbidden(
    config: Callable[..., APIServerConfig], files: PKI, tokens: Path, tmp_path: Path
) -> None:
    spec = {"user": "alice", "namespace": "default", "resource": "pods", "readonly": True}
    policy = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy", "spec": spec}
    file = tmp_path / "policies"
    file.write_text(json.dumps(policy))
    settings = config(
        authorization_modes=("ABAC", "AlwaysDeny"), authorization_policy_file=file, token_auth_file=tokens
    )
    async with APIServer(settings) as server:
        await server.ready()
        assert (await get(server, files, PODS, "alice-token"))[0] == 200
        status, refused = await get(server, files, PODS, "bob-token")
        assert status == 403
        assert refused["message"] == (
            'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default": '
            "No policy matched.\nEverything is forbidden."
        )
        assert (await get(server, files, "/version", ""))[0] == 403
    file.write_text("odd")
    with pytest.raises(ConfigurationError, match="policies, line 1: odd: "):
        async with APIServer(settings):
            pass
