"""Service account tokens."""

from typing import Any

import pytest

from pynetes.apimachinery.errors import forbidden
from pynetes.apimachinery.times import format_time, parse_time
from pynetes.component import clock
from pynetes.kubelet.tokens import TokenError, TokenManager, needs_renewal
from pynetes.kubelet.volumes.plugin import Token, TokenRequest

REQUEST = TokenRequest("ns", "sa", "vault", 3600, "p", "uid", "n1")
START = parse_time("2024-01-01T00:00:00Z").timestamp()


@pytest.mark.parametrize(
    ("age", "life", "renew"),
    [(0, 1000, False), (799, 1000, False), (800, 1000, True), (86399, 10**6, False), (86400, 10**6, True)],
)
def test_when_a_token_is_renewed(age: float, life: float, renew: bool) -> None:
    assert needs_renewal(Token("t", 0, life), age) is renew


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch, api: Any) -> list[float]:
    time = [START]
    monkeypatch.setattr(clock, "time_seconds", lambda: time[0])
    issued = 0

    def issue(path: str, body: Any) -> Any:
        nonlocal issued
        issued += 1
        expires = parse_time("2024-01-01T00:00:00Z").timestamp() + time[0] - START + body["spec"]["expirationSeconds"]
        from datetime import UTC, datetime

        status = {"token": f"t{issued}", "expirationTimestamp": format_time(datetime.fromtimestamp(expires, UTC))}
        return {**body, "status": status}

    api.reviews["/api/v1/namespaces/ns/serviceaccounts/sa/token"] = issue
    return time


async def test_asked_bound_to_the_pod_and_kept_until_due(api: Any, now: list[float]) -> None:
    tokens = TokenManager(api.client)
    first = await tokens.get(REQUEST)
    assert api.requests[0][2]["spec"] == {
        "audiences": ["vault"],
        "expirationSeconds": 3600,
        "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "uid"},
    }
    now[0] += 2000
    assert await tokens.get(REQUEST) is first
    now[0] += 1000
    assert (await tokens.get(REQUEST)).value == "t2"


async def test_an_old_token_serves_while_none_can_be_had(api: Any, now: list[float]) -> None:
    tokens = TokenManager(api.client)
    first = await tokens.get(REQUEST)
    api.refuse = forbidden("serviceaccounts", "sa", "no")
    now[0] += 3000
    assert await tokens.get(REQUEST) is first
    now[0] += 1000
    with pytest.raises(TokenError, match="expired and refresh failed"):
        await tokens.get(REQUEST)


async def test_without_a_token_the_refusal_is_told(api: Any, now: list[float]) -> None:
    api.refuse = forbidden("serviceaccounts", "sa", "no")
    with pytest.raises(TokenError, match='failed to fetch token: serviceaccounts "sa" is forbidden: no'):
        await TokenManager(api.client).get(REQUEST)


async def test_a_pods_tokens_go_with_it(api: Any, now: list[float]) -> None:
    tokens = TokenManager(api.client)
    await tokens.get(REQUEST)
    tokens.forget_pod("uid")
    assert (await tokens.get(REQUEST)).value == "t2"
