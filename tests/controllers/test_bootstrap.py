"""Bootstrap tokens: signatures of cluster-info, and their end."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from controller_cluster import running

from pynetes.apis.core.bootstrap_token import Token, is_signed, parse, seconds_left, signature
from pynetes.apis.names import CONFIG_MAPS, SECRETS
from pynetes.component import clock
from pynetes.controllers.bootstrap.signer import signed

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TOKEN = Token("abcdef", "0123456789abcdef")


def secret(token: Token = TOKEN, expires: datetime | None = None, **more: str) -> dict[str, Any]:
    data = {"token-id": token.id, "token-secret": token.secret, "usage-bootstrap-signing": "true", **more}
    if expires:
        data["expiration"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": f"bootstrap-token-{token.id}", "namespace": "kube-system"},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def test_a_signature_is_the_original_ones() -> None:
    """The vector of upstream's own test."""
    content = "Hello from the other side. I must have called a thousand times."
    made = signature(content, Token("joshua", "my voice is my passcode"))
    assert made == "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"


@pytest.mark.parametrize(
    ("found", "signs"),
    [
        (secret(), True),
        (secret(expires=NOW + timedelta(seconds=1)), True),
        (secret(expires=NOW), False),
        (secret(expiration="soon"), False),
        (secret(**{"usage-bootstrap-signing": "false"}), False),
        (secret(**{"token-id": "ghijkl"}), False),
    ],
)
def test_which_tokens_sign(found: dict[str, Any], signs: bool) -> None:
    old = {"kubeconfig": "text", "jws-kubeconfig-gone00": "x", "other": "kept"}
    data = signed(old, [found], NOW)
    assert is_signed({"data": data}, TOKEN) == signs
    assert data.keys() == {"kubeconfig", "other"} | ({"jws-kubeconfig-abcdef"} if signs else set())


def test_tokens_have_one_form() -> None:
    assert parse("abcdef.0123456789abcdef") == TOKEN
    with pytest.raises(ValueError, match="not of the form"):
        parse("abcdef")
    assert seconds_left(secret(), NOW) is None
    assert seconds_left(secret(expires=NOW + timedelta(minutes=1)), NOW) == 60


async def test_cluster_info_follows_the_tokens_which_go_when_their_time_is_over(tmp_path: Path) -> None:
    controllers = ("bootstrap-signer-controller", "token-cleaner-controller", "namespace-controller")
    async with running(tmp_path, controllers=controllers) as cluster:
        info = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "cluster-info", "namespace": "kube-public"},
            "data": {"kubeconfig": "text"},
        }
        await cluster.client.create(CONFIG_MAPS, info)
        await cluster.client.create(SECRETS, secret(expires=clock.now() + timedelta(hours=1)))

        async def signed_now() -> bool:
            return is_signed(await cluster.client.get(CONFIG_MAPS, "cluster-info", "kube-public"), TOKEN)

        async def not_signed() -> bool:
            return not await signed_now()

        await cluster.eventually(signed_now)
        await cluster.client.update(SECRETS, secret(expires=clock.now() + timedelta(seconds=2)))
        await cluster.gone(SECRETS, "bootstrap-token-abcdef", "kube-system")
        await cluster.eventually(not_signed)
