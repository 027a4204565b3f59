"""Service account tokens in Secrets: made, accepted, used, cleaned up."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from controller_cluster import Cluster, serving

from pynetes.apimachinery.times import format_time
from pynetes.apis.core import service_account_token as legacy
from pynetes.apis.names import SECRETS, SERVICE_ACCOUNTS
from pynetes.component.tasks import Tasks
from pynetes.controllers import manager
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.serviceaccount.cleaner import decide
from pynetes.controllers.serviceaccount.tokens import filled

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


def account(*secrets: str, uid: str = "u1") -> dict[str, Any]:
    metadata = {"name": "robot", "namespace": "default", "uid": uid}
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata,
        "secrets": [{"name": s} for s in secrets],
    }


def secret(name: str = "t", *, age: int = 400, uid: str = "u1", **labels: str) -> dict[str, Any]:
    named = {"last_used": legacy.LAST_USED, "invalid_since": legacy.INVALID_SINCE}
    annotations = {legacy.ACCOUNT_NAME: "robot", legacy.ACCOUNT_UID: uid}
    metadata = {
        "name": name,
        "namespace": "default",
        "labels": {named[key]: value for key, value in labels.items()},
        "annotations": annotations,
        "creationTimestamp": format_time(NOW - timedelta(days=age)),
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": legacy.TYPE}


def test_only_what_a_secret_lacks_is_filled_in() -> None:
    made = filled(secret(), account(), "the CA", lambda _: "a.b.c")
    assert made is not None
    texts = {key: base64.b64decode(value).decode() for key, value in made["data"].items()}
    assert texts == {"ca.crt": "the CA", "namespace": "default", "token": "a.b.c"}
    assert filled(made, account(), "the CA", lambda _: "x") is None
    renewed = filled(made, account(), "another CA", lambda _: "x")
    assert renewed is not None
    assert renewed["data"]["token"] == made["data"]["token"]
    assert base64.b64decode(renewed["data"]["ca.crt"]) == b"another CA"


def pod(name: str) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"volumes": [{"name": "v", "secret": {"secretName": name}}]}}


@pytest.mark.parametrize(
    ("token", "of", "pods", "action"),
    [
        (secret(), account("t"), (), "invalidate"),
        (secret(), account("t"), (pod("other"),), "invalidate"),
        (secret(last_used="2025-04-30"), account("t"), (), "invalidate"),
        (secret(invalid_since="never"), account("t"), (), "invalidate"),
        (secret(invalid_since="2025-04-30"), account("t"), (), "delete"),
        (secret(invalid_since="2025-05-01"), account("t"), (), ""),
        (secret(age=364), account("t"), (), ""),
        (secret(last_used="2025-05-01"), account("t"), (), ""),
        (secret(last_used="yesterday"), account("t"), (), ""),
        (secret(), account("t"), (pod("t"),), ""),
        (secret(), account(), (), ""),
        (secret(uid="another"), account("t"), (), ""),
        (secret(), None, (), ""),
    ],
)
def test_only_tokens_made_for_accounts_and_unused_for_long_are_cleaned_up(token, of, pods, action) -> None:
    assert decide(token, of, pods, NOW, YEAR) == action


class Caller:
    """Asks the server who the holder of a token is."""

    def __init__(self, port: int, ca: Path) -> None:
        self.url = f"https://127.0.0.1:{port}/apis/authentication.k8s.io/v1/selfsubjectreviews"
        self.tls = ssl.create_default_context(cafile=str(ca))

    async def __call__(self, token: str) -> tuple[int, dict[str, Any], list[str]]:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        headers = {"Authorization": f"Bearer {token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, json=body, headers=headers, ssl=self.tls) as answer,
        ):
            return answer.status, await answer.json(), answer.headers.getall("Warning", [])


async def test_a_token_lives_and_dies_with_its_secret_and_account(tmp_path: Path) -> None:
    async with serving(tmp_path) as (server, keys), Tasks("controllers") as tasks:
        client = server.client()
        config = ControllerManagerConfig(
            controllers=("serviceaccount-token-controller",),
            leader_elect=False,
            root_ca="the CA",
            service_account_private_key_file=str(keys.service_account_key),
        )
        context = ControllerContext.for_client(client, config)
        tasks.start(manager.run(context), name="controller manager")
        eventually = Cluster(client, None, context).eventually  # type: ignore[arg-type]
        who = Caller(server.port, keys.ca.certificate)
        robot = await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "robot"}}, "default")
        for name in ("t", "u", "listed"):
            given = {"type": legacy.TYPE, "metadata": {"name": name, "annotations": {legacy.ACCOUNT_NAME: "robot"}}}
            await client.create(SECRETS, given, "default")

        async def made(name: str) -> dict[str, Any] | None:
            found = await client.get(SECRETS, name, "default")
            return found if (found.get("data") or {}).get("token") else None

        tokens = {}
        for name in ("t", "u", "listed"):
            found = await eventually(lambda name=name: made(name))
            assert found["metadata"]["annotations"][legacy.ACCOUNT_UID] == robot["metadata"]["uid"]
            tokens[name] = base64.b64decode(found["data"]["token"]).decode()
        code, told, warnings = await who(tokens["t"])
        assert (code, warnings) == (201, [])
        assert told["status"]["userInfo"] == {
            "username": "system:serviceaccount:default:robot",
            "uid": robot["metadata"]["uid"],
            "groups": ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
        }
        used = await client.get(SECRETS, "t", "default")
        assert legacy.day_of(used["metadata"]["labels"][legacy.LAST_USED]) is not None

        await client.patch(SERVICE_ACCOUNTS, "robot", {"secrets": [{"name": "listed"}, {"name": "mine"}]}, "default")
        _, _, warnings = await who(tokens["listed"])
        assert "auto-generated secret-based tokens" in warnings[0]
        invalid = {"metadata": {"labels": {legacy.INVALID_SINCE: "2026-01-01"}}}
        await client.patch(SECRETS, "listed", invalid, "default")
        assert (await who(tokens["listed"]))[0] == 401

        await client.patch(SECRETS, "u", {"data": {"token": base64.b64encode(b"x").decode()}}, "default")
        assert (await who(tokens["u"]))[0] == 401
        await client.delete(SECRETS, "listed", "default")

        async def unlisted() -> bool:
            found = await client.get(SERVICE_ACCOUNTS, "robot", "default")
            return found["secrets"] == [{"name": "mine"}]

        await eventually(unlisted)
        await client.delete(SERVICE_ACCOUNTS, "robot", "default")

        async def left() -> list[str] | None:
            found = await client.list(SECRETS, "default", field_selector=f"type={legacy.TYPE}")
            return None if found["items"] else ["none"]

        await eventually(left)
        assert (await who(tokens["t"]))[0] == 401
        nobody = {"type": legacy.TYPE, "metadata": {"name": "w", "annotations": {legacy.ACCOUNT_NAME: "nobody"}}}
        await client.create(SECRETS, nobody, "default")
        await eventually(left)
