"""Who is asking: certificates, front proxies, bootstrap and static tokens, WebSocket tokens, nobody."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from multidict import CIMultiDict

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authentication import union
from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.bootstrap_token import user_of
from pynetes.apiserver.authentication.request_header import Headers
from pynetes.apiserver.authentication.union import Settings
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.http import Request
from pynetes.component import certificates, clock, pki
from pynetes.component.pki import PKI


def request(headers: Mapping[str, str] | CIMultiDict[str] | None = None, certificate: bytes | None = None) -> Request:
    async def no_body() -> bytes:
        return b""

    found = CIMultiDict(headers or {})
    return Request("GET", "/", {}, found, no_body, peer_certificate=certificate)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PKI:
    return pki.ensure(tmp_path_factory.mktemp("pki"), nodes=(pki.Node("n1"),))


def der(path: pki.PairPath) -> bytes:
    return certificates.load_certificates(path.certificate)[0].public_bytes(Encoding.DER)


def build(files: PKI, objects: Any, **settings: Any) -> union.Authenticator:
    return union.build(
        Settings(
            client_ca_file=files.ca.certificate,
            requestheader_client_ca_file=files.front_proxy_ca.certificate,
            requestheader_allowed_names=("front-proxy-client",),
            **settings,
        ),
        objects,
    )


async def test_a_client_certificate_names_user_and_groups(files: PKI, objects: Any) -> None:
    found = await build(files, objects).authenticate(request(certificate=der(files.kubelet_client("n1"))))
    assert found.name == "system:node:n1"
    assert found.groups == ("system:nodes", "system:authenticated")
    assert found.node_name == "n1"
    assert found.extra["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")


async def test_without_credentials_one_is_anonymous_unless_that_is_off(files: PKI, objects: Any) -> None:
    found = await build(files, objects).authenticate(request())
    assert found == UserInfo("system:anonymous", groups=("system:unauthenticated",))
    with pytest.raises(StatusError, match="Unauthorized"):
        await build(files, objects, anonymous_auth=False).authenticate(request())


async def test_a_serving_certificate_is_no_identity(files: PKI, objects: Any) -> None:
    with pytest.raises(StatusError, match="Unauthorized"):
        await build(files, objects).authenticate(request(certificate=der(files.apiserver)))


async def test_an_expired_certificate_is_refused_even_on_an_open_connection(files: PKI, objects: Any) -> None:
    authenticator, certificate = build(files, objects), der(files.admin)
    assert (await authenticator.authenticate(request(certificate=certificate))).name == "kubernetes-admin"
    later = clock.time_seconds() + 366 * 86400
    clock.set_wall_clock(lambda: later)
    try:
        with pytest.raises(StatusError, match="Unauthorized"):
            await authenticator.authenticate(request(certificate=certificate))
    finally:
        clock.set_wall_clock(None)


async def test_only_a_front_proxy_may_state_who_asks(files: PKI, objects: Any) -> None:
    headers = CIMultiDict(
        [
            ("X-Remote-User", "alice"),
            ("X-Remote-Uid", "u"),
            ("X-Remote-Group", "a"),
            ("X-Remote-Group", "b"),
            ("X-Remote-Extra-Acme.com%2Fproject", "x"),
        ]
    )
    authenticator = build(files, objects)
    found = await authenticator.authenticate(request(headers, der(files.front_proxy_client)))
    assert (found.name, found.uid, found.groups) == ("alice", "", ("a", "b", "system:authenticated"))
    assert found.extra == {"acme.com/project": ("x",)}
    impostor = await authenticator.authenticate(request(headers, der(files.scheduler)))
    assert impostor.name == "system:kube-scheduler"
    assert (await authenticator.authenticate(request(headers))).name == "system:anonymous"


async def test_the_headers_of_a_front_proxy_may_have_other_names(files: PKI, objects: Any) -> None:
    names = Headers(("X-Name", "X-User"), ("X-Id",), ("X-Group", "X-Team"), ("X-More-",))
    stated = [("X-Name", ""), ("X-User", "bob"), ("X-Id", "7"), ("X-Team", "b"), ("X-Group", "a"), ("X-More-K", "v")]
    headers = CIMultiDict([*stated, ("X-Remote-User", "alice"), ("X-Remote-Group", "c")])
    authenticator = build(files, objects, requestheaders=names)
    found = await authenticator.authenticate(request(headers, der(files.front_proxy_client)))
    assert (found.name, found.uid, found.groups) == ("bob", "7", ("a", "b", "system:authenticated"))
    assert found.extra == {"k": ("v",)}


async def test_a_front_proxys_certificate_alone_is_a_bad_credential(files: PKI, objects: Any) -> None:
    with pytest.raises(StatusError, match="Unauthorized"):
        await build(files, objects).authenticate(request(certificate=der(files.front_proxy_client)))


async def test_static_tokens_come_from_a_file(files: PKI, objects: Any, tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text('secret,alice,1,"devs,ops"\nother,bob,2\n')
    authenticator = build(files, objects, token_auth_file=path)
    found = await authenticator.authenticate(request({"authorization": "bearer secret"}))
    assert (found.name, found.groups) == ("alice", ("devs", "ops", "system:authenticated"))
    with pytest.raises(StatusError, match="Unauthorized"):
        await authenticator.authenticate(request({"Authorization": "Bearer wrong"}))
    # They are meant for this server alone.
    reviewed = await authenticator.authenticate_token("secret", ("vault", *authenticator.bearer.audiences))
    assert reviewed.audiences == authenticator.bearer.audiences
    with pytest.raises(InvalidCredentials):
        await authenticator.authenticate_token("secret", ("vault",))
    # Other schemes are no bearer tokens: as upstream, the request is then anonymous.
    assert (await authenticator.authenticate(request({"Authorization": "Basic eA=="}))).name == "system:anonymous"
    path.write_text("short,line\n")
    with pytest.raises(ValueError, match=r"tokens\.csv:1"):
        build(files, objects, token_auth_file=path)


async def test_websocket_clients_may_send_the_token_as_a_subprotocol(files: PKI, objects: Any, tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text("secret,alice,1\n")
    authenticator = build(files, objects, token_auth_file=path)
    token = "base64url.bearer.authorization.k8s.io." + base64.urlsafe_b64encode(b"secret").rstrip(b"=").decode()

    async def name(protocols: str) -> str:
        headers = {"Upgrade": "websocket", "Sec-WebSocket-Protocol": protocols}
        return (await authenticator.authenticate(request(headers))).name

    assert await name(f"{token}, v5.channel.k8s.io") == "alice"
    assert await name("v5.channel.k8s.io") == "system:anonymous"
    for bad in (token, f"{token}, {token}, x", "base64url.bearer.authorization.k8s.io.!!, x"):
        with pytest.raises(StatusError, match="Unauthorized"):
            await name(bad)


def bootstrap_secret(**data: str) -> dict[str, Any]:
    values = {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        **data,
    }
    return {
        "metadata": {"name": "bootstrap-token-abcdef", "namespace": "kube-system"},
        "type": "bootstrap.kubernetes.io/token",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


async def test_a_bootstrap_token_is_a_secret_in_kube_system(files: PKI, objects: Any) -> None:
    objects.add("secrets", bootstrap_secret(**{"auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token"}))
    authenticator = build(files, objects)
    found = await authenticator.authenticate(request({"Authorization": "Bearer abcdef.0123456789abcdef"}))
    assert found.name == "system:bootstrap:abcdef"
    assert found.groups == (
        "system:bootstrappers",
        "system:bootstrappers:kubeadm:default-node-token",
        "system:authenticated",
    )
    for wrong in ("abcdef.0123456789abcdee", "zzzzzz.0123456789abcdef"):
        with pytest.raises(StatusError, match="Unauthorized"):
            await authenticator.authenticate(request({"Authorization": f"Bearer {wrong}"}))


@pytest.mark.parametrize(
    ("data", "accepted"),
    [
        ({}, True),
        ({"expiration": "2020-01-01T00:00:00Z"}, True),
        ({"expiration": "1969-01-01T00:00:00Z"}, False),
        ({"expiration": "soon"}, False),
        ({"usage-bootstrap-authentication": "false"}, False),
        ({"token-id": "zzzzzz"}, False),
        ({"auth-extra-groups": "system:masters"}, False),
    ],
)
def test_a_bootstrap_token_counts_only_while_it_is_usable(data: dict[str, str], accepted: bool) -> None:
    found = user_of(bootstrap_secret(**data), "abcdef", "0123456789abcdef", now=0.0)
    assert (found is not None) is accepted


def test_a_bootstrap_token_of_another_type_or_being_deleted_does_not_count() -> None:
    deleted = bootstrap_secret()
    deleted["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z"
    for secret in (deleted, {**bootstrap_secret(), "type": "Opaque"}):
        assert user_of(secret, "abcdef", "0123456789abcdef", now=0.0) is None


@pytest.mark.parametrize(
    ("name", "groups", "node", "account"),
    [
        ("system:node:n1", ("system:nodes",), "n1", None),
        ("system:node:n1", (), "", None),
        ("system:serviceaccount:a:b", (), "", ("a", "b")),
        ("system:serviceaccount:a:b:c", (), "", None),
        ("system:serviceaccount:a:", (), "", None),
        ("alice", ("system:nodes",), "", None),
    ],
)
def test_identities_tell_whether_they_are_nodes_or_accounts(
    name: str, groups: tuple[str, ...], node: str, account: tuple[str, str] | None
) -> None:
    user = UserInfo(name, groups=groups)
    assert (user.node_name, user.service_account) == (node, account)
