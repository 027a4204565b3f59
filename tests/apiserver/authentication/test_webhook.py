"""The token webhook against a real one: audiences, what is remembered, and how it fails."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authentication.webhook import WebhookTokenAuthenticator
from pynetes.apiserver.webhooks.reviews import ReviewClient
from pynetes.client import kubeconfig
from pynetes.component import pki
from tests.apiserver.webhooks.hook import Hook, serving

BOB = {"username": "bob", "uid": "7", "groups": ["devs"], "extra": {"a": ["b"]}}


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Hook]:
    async with serving(pki.ensure(tmp_path)) as made:
        yield made


@pytest.fixture
async def webhook(hook: Hook) -> AsyncIterator[WebhookTokenAuthenticator]:
    config = kubeconfig.Config(hook.config["url"], ca=base64.b64decode(hook.config["caBundle"]))
    client = ReviewClient(kubeconfig.transport(config), timeout=60.0, pause=0.001)
    made = WebhookTokenAuthenticator(client, ("api",))
    yield made
    await made.close()


def answers(hook: Hook, **status: Any) -> None:
    hook.answer = lambda review: web.json_response({**review, "status": status})


async def test_a_token_is_asked_about_once(hook: Hook, webhook: WebhookTokenAuthenticator) -> None:
    answers(hook, authenticated=True, user=BOB)
    expected = UserInfo("bob", "7", ("devs",), {"a": ("b",)}, ("api",))
    for _ in range(2):
        assert await webhook.authenticate_token("t", ("api",)) == expected
    assert [review["spec"] for review in hook.asked] == [{"token": "t", "audiences": ["api"]}]
    assert hook.asked[0]["apiVersion"] == "authentication.k8s.io/v1"


@pytest.mark.parametrize(
    ("told", "wanted", "accepted"),
    [
        ([], ("api", "x"), ("api",)),
        (["x"], ("api", "x"), ("x",)),
        (["y"], ("x",), None),
        ([], ("x",), None),
        ([], (), ()),
    ],
)
async def test_a_token_holds_for_the_audiences_that_both_sides_know(
    hook: Hook,
    webhook: WebhookTokenAuthenticator,
    told: list[str],
    wanted: tuple[str, ...],
    accepted: tuple[str, ...] | None,
) -> None:
    answers(hook, authenticated=True, user=BOB, audiences=told)
    found = await webhook.authenticate_token("t", wanted)
    assert (found.audiences if found else None) == accepted


async def test_an_unknown_token_is_nobodys_and_a_bad_one_an_error(
    hook: Hook, webhook: WebhookTokenAuthenticator
) -> None:
    answers(hook, authenticated=False)
    assert await webhook.authenticate_token("unknown", ("api",)) is None
    answers(hook, authenticated=False, error="revoked")
    for _ in range(2):
        with pytest.raises(InvalidCredentials, match="revoked"):
            await webhook.authenticate_token("revoked", ("api",))
    assert len(hook.asked) == 2


async def test_a_failure_is_tried_again_and_not_remembered(hook: Hook, webhook: WebhookTokenAuthenticator) -> None:
    hook.answer = lambda review: web.Response(status=500)
    with pytest.raises(InvalidCredentials, match="has prevented the request from succeeding"):
        await webhook.authenticate_token("t", ("api",))
    assert len(hook.asked) == 5
    answers(hook, authenticated=True, user=BOB)
    assert await webhook.authenticate_token("t", ("api",)) is not None
