"""Configuration files that change while the server runs."""

from pathlib import Path

import pytest

from pynetes.apiserver.authentication import issuers
from pynetes.apiserver.authentication.config import structured
from pynetes.apiserver.authentication.issuers import Issuers
from pynetes.apiserver.authentication.oidc import Issuer
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import Attributes
from pynetes.apiserver.authorization.union import ClusterAuthorizer
from pynetes.apiserver.reload import Follower, RejectedError, TryLaterError, digest
from pynetes.component import metrics, pki
from tests.apiserver.authentication.issuer import issuing

STEM = "apiserver_authorization_config_controller_"


def shown(name: str) -> list[str]:
    lines = metrics.render().decode().splitlines()
    return [line for line in lines if line.startswith(f"{STEM}{name}{{")]


def reloads(status: str) -> int:
    counted = (line for line in shown("automatic_reloads_total") if f'status="{status}"' in line)
    return sum(int(float(line.split()[-1])) for line in counted)


async def test_what_a_file_says_is_in_force_unless_it_cannot_be(tmp_path: Path) -> None:
    failed, succeeded = reloads("failure"), reloads("success")
    file = tmp_path / "config"
    file.write_bytes(b"first")
    applied: list[bytes] = []

    async def apply(data: bytes) -> None:
        applied.append(data)
        if data == b"wrong":
            raise RejectedError("it cannot be")
        if data == b"later":
            raise TryLaterError("not yet")

    follower = Follower("authorization", file, b"first", apply)
    assert not await follower.look()
    file.write_bytes(b"second")
    assert await follower.look()
    (info,) = shown("last_config_info")
    file.write_bytes(b"wrong")
    assert [await follower.look() for _ in range(2)] == [False, False]
    file.write_bytes(b"later")
    assert [await follower.look() for _ in range(2)] == [False, False]
    file.unlink()
    assert not await follower.look()
    assert applied == [b"second", b"wrong", b"later", b"later"]
    assert shown("last_config_info") == [info]
    assert (reloads("failure") - failed, reloads("success") - succeeded) == (4, 1)


async def test_issuers_are_replaced_once_the_new_ones_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with issuing(pki.ensure(tmp_path)) as issuer:

        def wanted(url: str, prefix: str) -> tuple[Issuer, ...]:
            where = {"url": url, "audiences": ["me"], "certificateAuthority": issuer.authority}
            mappings = {"username": {"claim": "sub", "prefix": prefix}}
            return structured({"jwt": [{"issuer": where, "claimMappings": mappings}]}).issuers

        found = Issuers((), ("api",))
        found.start()
        assert await found.authenticate_token(issuer.token(), ("api",)) is None
        await found.replace(wanted(issuer.url, "x:"))
        user = await found.authenticate_token(issuer.token(), ("api",))
        assert user == UserInfo("x:alice", audiences=("api",))
        monkeypatch.setattr(issuers, "_PATIENCE", 0.2)
        with pytest.raises(TryLaterError):
            await found.replace(wanted("https://127.0.0.1:1", "y:"))
        assert await found.authenticate_token(issuer.token(), ("api",)) == user
        told = f'jwt_issuer_hash="{digest(issuer.url.encode())}"'

        def measured(name: str) -> list[str]:
            lines = metrics.render().decode().splitlines()
            return [line for line in lines if f"jwt_authenticator_{name}{{" in line and told in line]

        assert measured("latency_seconds_count")
        assert len(measured("jwks_fetch_last_key_set_info")) == 1
        monkeypatch.undo()
        await found.replace(())
        assert not measured("jwks_fetch_last_key_set_info")
        assert await found.authenticate_token(issuer.token(), ("api",)) is None
        await found.close()


def test_an_authorizer_asks_the_chain_that_is_in_force() -> None:
    authorizer = ClusterAuthorizer(chain=("Node", "RBAC"))
    kubelet = UserInfo("system:node:n", groups=("system:nodes",))
    question = Attributes(kubelet, "get", resource="nodes", name="n")
    assert authorizer.authorize(question).allowed
    authorizer.use(("RBAC",))
    assert not authorizer.authorize(question).allowed
