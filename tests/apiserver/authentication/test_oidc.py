"""Tokens of a real issuer: keys found and found again, and what makes a token bad."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.config import structured
from pynetes.apiserver.authentication.oidc import OIDCAuthenticator
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.component import clock, pki
from tests.apiserver.authentication.issuer import Issuer, issuing

API = ("api",)


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    async with issuing(pki.ensure(tmp_path)) as made:
        yield made


def authenticator(issuer: Issuer, **more: Any) -> OIDCAuthenticator:
    mappings = {"username": {"claim": "sub", "prefix": "x:"}, "groups": {"claim": "groups", "prefix": "g:"}}
    where = {"url": issuer.url, "audiences": ["me"], "certificateAuthority": issuer.authority}
    entry = {"issuer": where, "claimMappings": mappings, **more}
    return OIDCAuthenticator(structured({"jwt": [entry]}).issuers[0], API)


async def test_a_token_is_verified_with_keys_that_are_fetched_once_and_again_after_a_rotation(issuer: Issuer) -> None:
    found = authenticator(issuer)
    await found.run()
    for _ in range(2):
        user = await found.authenticate_token(issuer.token(groups=["a", "b"], jti="7"), API)
        extra = {"authentication.kubernetes.io/credential-id": ("JTI=7",)}
        assert user == UserInfo("x:alice", groups=("g:a", "g:b"), extra=extra, audiences=API)
    assert issuer.fetched == 1
    old = issuer.token()
    issuer.rotate()
    assert await found.authenticate_token(issuer.token(groups="one"), API) is not None
    assert issuer.fetched == 2
    with pytest.raises(InvalidCredentials, match="failed to verify id token signature"):
        await found.authenticate_token(old, API)
    await found.close()


async def test_tokens_of_others_and_for_others_are_not_its_business(issuer: Issuer) -> None:
    found = authenticator(issuer)
    await found.run()
    assert await found.authenticate_token("opaque", API) is None
    assert await found.authenticate_token(f"{issuer.token()}==", API) is None
    assert await found.authenticate_token(issuer.token(), ("other",)) is None
    url, issuer.url = issuer.url, "https://elsewhere"
    assert await found.authenticate_token(issuer.token(), API) is None
    issuer.url = url
    await found.close()


async def test_bad_tokens_are_refused_with_the_reason(issuer: Issuer) -> None:
    found = authenticator(issuer)
    with pytest.raises(InvalidCredentials, match="oidc: authenticator not initialized"):
        await found.authenticate_token(issuer.token(), API)
    await found.run()
    now = int(clock.time_seconds())
    for claims, message in (
        ({"aud": "you"}, 'expected audience "me" got ["you"]'),
        ({"exp": now - 1}, "token is expired"),
        ({"exp": None}, "(Token Expiry: 0001-01-01 00:00:00 +0000 UTC)"),
        ({"nbf": 32503680000}, "before the nbf (not before) time: 3000-01-01 00:00:00 +0000 UTC"),
        ({"nbf": "soon"}, "failed to unmarshal claims: json: cannot unmarshal string"),
        ({"sub": 7}, "cannot unmarshal number into Go struct field idToken.sub of type string"),
        ({"groups": [7]}, 'parse groups claim "groups": json: cannot unmarshal array into Go value of type string'),
    ):
        with pytest.raises(InvalidCredentials) as caught:
            await found.authenticate_token(issuer.token(**claims), API)
        assert message in str(caught.value)
    await found.close()


async def test_expressions_map_claims_and_rules_judge_them(issuer: Issuer) -> None:
    found = authenticator(
        issuer,
        claimMappings={
            "username": {"expression": "'u:' + claims.sub"},
            "groups": {"expression": "claims.roles.split(',')"},
            "uid": {"claim": "uid"},
            "extra": [{"key": "example.org/tenant", "valueExpression": "claims.tenant"}],
        },
        claimValidationRules=[
            {"claim": "hd", "requiredValue": "example.org"},
            {"expression": "claims.level > 2 && type(claims.level) == double", "message": "too low"},
        ],
        userValidationRules=[{"expression": "!user.username.endsWith('root')", "message": "no root"}],
    )
    await found.run()
    good = {"roles": "a,b", "uid": "9", "tenant": "t", "hd": "example.org", "level": 3}
    user = await found.authenticate_token(issuer.token(**good), API)
    assert user == UserInfo("u:alice", "9", ("a", "b"), {"example.org/tenant": ("t",)}, API)
    for claims, message in (
        ({"hd": "x"}, "oidc: required claim hd value does not match. Got = x, want = example.org"),
        ({"level": 1}, "== double' failed: too low"),
        ({"sub": "root"}, "failed: no root"),
        (
            {"roles": 5},
            "oidc: error evaluating group claim expression: expression 'claims.roles.split(',')' resulted in error: ",
        ),
    ):
        with pytest.raises(InvalidCredentials) as caught:
            await found.authenticate_token(issuer.token(**{**good, **claims}), API)
        assert message in str(caught.value)
    await found.close()
