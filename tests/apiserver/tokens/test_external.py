"""Tokens that another process signs, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from msgspec.structs import replace

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import SERVICE_ACCOUNTS
from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.server import APIServer
from pynetes.apiserver.tokens.external.signer import ExternalIssuer, SignerError
from pynetes.apiserver.tokens.issuer import IssueError
from pynetes.apiserver.validation import problems
from pynetes.client.https import HTTPSTransport, tls_context
from pynetes.client.rest import Client
from pynetes.component import metrics
from pynetes.component.pki import PKI
from tests.apiserver.tokens.signer import Signer

ISSUER = "https://issuer.example.com"


@pytest.fixture
async def signer(tmp_path: Path) -> AsyncIterator[Signer]:
    async with Signer(tmp_path / "s") as running:
        yield running


@pytest.fixture
async def issuer(signer: Signer) -> AsyncIterator[ExternalIssuer]:
    found = ExternalIssuer(ISSUER, str(signer.socket))
    await found.start()
    yield found
    await found.close()


async def test_tokens_of_a_key_that_came_meanwhile_are_accepted(signer: Signer, issuer: ExternalIssuer) -> None:
    first = await issuer.issue({"sub": "a"})
    assert jwt.get_unverified_header(first) == {"alg": "ES256", "kid": "one", "typ": "JWT"}
    assert await issuer.keys.verify(first) == {"sub": "a", "iss": ISSUER}
    assert signer.fetched == 1
    signer.rotate("two")
    second = await issuer.issue({"sub": "b"})
    found = await asyncio.gather(*(issuer.keys.verify(second) for _ in range(5)))
    assert found == [{"sub": "b", "iss": ISSUER}] * 5
    assert signer.fetched == 2
    assert [key.id for key in issuer.keys.keys] == ["one", "two"]
    assert 0 < issuer.keys.max_age <= 600


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"typ": "at+jwt"}, "bad type"),
        ({"kid": ""}, "key id missing"),
        ({"kid": "k" * 1025}, "key id longer than 1 kb"),
        ({"alg": "HS256"}, 'bad signing algorithm "HS256"'),
        ({"jku": "x"}, 'while parsing header JSON: json: unknown field "jku"'),
        ({"kid": "old"}, "key used for signing JWT (kid: old) is excluded from OIDC discovery docs"),
    ],
)
async def test_a_header_that_says_what_it_may_not_is_refused(
    signer: Signer, issuer: ExternalIssuer, header: dict[str, Any], told: str
) -> None:
    signer.header = header
    with pytest.raises(IssueError) as refused:
        await issuer.issue({"sub": "a"})
    assert str(refused.value) == f"while validating header: {told}"


async def test_what_a_signer_cannot_do_is_told_at_the_start(signer: Signer, issuer: ExternalIssuer) -> None:
    assert issuer.limits(0, extend=True) == (7200, 7200)
    assert issuer.limits(3600, extend=True) == (3600, 7200)
    with pytest.raises(SignerError, match=r"supported by service-account-signing-endpoint: 3h0m0s > 2h0m0s"):
        issuer.limits(3 * 3600, extend=False)
    signer.maximum = 599
    with pytest.raises(SignerError, match=r"\(599s\) is less than acceptable \(min 600s\)"):
        await issuer.start()
    signer.refresh = 0
    with pytest.raises(SignerError, match=r"found invalid refresh hint \(0s\)"):
        await issuer.start()
    assert "apiserver_externaljwt_fetch_keys_request_total" in metrics.render().decode()


def test_flags_that_exclude_each_other() -> None:
    config = APIServerConfig(service_account_signing_endpoint="@a b", service_account_signing_key_file=Path("x"))
    first, second = problems(config)
    assert first.endswith("(They are mutually exclusive)")
    assert second.startswith('invalid value "@a b" passed for `--service-account-signing-endpoint`')


def _config(files: PKI, signer: Signer) -> APIServerConfig:
    return APIServerConfig(
        storage="memory:",
        bind_address="127.0.0.1",
        secure_port=0,
        advertise_address="192.0.2.10",
        tls_cert_file=files.apiserver.certificate,
        tls_private_key_file=files.apiserver.key,
        client_ca_file=files.ca.certificate,
        authorization_modes=("RBAC",),
        service_account_signing_endpoint=str(signer.socket),
        shutdown_grace_period=0.0,
    )


async def test_a_server_without_keys_issues_and_accepts_tokens(files: PKI, signer: Signer) -> None:
    async with APIServer(_config(files, signer)) as server:
        await server.ready()
        own = server.client()
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}}
        await own.create(SERVICE_ACCOUNTS, account, "default")
        wanted: dict[str, Any] = {"spec": {"expirationSeconds": 100_000}}

        async def issue() -> dict[str, Any]:
            return await own.create(SERVICE_ACCOUNTS, wanted, "default", name="a", subresource="token")

        made = await issue()
        assert made["spec"]["expirationSeconds"] == 7200
        tls = tls_context(ca_data=files.ca.certificate.read_bytes())
        transport = HTTPSTransport(f"https://127.0.0.1:{server.port}", tls=tls, token=made["status"]["token"])
        client = Client(transport)
        try:
            jwks = orjson.loads((await client.raw("GET", "/openid/v1/jwks", headers={"Accept": "*/*"})).body)
        finally:
            await client.close()
        assert [key["kid"] for key in jwks["keys"]] == ["one"]
        signer.header = {"alg": "none"}
        with pytest.raises(StatusError) as refused:
            await issue()
        told = (
            'Internal error occurred: failed to generate token: while validating header: bad signing algorithm "none"'
        )
        assert (refused.value.code, refused.value.message) == (500, told)


async def test_a_server_does_not_start_with_a_signer_that_does_not_fit(files: PKI, signer: Signer) -> None:
    with pytest.raises(ConfigurationError, match="cannot be set longer than the token expiration supported by"):
        async with APIServer(replace(_config(files, signer), service_account_max_token_expiration=10_000.0)):
            pass
