"""The webhook authorizer against a real webhook: what it is asked, what is remembered, and how it fails."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from pynetes.apimachinery.selectors import Requirement
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import Attributes, Decision, decide, refusal
from pynetes.apiserver.authorization.config import compile_condition
from pynetes.apiserver.authorization.union import ClusterAuthorizer
from pynetes.apiserver.authorization.webhook import Condition, Settings, WebhookAuthorizer
from pynetes.apiserver.filters.authorization import with_authorization
from pynetes.apiserver.http import Answer, Request, Response, compose
from pynetes.apiserver.requestinfo import request_info
from pynetes.apiserver.webhooks.reviews import ReviewClient
from pynetes.client import kubeconfig
from pynetes.component import metrics, pki
from tests.apiserver.webhooks.hook import Hook, serving

ALICE = UserInfo("alice", "u1", ("devs",), {"scope": ("a", "b")})
ASKED = Attributes(ALICE, "list", "apps", "v1", "deployments", namespace="a")


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Hook]:
    async with serving(pki.ensure(tmp_path)) as made:
        yield made


def authorizer(hook: Hook, **settings: Any) -> WebhookAuthorizer:
    path = Path(hook.files.ca.certificate).parent / "webhook.conf"
    config = kubeconfig.Config(hook.config["url"], ca=Path(hook.files.ca.certificate).read_bytes())
    kubeconfig.write(path, kubeconfig.document("hook", config))
    transport = kubeconfig.transport(kubeconfig.load(path))
    return WebhookAuthorizer("hook", ReviewClient(transport, timeout=60.0, pause=0.001), Settings(**settings))


def answers(hook: Hook, status: int = 200, **given: Any) -> None:
    hook.answer = lambda review: web.json_response({**review, "status": given}, status=status)


def condition(text: str) -> Condition:
    compiled = compile_condition(text)
    assert isinstance(compiled, Condition), compiled
    return compiled


async def test_the_webhook_is_asked_once_for_a_question_and_its_answer_remembered(hook: Hook) -> None:
    found = authorizer(hook)
    answers(hook, allowed=True, reason="fine")
    assert await decide(found, ASKED) == Decision(True, reason="fine")
    assert found.authorize(ASKED) == Decision(True, reason="fine")
    assert [review["spec"] for review in hook.asked] == [
        {
            "resourceAttributes": {
                "namespace": "a", "verb": "list", "group": "apps", "version": "v1", "resource": "deployments",
            },
            "user": "alice",
            "groups": ["devs"],
            "extra": {"scope": ["a", "b"]},
            "uid": "u1",
        }
    ]  # fmt: skip
    assert hook.asked[0]["apiVersion"] == "authorization.k8s.io/v1"
    await found.close()


async def test_what_is_not_to_be_remembered_is_asked_again(hook: Hook) -> None:
    found = authorizer(hook, unauthorized_seconds=0.0)
    answers(hook, allowed=False, reason="no")
    for _ in range(2):
        assert await decide(found, ASKED) == Decision(False, reason="no")
    long = Attributes(ALICE, "get", path="/" + "x" * 10_000, is_resource=False)
    answers(hook, allowed=True)
    for _ in range(2):
        assert (await decide(found, long)).allowed
    assert len(hook.asked) == 4
    assert hook.asked[2]["spec"]["nonResourceAttributes"]["verb"] == "get"
    await found.close()


async def test_selectors_are_told_and_v1beta1_says_group(hook: Hook) -> None:
    found = authorizer(hook, version="v1beta1")
    answers(hook, allowed=True)
    labels = (Requirement("a", "in", ("b",)), Requirement("c", "!"), Requirement("n", "gt", ("1",)))
    asked = Attributes(
        ALICE, "list", "", "v1", "pods", field_selector=(("spec.nodeName", "=", "n1"),), label_selector=labels
    )
    await decide(found, asked)
    review = hook.asked[0]
    assert review["apiVersion"] == "authorization.k8s.io/v1beta1"
    assert review["spec"]["group"] == ["devs"]
    told = review["spec"]["resourceAttributes"]
    assert told["fieldSelector"] == {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]}
    assert told["labelSelector"] == {
        "requirements": [{"key": "a", "operator": "In", "values": ["b"]}, {"key": "c", "operator": "DoesNotExist"}]
    }
    await found.close()


async def test_a_denial_ends_the_chain_and_no_opinion_does_not(hook: Hook) -> None:
    class Yes:
        def authorize(self, attrs: Attributes) -> Decision:
            return Decision(True, reason="yes")

    webhook = authorizer(hook, authorized_seconds=0.0, unauthorized_seconds=0.0)
    chain = ClusterAuthorizer(chain=("Node", webhook, "RBAC", Yes()))
    answers(hook, allowed=False, denied=True, reason="never")
    assert await decide(chain, ASKED) == Decision(False, denied=True, reason="never")
    answers(hook, allowed=False)
    assert await decide(chain, ASKED) == Decision(True, reason="yes")
    answers(hook, allowed=True, denied=True)
    both = await decide(chain, ASKED)
    assert both.denied
    assert both.error == "webhook subject access review returned both allow and deny response"
    await webhook.close()


@pytest.mark.parametrize("denies", [False, True])
async def test_a_failure_is_no_opinion_or_a_denial_and_a_500_in_the_end(hook: Hook, denies: bool) -> None:
    webhook = authorizer(hook, denies_on_error=denies)
    hook.answer = lambda review: web.Response(status=500, text="broken")
    decision = await decide(ClusterAuthorizer(chain=(webhook, "RBAC")), ASKED)
    assert (decision.allowed, decision.denied) == (False, denies)
    assert decision.error == 'an error on the server ("broken") has prevented the request from succeeding'
    assert len(hook.asked) == 5
    assert refusal(ASKED, decision).code == 500
    shown = metrics.render().decode()
    assert 'apiserver_authorization_webhook_evaluations_total{name="hook",result="error"}' in shown
    opened = 'apiserver_authorization_webhook_evaluations_fail_open_total{name="hook",result="error"}'
    assert denies or opened in shown
    hook.answer = lambda review: web.Response(text="not json")
    assert "json parse error" in (await decide(webhook, ASKED)).error
    await webhook.close()


async def test_a_request_that_nobody_could_judge_ends_in_plain_text() -> None:
    class Failing:
        def authorize(self, attrs: Attributes) -> Decision:
            return Decision(False, error="out of order")

    async def body() -> bytes:
        return b""

    async def serve(request: Request) -> Answer:
        raise AssertionError

    request = Request("GET", "/api/v1/pods", {"limit": ["1"], "watch": ["0"]}, {}, body, user=ALICE)
    handle = compose(serve, [with_authorization(Failing())])
    request.info = request_info(request.method, request.path, request.query)
    answer = await handle(request)
    assert isinstance(answer, Response)
    told = 'Internal Server Error: "/api/v1/pods?limit=1&amp;watch=0": out of order\n'
    assert (answer.status, answer.body.decode()) == (500, told)
    assert request.annotations == {"authorization.k8s.io/reason": "internal error"}


async def test_nobody_there_is_a_failure(hook: Hook) -> None:
    hook.port = 1
    found = authorizer(hook)
    assert "Cannot connect" in (await decide(found, ASKED)).error
    await found.close()


async def test_only_matching_requests_are_asked(hook: Hook) -> None:
    texts = ("has(request.resourceAttributes)", "request.resourceAttributes.namespace == 'a'")
    found = authorizer(hook, denies_on_error=True, conditions=tuple(map(condition, texts)))
    answers(hook, allowed=True)
    assert (await decide(found, ASKED)).allowed
    path = Attributes(ALICE, "get", path="/x", is_resource=False)
    # The first condition is false: that the second one fails does not matter.
    assert await decide(found, path) == Decision(False)
    elsewhere = Attributes(ALICE, "list", "apps", "v1", "deployments", namespace="b")
    assert await decide(found, elsewhere) == Decision(False)
    assert len(hook.asked) == 1
    failing = authorizer(hook, denies_on_error=True, conditions=(condition(texts[1]),))
    decision = await decide(failing, path)
    assert decision.denied
    assert decision.error.startswith("cel evaluation error: expression 'request.resourceAttributes.namespace == 'a''")
    await found.close()
    await failing.close()


async def test_the_privileged_group_is_never_asked_about(hook: Hook) -> None:
    webhook = authorizer(hook)
    chain = ClusterAuthorizer(chain=(webhook,))
    root = Attributes(UserInfo("root", groups=("system:masters",)), "get", resource="pods")
    assert chain.authorize(root).allowed
    assert hook.asked == []
    await webhook.close()
